/*
 * What an output of a dynamic graph turned out to be is read from the
 * description in the dataset. Its bytes are copied into host memory of their
 * own, which is the caller's from then on. Or they stay on the device: in an
 * array of the caller's, or in the library's memory, which is the caller's then.
 */

#include "infer/sink.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"

/* Copies an output to host memory of its own. */
static int64_t output_copy(const ab_sink *sink, const ab_engine *e, size_t i, ab_output *output)
{
    aclError status;
    output->data = malloc(output->nbytes > 0 ? output->nbytes : 1);
    if (output->data == NULL) {
        return failure(AB_STEP_COPY_OUT, i, ACL_ERROR_BAD_ALLOC);
    }
    if (output->nbytes == 0) {
        return 0;
    }
    status = aclrtMemcpy(output->data, output->nbytes, aclGetDataBufferAddr(sink->buffer),
                         output->nbytes, e->fromDevice);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_OUT, i, status);
}

/* Leaves an output on the device: where it was wanted, or in the library's memory. */
static int64_t output_keep(ab_sink *sink, size_t i, const ab_array *wanted, ab_output *output)
{
    aclError status;
    output->device = aclGetDataBufferAddr(sink->buffer);
    if (wanted->data != NULL) {
        return 0;
    }
    status = aclUpdateDataBuffer(sink->buffer, NULL, 0);
    sink->left = status != ACL_SUCCESS ? output->device : NULL;
    output->isAllocated = status == ACL_SUCCESS && output->device != NULL;
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_BUFFER, i, status);
}

/* Reads what output i is, and copies it to the host, or leaves it. */
int64_t sink_read(ab_sink *sink, const ab_engine *e, size_t i, const ab_array *wanted,
                  ab_output *output)
{
    aclTensorDesc *desc = aclmdlGetDatasetTensorDesc(e->output, i);
    if (desc == NULL) {
        return failure(AB_STEP_GET_DESC, i, ACL_ERROR_BAD_ALLOC);
    }
    output->rank = aclGetTensorDescNumDims(desc);
    if (output->rank > AB_RANK_MAX) {
        return failure(AB_STEP_BAD_RANK, i, (aclError)output->rank);
    }
    output->nbytes = aclGetTensorDescSize(desc);
    for (size_t k = 0; k < output->rank; k++) {
        aclError status = aclGetTensorDescDimV2(desc, k, &output->dims[k]);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_GET_DIM, i, status);
        }
    }
    if (aclGetDataBufferSizeV2 != NULL && output->nbytes > aclGetDataBufferSizeV2(sink->buffer)) {
        return failure(AB_STEP_BAD_SIZE, i, (aclError)output->nbytes);
    }
    if (output->nbytes > 0 && aclGetDataBufferAddr(sink->buffer) == NULL) {
        return failure(AB_STEP_BAD_OUTPUT, i, 0);
    }
    return wanted->onDevice ? output_keep(sink, i, wanted, output)
                            : output_copy(sink, e, i, output);
}

/* Points an output's buffer at an array on the device, or at nothing, or back. */
int64_t sink_lend(ab_sink *sink, size_t index, const ab_array *wanted)
{
    aclError status;
    if (!wanted->onDevice && !sink->isLent) {
        return 0;
    }
    sink->isLent = 1;
    status = wanted->onDevice ? aclUpdateDataBuffer(sink->buffer, wanted->data, wanted->nbytes)
                              : aclUpdateDataBuffer(sink->buffer, sink->device, sink->room);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_BUFFER, index, status);
    }
    sink->isLent = wanted->onDevice && (wanted->data != NULL || sink->device != NULL);
    return 0;
}

/* Takes a buffer's memory out of it and gives it back. */
static int64_t sink_empty(ab_sink *sink, size_t index, void *memory)
{
    aclError status = aclUpdateDataBuffer(sink->buffer, NULL, 0);
    sink->left = status != ACL_SUCCESS ? memory : NULL;
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_BUFFER, index, status);
    }
    status = aclrtFree(memory);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_FREE, index, status);
}

/* Gives back what an earlier run had to leave. 0 or a failure. */
int64_t sink_clear(ab_sink *sink, size_t index)
{
    return sink->left != NULL ? sink_empty(sink, index, sink->left) : 0;
}

/* Gives back what the library allocated in this run. 0 or a failure. */
int64_t sink_drop(ab_sink *sink, size_t index, const ab_array *wanted)
{
    int allocates = wanted->onDevice ? wanted->data == NULL : sink->device == NULL;
    void *memory = allocates ? aclGetDataBufferAddr(sink->buffer) : NULL;
    return memory != NULL && memory != sink->left ? sink_empty(sink, index, memory) : 0;
}

/* Gives back what was left; the context is current and no run is under way. */
aclError sink_release(ab_sink *sink)
{
    aclError status = sink->left != NULL ? aclrtFree(sink->left) : ACL_SUCCESS;
    sink->left = NULL;
    return status;
}
