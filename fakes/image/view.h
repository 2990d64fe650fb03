/*
 * view: a picture as one strided array for each component.
 *
 * NV12 and RGB888 then differ in steps alone, and a region of a picture is a
 * view as well. What has no component of its own (chroma of grey) is absent.
 */
#ifndef FAKE_VIEW_H
#define FAKE_VIEW_H

#include <stdbool.h>

#include "image/layout.h"

enum { ALPHA = 3, COMPONENTS = 4 };

typedef struct Component {
    unsigned char *at;          /* NULL: absent */
    size_t step;                /* bytes from one sample to the next, */
    size_t pitch;               /* and from one row to the next */
    uint32_t width;
    uint32_t height;
    uint8_t across;             /* halved so often */
    uint8_t down;
} Component;

typedef struct View {
    ColourModel model;
    uint32_t width;
    uint32_t height;
    Component component[COMPONENTS];
} View;

/* A part of a picture; right and bottom belong to it. */
typedef struct Region {
    uint32_t left;
    uint32_t right;
    uint32_t top;
    uint32_t bottom;
} Region;

static inline uint32_t region_width(const Region *region)
{
    return region->right - region->left + 1;
}

static inline uint32_t region_height(const Region *region)
{
    return region->bottom - region->top + 1;
}

/* The view of a picture whose strides hold it. */
View view_of(const Layout *layout, unsigned char *bytes, uint32_t width, uint32_t height,
             uint32_t width_stride, uint32_t height_stride);

/* The view of a region, which lies inside; its left and top are even. */
View view_part(const View *whole, const Region *region);

/*
 * A view of memory of its own, all components in full size: *memory is to be
 * freed. False without memory.
 */
bool view_new(ColourModel model, uint32_t width, uint32_t height, View *view,
              unsigned char **memory);

#endif
