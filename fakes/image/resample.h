/*
 * resample: one component in another size.
 */
#ifndef FAKE_RESAMPLE_H
#define FAKE_RESAMPLE_H

#include "image/view.h"

/* The algorithms of a resize configuration (facts 11.8). */
typedef enum Algorithm {
    RESIZE_DEFAULT,
    RESIZE_BILINEAR,
    RESIZE_NEAREST,
    RESIZE_BILINEAR_TF,         /* samples at whole coordinates, */
    RESIZE_NEAREST_TF           /* as TensorFlow has them */
} Algorithm;

/*
 * Fills a component from another. across and down are how many samples of
 * the source make one of the target. Samples lie at half coordinates, and
 * beyond the edge is the edge. False without memory.
 */
bool resample(const Component *from, const Component *to, double across, double down,
              Algorithm algorithm);

/* Fills a component with one value. */
void component_fill(const Component *to, unsigned char value);

#endif
