/* Where a graph finds a tensor. */
#ifndef AB_TENSOR_H
#define AB_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/ab_gear.h"
#include "infer/ab_run.h"

void tensor_reset(ab_tensor *tensor);
aclError tensor_point(ab_tensor *tensor, const ab_array *array);

/* Whether a buffer says the tensor's own place, and the run's array is of the host. */
static inline int tensor_stays(const ab_tensor *tensor, const ab_array *array)
{
    return !array->onDevice && tensor->at == tensor->device && tensor->size == tensor->nbytes;
}

/* Points the buffers of tensors where a run's arrays want them. 0 or the first failure. */
static inline int64_t tensors_point(ab_tensor *tensors, const ab_array *arrays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        aclError status = tensor_stays(&tensors[i], &arrays[i])
                              ? ACL_SUCCESS
                              : tensor_point(&tensors[i], &arrays[i]);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_SET_BUFFER, i, status);
        }
    }
    return 0;
}

#endif
