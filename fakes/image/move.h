/*
 * move: pixels from one view to another, whatever their sizes and models.
 */
#ifndef FAKE_MOVE_H
#define FAKE_MOVE_H

#include "image/resample.h"

/*
 * Fills a view from another: scaled to its size, converted to its model. What
 * the source lacks is neutral: chroma 128, alpha 0. False without memory.
 */
bool view_move(const View *from, const View *to, Algorithm algorithm, unsigned matrix);

/* acldvppBorderType */
typedef enum Edge { EDGE_CONSTANT, EDGE_REPLICATE, EDGE_REFLECT, EDGE_REFLECT_101 } Edge;

/* A border: its sides in pixels, and the values of a constant one. */
typedef struct Border {
    uint32_t left;
    uint32_t right;
    uint32_t top;
    uint32_t bottom;
    Edge edge;
    unsigned char value[COMPONENTS];
} Border;

/* Fills the border of a view from the pixels inside, of which there are some. */
void view_border(const View *view, const Border *border);

#endif
