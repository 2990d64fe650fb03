/*
 * An input of a dynamic graph has device memory that grows to the largest array
 * that it was given, and the dims that its dataset describes now: a run touches
 * only what differs.
 */

#include "infer/place.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"

/* Makes room for an array, and points the data buffer at it. */
static int64_t place_fit(ab_input_place *place, size_t nbytes)
{
    aclError status;
    if (place->device == NULL || place->room < nbytes) {
        if (place->device != NULL) {
            status = aclrtFree(place->device);
            if (status != ACL_SUCCESS) {
                return failure(AB_STEP_FREE, 0, status);
            }
            place->device = NULL;
        }
        place->room = nbytes > 0 ? nbytes : 1;
        place->nbytes = SIZE_MAX;
        status = aclrtMalloc(&place->device, place->room, ACL_MEM_MALLOC_HUGE_FIRST);
        if (status != ACL_SUCCESS) {
            place->device = NULL;
            return failure(AB_STEP_ALLOCATE, 0, status);
        }
        if (place->device == NULL) {
            return failure(AB_STEP_BAD_MEMORY, 0, 0);
        }
    }
    if (place->nbytes == nbytes) {
        return 0;
    }
    place->nbytes = nbytes;
    status = aclUpdateDataBuffer(place->buffer, place->device, nbytes);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_BUFFER, 0, status);
}

/* Describes an input to its dataset, unless it says so already. */
static int64_t place_describe(const ab_engine *e, ab_input_place *place, size_t index,
                              const ab_array *array)
{
    size_t bytes = (size_t)array->rank * sizeof *array->dims;
    aclmdlDataset *input = (aclmdlDataset *)(uintptr_t)e->input;
    if (place->rank == array->rank &&
        (bytes == 0 || memcmp(place->dims, array->dims, bytes) == 0)) {
        return 0;
    }
    aclTensorDesc *desc = aclCreateTensorDesc(place->type, array->rank, array->dims, ACL_FORMAT_ND);
    if (desc == NULL) {
        return failure(AB_STEP_NEW_DESC, index, ACL_ERROR_BAD_ALLOC);
    }
    place->rank = -1;
    aclError status = aclmdlSetDatasetTensorDesc(input, desc, index);
    aclDestroyTensorDesc(desc);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_DESC, index, status);
    }
    place->rank = array->rank;
    if (bytes > 0) {
        memcpy(place->dims, array->dims, bytes);
    }
    return 0;
}

/* Points the data buffer at an array on the device; the place's own memory stays for later. */
static int64_t place_lend(ab_input_place *place, const ab_array *array)
{
    aclError status;
    place->nbytes = SIZE_MAX;
    status = aclUpdateDataBuffer(place->buffer, array->data, array->nbytes);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_BUFFER, 0, status);
}

/*
 * Brings input index to its place, or points at it where it is on the device, and
 * describes it. 0 or a failure. The context is current.
 */
int64_t place_take(ab_input_place *place, const ab_engine *e, size_t index, const ab_array *array)
{
    int64_t result = array->onDevice ? place_lend(place, array) : place_fit(place, array->nbytes);
    if (result == 0) {
        result = place_describe(e, place, index, array);
    }
    if (result != 0 || array->nbytes == 0 || array->onDevice) {
        return result;
    }
    aclError status =
        aclrtMemcpy(place->device, place->room, array->data, array->nbytes, e->toDevice);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_IN, index, status);
}

/* Gives the memory back; the context is current and no run is under way. */
aclError place_release(ab_input_place *place)
{
    aclError status = place->device != NULL ? aclrtFree(place->device) : ACL_SUCCESS;
    place->device = NULL;
    place->room = 0;
    return status;
}
