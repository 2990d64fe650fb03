/*
 * The tensors of MODEL_INOUT_INFO (facts 5.4), found in a block of it.
 */
#ifndef AB_INOUT_H
#define AB_INOUT_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { INOUT_NUMBER = 8 }; /* bytes of a dim, and of a bound of a range */

/* A tensor's fixed fields, and where the others lie in the block, one behind another. */
typedef struct inout_tensor {
    uint64_t nbytes;
    int32_t format;
    int32_t dtype;
    uint32_t name;
    uint32_t name_size;
    uint32_t dims;              /* twice: what follows, dims_v2, is not needed */
    uint32_t dims_size;
    uint32_t ranges;
    uint32_t ranges_size;
} inout_tensor;

/*
 * The tensor at *at, which moves behind it. 0, and *at stays: it does not end in
 * the block, or has dims or ranges of more than most bytes, or of no whole numbers.
 */
int inout_next(const uint8_t *block, uint64_t size, uint64_t most, uint64_t *at,
               inout_tensor *tensor);

#pragma GCC visibility pop

#endif
