/*
 * layout: how the bytes of a pixel format lie (facts 11.5), and which of the
 * formats the units read and write (facts 11.6).
 */
#ifndef FAKE_LAYOUT_H
#define FAKE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the components of a pixel mean. */
typedef enum ColourModel { MODEL_YUV, MODEL_RGB } ColourModel;

/* Where they lie. */
typedef enum Placing {
    PLACED_ALONE,               /* one plane of grey */
    PLACED_SEMI,                /* a plane of Y, then one of pairs */
    PLACED_PAIRS,               /* two pixels in four bytes: packed 422 */
    PLACED_PACKED               /* one pixel in three or four bytes */
} Placing;

typedef enum Use {
    READ_OLD = 1,               /* VPC of older chips reads it, */
    READ_NEW = 2,               /* that of newer ones, */
    WRITE_OLD = 4,
    WRITE_NEW = 8,
    ENCODE = 16                 /* and JPEGE */
} Use;

typedef struct Layout {
    uint32_t format;            /* acldvppPixelFormat */
    const char *name;
    ColourModel model;
    Placing placing;
    uint8_t row;                /* bytes of the first plane for each pixel */
    uint8_t halves;             /* of stride * rows: the picture's size */
    uint8_t across;             /* chroma is halved so often: 0 or 1 */
    uint8_t down;
    int8_t at[4];               /* bytes of the components; -1: none */
    uint8_t uses;
} Layout;

/* The layout of a format, or NULL: none that any unit has. */
const Layout *layout_of(uint32_t format);

/* Is this device an Ascend 310 or 910 (facts 11.15)? */
bool chip_is_old(void);

/* May VPC read it, or write it? */
bool layout_is_read(const Layout *layout);
bool layout_is_written(const Layout *layout);

/* The bytes of a picture with these strides. */
uint64_t layout_size(const Layout *layout, uint32_t width_stride, uint32_t height_stride);

#endif
