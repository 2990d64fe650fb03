/*
 * Gears: shapes that a graph was compiled for. Its buffers are those of the
 * largest; a run names its gear to the library before it executes, and copies
 * the bytes that tensors have in it.
 */

enum { GEAR_BATCH = 2, GEAR_HW = 3 };

/* Names the gear of a run, if it has one. 0 or a failure. */
static int64_t gear_set(uint32_t modelId, const aclmdlDataset *dataset,
                        const ab_gear *gear)
{
    aclmdlDataset *input = (aclmdlDataset *)(uintptr_t)dataset;
    enum ab_step step = AB_STEP_SET_DIMS;
    aclError status;
    if (gear == NULL) {
        return 0;
    }
    if (gear->kind == GEAR_BATCH) {
        step = AB_STEP_SET_BATCH;
        status = aclmdlSetDynamicBatchSize(modelId, input, gear->index,
                                           gear->first);
    } else if (gear->kind == GEAR_HW) {
        step = AB_STEP_SET_HW;
        status = aclmdlSetDynamicHWSize(modelId, input, gear->index,
                                        gear->first, gear->second);
    } else {
        status = aclmdlSetInputDynamicDims(modelId, input, gear->index,
                                           gear->dims);
    }
    return status == ACL_SUCCESS ? 0 : failure(step, 0, status);
}

/* The bytes of input i in a gear; without one (NULL), of all its memory. */
static size_t gear_in(const ab_gear *gear, const ab_slot *slot, size_t i)
{
    return gear != NULL ? gear->in[i] : slot->nbytes;
}

/* The same of output i. */
static size_t gear_out(const ab_gear *gear, const ab_slot *slot, size_t i)
{
    return gear != NULL ? gear->out[i] : slot->nbytes;
}
