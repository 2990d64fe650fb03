/*
 * gears: the shapes that a static model was compiled for, when it has several.
 *
 * A gear is one choice of values for all open dims. MODEL_INOUT_INFO lists
 * the gears as batch sizes, as pairs of height and width, or as any dims
 * (blocks 2, 3 and 4); the outputs' shapes in each gear, as texts like
 * "0:1:8,1000" for gear 0 and output 1, where gear -1 means all (block 5);
 * and the inputs whose dims a program counts, in its order (block 6).
 */
#ifndef FAKE_GEARS_H
#define FAKE_GEARS_H

#include "base/reader.h"

#define GEAR_INPUT "ascend_mbatch_shape_data"

typedef enum GearKind {
    GEARS_NONE = 0,
    GEARS_BATCH = 2,            /* the block's type */
    GEARS_HW = 3,
    GEARS_DIMS = 4
} GearKind;

typedef struct Gear {
    size_t width;
    uint64_t *value;            /* owned */
} Gear;

/* The shape of one output in one gear. */
typedef struct GearShape {
    int64_t gear;               /* -1: in every one */
    int64_t output;
    size_t rank;
    int64_t *dims;              /* owned */
} GearShape;

typedef struct Gears {
    GearKind kind;
    Gear *gear;                 /* owned */
    size_t count;
    GearShape *shape;           /* owned */
    size_t shape_count;
    char **order;               /* owned */
    size_t order_count;
    bool misread;               /* by CANN, of a file: texts too short */
} Gears;

/*
 * Reads one of the blocks 2 to 6. False: it is damaged, or the second of its
 * kind. What was read so far is freed with the rest.
 */
bool gears_read(uint32_t type, Bytes block, Gears *gears);

/* The values by which a program names a gear; kind GEARS_NONE: it never did. */
enum { GEAR_WIDTH_MAX = 128 };

typedef struct GearWish {
    GearKind kind;
    size_t width;
    uint64_t value[GEAR_WIDTH_MAX];
} GearWish;

/* The gear with these values, or the count when there is none. */
size_t gears_find(const Gears *gears, const uint64_t *value, size_t width);

/* The shape of an output in a gear, or NULL when none is listed. */
const GearShape *gears_shape(const Gears *gears, size_t gear, size_t output);

void gears_free(Gears *gears);

#endif
