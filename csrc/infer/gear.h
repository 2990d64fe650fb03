/* What a run does with its gear. */
#ifndef AB_GEAR_H
#define AB_GEAR_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_gear.h"

int64_t gear_set(uint32_t modelId, const aclmdlDataset *dataset, const ab_gear *gear);

/* The bytes of input i in a gear; without one (NULL), of all its memory. */
static inline size_t gear_in(const ab_gear *gear, const ab_tensor *tensor, size_t i)
{
    return gear != NULL ? gear->in[i] : tensor->nbytes;
}

/* The same of output i. */
static inline size_t gear_out(const ab_gear *gear, const ab_tensor *tensor, size_t i)
{
    return gear != NULL ? gear->out[i] : tensor->nbytes;
}

#endif
