/*
 * inout: the inputs, outputs and gears of a model, as MODEL_INOUT_INFO has
 * them.
 *
 * A list is written once, when the partition is read, and never changed; a
 * loaded model and the descriptions made of it share it and count.
 */
#ifndef FAKE_INOUT_H
#define FAKE_INOUT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/reader.h"
#include "file/gears.h"

typedef struct TensorInfo {
    char *name;
    uint64_t size;              /* bytes; 0 for a dynamic tensor */
    int32_t format;
    int32_t data_type;
    size_t rank;
    int64_t *dims;
    size_t rank_v2;
    int64_t *dims_v2;
    size_t range_count;         /* pairs */
    int64_t *ranges;
} TensorInfo;

typedef struct TensorList {
    TensorInfo *tensor;
    size_t count;
} TensorList;

typedef struct Inout {
    atomic_uint references;
    TensorList inputs;
    TensorList outputs;
    Gears gears;
} Inout;

/* Reads a partition; an empty one has no tensors. NULL after a message. */
Inout *inout_parse(Bytes partition);

/* One more use of the list, one less; the end of the last use frees it. */
Inout *inout_share(Inout *inout);
void inout_drop(Inout *inout);

/*
 * The dims that a tensor's bytes have: the second ones, where the file has
 * them. They are others than the first for an image that AIPP takes, whose
 * first dims are the image's.
 */
static inline const int64_t *memory_dims(const TensorInfo *info)
{
    return info->rank_v2 > 0 ? info->dims_v2 : info->dims;
}

static inline size_t memory_rank(const TensorInfo *info)
{
    return info->rank_v2 > 0 ? info->rank_v2 : info->rank;
}

/* The position of a name in a list, or count. */
size_t tensor_index(const TensorList *list, const char *name);

#endif
