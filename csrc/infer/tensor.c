/*
 * A graph reads and writes what its data buffers say: memory of the engine's
 * own, which arrays of the host are copied to and from, or an array on the
 * device. A buffer goes on saying what the run before needed, so a run tells it
 * only what differs.
 */

#include "infer/tensor.h"

#include <stddef.h>
#include <stdint.h>

#include "acl/pointers.h"
#include "device/ab_status.h"

/* Notes that a new data buffer says the tensor's own place. */
void tensor_reset(ab_tensor *tensor)
{
    tensor->at = tensor->device;
    tensor->size = tensor->nbytes;
}

/* Points a buffer at an array on the device, or back. After a failure it says nothing known. */
aclError tensor_point(ab_tensor *tensor, const ab_array *array)
{
    void *at = array->onDevice ? array->data : tensor->device;
    size_t size = array->onDevice ? array->nbytes : tensor->nbytes;
    aclError status;
    if (tensor->at == at && tensor->size == size) {
        return ACL_SUCCESS;
    }
    tensor->at = NULL;
    status = aclUpdateDataBuffer(tensor->buffer, at, size);
    if (status == ACL_SUCCESS) {
        tensor->at = at;
        tensor->size = size;
    }
    return status;
}
