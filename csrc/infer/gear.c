/*
 * Gears: shapes that a graph was compiled for. Its buffers are those of the
 * largest; a run names its gear to the library before it executes, and copies
 * the bytes that tensors have in it.
 */

#include "infer/gear.h"

#include <stdint.h>

#include "acl/pointers.h"
#include "device/ab_status.h"
#include "gate/gate.h"

/* Names the gear of a run, if it has one. 0 or a failure. */
int64_t gear_set(uint32_t modelId, const aclmdlDataset *dataset, const ab_gear *gear)
{
    aclmdlDataset *input = (aclmdlDataset *)(uintptr_t)dataset;
    enum ab_step step = AB_STEP_SET_DIMS;
    aclError status;
    if (gear == NULL) {
        return 0;
    }
    if (gear->kind == AB_GEAR_BATCH) {
        step = AB_STEP_SET_BATCH;
        status = aclmdlSetDynamicBatchSize(modelId, input, gear->index, gear->first);
    } else if (gear->kind == AB_GEAR_HW) {
        step = AB_STEP_SET_HW;
        status = aclmdlSetDynamicHWSize(modelId, input, gear->index, gear->first, gear->second);
    } else {
        status = aclmdlSetInputDynamicDims(modelId, input, gear->index, gear->dims);
    }
    return status == ACL_SUCCESS ? 0 : failure(step, 0, status);
}
