/*
 * Weights that are no contiguous arrays: views, transposed or cut out.
 */
#ifndef AB_GATHER_CALLS_H
#define AB_GATHER_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "numbers/ab_convert.h"
#include "update/ab_stage.h"

enum { AB_GATHER_RANK = 8, AB_GATHER_SLAB = 4 << 20 }; /* bytes, the second */

int64_t ab_stage_gather(ab_stage *stage, void *area, void *staging, size_t stagingSize,
                        size_t index, enum ab_move move, const void *src, size_t itemsize,
                        size_t rank, const size_t *dims, const int64_t *strides, ab_counts *counts);

#endif
