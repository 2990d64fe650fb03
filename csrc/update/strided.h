/* A view: dims and strides, in bytes, of any sign. */
#ifndef AB_STRIDED_H
#define AB_STRIDED_H

#include <stddef.h>
#include <stdint.h>

#include "update/ab_gather.h"

/* A view whose axes are as few as they can be. */
typedef struct strided {
    const char *data;
    size_t itemsize;
    size_t rank;
    size_t dims[AB_GATHER_RANK];
    int64_t strides[AB_GATHER_RANK];
} strided;

strided strided_of(const void *src, size_t itemsize, size_t rank, const size_t *dims,
                   const int64_t *strides);
size_t strided_count(const strided *v, size_t axis);
int strided_runs(const strided *v);
size_t strided_lines(const strided *v);
void strided_gather(const strided *v, char *dst);

#endif
