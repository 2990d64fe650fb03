#include "run/tensor_desc.h"

#include <stdlib.h>
#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/host_memory.h"
#include "memory/objects.h"

#define UNKNOWN_RANK ((size_t)-2)

bool shape_set(Shape *shape, const int64_t *dims, size_t rank)
{
    size_t size;
    int64_t *copy = NULL;

    if (!multiply(rank, sizeof *dims, &size))
        return false;
    if (rank > 0) {
        copy = malloc(size);
        if (copy == NULL)
            return false;
        memcpy(copy, dims, size);
    }
    free(shape->dims);
    *shape = (Shape){rank, copy};
    return true;
}

static void release(void *body)
{
    TensorDesc *desc = body;

    free(desc->shape.dims);
    free(desc->storage.dims);
    free(desc->name);
    free(desc->constant);
}

aclTensorDesc *tensor_desc_new(int data_type, int format, const int64_t *dims, size_t rank,
                               const void *owner)
{
    void *handle = NULL;
    TensorDesc *desc = object_new(KIND_TENSOR_DESC, sizeof *desc, release, owner, &handle);

    if (desc == NULL)
        return NULL;
    desc->data_type = data_type;
    desc->format = format;
    desc->storage_format = format;
    if (shape_set(&desc->shape, dims, rank))
        return handle;
    object_kill(handle);
    return NULL;
}

aclTensorDesc *tensor_desc_copy(const TensorDesc *from, const void *owner)
{
    aclTensorDesc *handle =
        tensor_desc_new(from->data_type, from->format, from->shape.dims, from->shape.rank, owner);
    TensorDesc *to = object_peek(handle, KIND_TENSOR_DESC);

    if (to == NULL)
        return NULL;
    to->storage_format = from->storage_format;
    to->placement = from->placement;
    shape_set(&to->storage, from->storage.dims, from->storage.rank);
    to->name = from->name != NULL ? strdup(from->name) : NULL;
    return handle;
}

/* The next of a row, or NULL. */
static aclTensorDesc *next_of(const aclTensorDesc *handle)
{
    const TensorDesc *desc = object_peek(handle, KIND_TENSOR_DESC);

    return desc != NULL ? desc->next : NULL;
}

bool tensor_desc_add(aclTensorDesc *first, aclTensorDesc *last)
{
    while (next_of(first) != NULL)
        first = next_of(first);
    TensorDesc *desc = object_peek(first, KIND_TENSOR_DESC);
    desc->next = last;
    return last != NULL;
}

TensorDesc *tensor_desc_find(const aclTensorDesc *handle)
{
    return handle == NULL ? NULL : object_find(handle, KIND_TENSOR_DESC, "desc");
}

int tensor_desc_need(const aclTensorDesc *handle, TensorDesc **desc)
{
    if (handle == NULL)
        return refuse(E_PARAM, "desc is NULL");
    *desc = object_find(handle, KIND_TENSOR_DESC, "desc");
    return *desc != NULL ? E_NONE : violation_status();
}

aclTensorDesc *aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t *dims,
                                   aclFormat format)
{
    ENTER_AS(aclCreateTensorDesc, NULL, "dataType=%d, numDims=%d, dims=%p, format=%d",
             (int)dataType, numDims, (const void *)dims, (int)format);
    call.status = E_PARAM;
    if (numDims < 0 || (numDims > 0 && dims == NULL)) {
        refuse(E_PARAM, "numDims is %d, dims %p", numDims, (const void *)dims);
        return NULL;
    }
    if (numDims > 0 && host_check(dims, "dims") != E_NONE)
        return NULL;
    aclTensorDesc *desc = tensor_desc_new((int)dataType, (int)format, dims, (size_t)numDims, NULL);
    call.status = desc != NULL ? E_NONE : E_BAD_ALLOC;
    return desc;
}

void aclDestroyTensorDesc(const aclTensorDesc *desc)
{
    ENTER_AS(aclDestroyTensorDesc, , "desc=%p", (const void *)desc);
    aclTensorDesc *next = desc != NULL ? next_of(desc) : NULL;
    if (desc == NULL || !object_destroy(desc, KIND_TENSOR_DESC, "desc"))
        return;
    while (next != NULL) {
        aclTensorDesc *dead = next;
        next = next_of(dead);
        object_kill(dead);
    }
}

aclTensorDesc *aclGetTensorDescByIndex(aclTensorDesc *desc, size_t index)
{
    ENTER_AS(aclGetTensorDescByIndex, NULL, "desc=%p, index=%zu", (void *)desc, index);
    if (tensor_desc_find(desc) == NULL)
        return NULL;
    while (index-- > 0 && desc != NULL)
        desc = next_of(desc);
    return desc;
}

aclDataType aclGetTensorDescType(const aclTensorDesc *desc)
{
    ENTER_AS(aclGetTensorDescType, ACL_DT_UNDEFINED, "desc=%p", (const void *)desc);
    const TensorDesc *found = tensor_desc_find(desc);
    return found != NULL ? (aclDataType)found->data_type : ACL_DT_UNDEFINED;
}

aclFormat aclGetTensorDescFormat(const aclTensorDesc *desc)
{
    ENTER_AS(aclGetTensorDescFormat, ACL_FORMAT_UNDEFINED, "desc=%p", (const void *)desc);
    const TensorDesc *found = tensor_desc_find(desc);
    return found != NULL ? (aclFormat)found->format : ACL_FORMAT_UNDEFINED;
}

/* A shape that cannot be counted has no elements. */
static size_t count_of(const TensorDesc *desc)
{
    size_t count;

    return element_count(desc->shape.dims, desc->shape.rank, &count) ? count : 0;
}

size_t aclGetTensorDescSize(const aclTensorDesc *desc)
{
    ENTER_AS(aclGetTensorDescSize, 0, "desc=%p", (const void *)desc);
    const TensorDesc *found = tensor_desc_find(desc);
    size_t bytes;
    if (found == NULL || !multiply(count_of(found), element_size(found->data_type), &bytes))
        return 0;
    return bytes;
}

size_t aclGetTensorDescElementCount(const aclTensorDesc *desc)
{
    ENTER_AS(aclGetTensorDescElementCount, 0, "desc=%p", (const void *)desc);
    const TensorDesc *found = tensor_desc_find(desc);
    return found != NULL ? count_of(found) : 0;
}

size_t aclGetTensorDescNumDims(const aclTensorDesc *desc)
{
    ENTER_AS(aclGetTensorDescNumDims, 0, "desc=%p", (const void *)desc);
    const TensorDesc *found = tensor_desc_find(desc);
    if (found == NULL)
        return 0;
    if (found->shape.rank > 0 && found->shape.dims[0] == -2)
        return UNKNOWN_RANK;
    return found->shape.rank;
}

int64_t aclGetTensorDescDim(const aclTensorDesc *desc, size_t index)
{
    ENTER_AS(aclGetTensorDescDim, -1, "desc=%p, index=%zu", (const void *)desc, index);
    const TensorDesc *found = tensor_desc_find(desc);
    if (found == NULL || index >= found->shape.rank)
        return -1;
    return found->shape.dims[index];
}

aclError aclGetTensorDescDimV2(const aclTensorDesc *desc, size_t index, int64_t *dimSize)
{
    ENTER(aclGetTensorDescDimV2, "desc=%p, index=%zu, dimSize=%p", (const void *)desc, index,
          (void *)dimSize);
    TensorDesc *found = NULL;
    int status = tensor_desc_need(desc, &found);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dimSize);
    if (index >= found->shape.rank)
        LEAVE(refuse(E_PARAM, "index %zu, the tensor has %zu dims", index, found->shape.rank));
    *dimSize = found->shape.dims[index];
    LEAVE(E_NONE);
}

/* No function of this surface sets ranges, so every index is too large. */
aclError aclGetTensorDescDimRange(const aclTensorDesc *desc, size_t index, size_t dimRangeNum,
                                  int64_t *dimRange)
{
    ENTER(aclGetTensorDescDimRange, "desc=%p, index=%zu, dimRangeNum=%zu, dimRange=%p",
          (const void *)desc, index, dimRangeNum, (void *)dimRange);
    TensorDesc *found = NULL;
    int status = tensor_desc_need(desc, &found);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dimRange);
    LEAVE(refuse(E_PARAM, "index %zu, the tensor has no ranges", index));
}
