/*
 * Tensors on the device, and the gears that a graph was compiled for.
 */
#ifndef AB_GEAR_CALLS_H
#define AB_GEAR_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"

/*
 * A tensor's own place on the device, its data buffer in the dataset, and what
 * that buffer says now: this place, or an array of the caller's.
 */
typedef struct ab_tensor {
    void *device;
    size_t nbytes;
    aclDataBuffer *buffer;
    void *at;
    size_t size;
} ab_tensor;

enum ab_gear_kind { AB_GEAR_DIMS, AB_GEAR_BATCH, AB_GEAR_HW };

/* One gear: what the library is told. */
typedef struct ab_gear {
    enum ab_gear_kind kind;
    size_t index;
    uint64_t first;
    uint64_t second;
    const aclmdlIODims *dims;
} ab_gear;

#endif
