/*
 * The tensors of MODEL_INOUT_INFO (facts 5.4), found in a block of it.
 */
#ifndef AB_INOUT_CALLS_H
#define AB_INOUT_CALLS_H

#include <stdint.h>

/* A tensor's fixed fields, and where the others lie in the block, one behind another. */
typedef struct ab_end {
    uint64_t nbytes;
    int32_t format;
    int32_t dtype;
    uint32_t name;
    uint32_t name_size;
    uint32_t dims;              /* twice: what follows, dims_v2, is not needed */
    uint32_t dims_size;
    uint32_t ranges;
    uint32_t ranges_size;
} ab_end;

/*
 * Reads count tensors from at on: how many. Fewer: the next one does not end in
 * the block, or has dims or ranges of more than most bytes, or of no whole numbers.
 */
uint64_t ab_inout_read(const uint8_t *block, uint64_t size, uint64_t at, uint64_t most,
                       uint64_t count, ab_end *ends);

#endif
