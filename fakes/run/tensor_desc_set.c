/*
 * tensor_desc_set: what can be changed about a description, and one made of
 * another.
 */
#include <stdlib.h>
#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "run/tensor_desc.h"
#include "run/trans_shape.h"

void aclSetTensorDescName(aclTensorDesc *desc, const char *name)
{
    ENTER_AS(aclSetTensorDescName, , "desc=%p, name=%p", (void *)desc, (const void *)name);
    TensorDesc *found = tensor_desc_find(desc);
    if (found == NULL || (name != NULL && host_check(name, "name") != 0))
        return;
    free(found->name);
    found->name = name != NULL ? strdup(name) : NULL;
}

const char *aclGetTensorDescName(aclTensorDesc *desc)
{
    ENTER_AS(aclGetTensorDescName, "", "desc=%p", (void *)desc);
    const TensorDesc *found = tensor_desc_find(desc);
    return found != NULL && found->name != NULL ? found->name : "";
}

/* The format setters take NULL for a description of nothing. */
static int format_set(aclTensorDesc *handle, aclFormat format, bool storage)
{
    TensorDesc *desc = tensor_desc_find(handle);

    if (desc == NULL)
        return handle == NULL ? E_NONE : violation_status();
    if (storage)
        desc->storage_format = (int)format;
    else
        desc->format = (int)format;
    return E_NONE;
}

aclError aclSetTensorStorageFormat(aclTensorDesc *desc, aclFormat format)
{
    ENTER(aclSetTensorStorageFormat, "desc=%p, format=%d", (void *)desc, (int)format);
    LEAVE(format_set(desc, format, true));
}

aclError aclSetTensorFormat(aclTensorDesc *desc, aclFormat format)
{
    ENTER(aclSetTensorFormat, "desc=%p, format=%d", (void *)desc, (int)format);
    LEAVE(format_set(desc, format, true));
}

aclError aclSetTensorOriginFormat(aclTensorDesc *desc, aclFormat format)
{
    ENTER(aclSetTensorOriginFormat, "desc=%p, format=%d", (void *)desc, (int)format);
    LEAVE(format_set(desc, format, false));
}

/* A negative count clears the dims: so does ACL, for resize(0) is all it does. */
static int set_dims(aclTensorDesc *handle, int numDims, const int64_t *dims, bool storage)
{
    TensorDesc *desc = NULL;
    int status = tensor_desc_need(handle, &desc);

    if (status == E_NONE)
        status = argument_check(dims, "dims");
    if (status != E_NONE)
        return status;
    size_t rank = numDims > 0 ? (size_t)numDims : 0;
    if (!shape_set(storage ? &desc->storage : &desc->shape, dims, rank))
        return refuse(E_BAD_ALLOC, "no memory for %d dims", numDims);
    return E_NONE;
}

aclError aclSetTensorStorageShape(aclTensorDesc *desc, int numDims, const int64_t *dims)
{
    ENTER(aclSetTensorStorageShape, "desc=%p, numDims=%d, dims=%p", (void *)desc, numDims,
          (const void *)dims);
    LEAVE(set_dims(desc, numDims, dims, true));
}

aclError aclSetTensorShape(aclTensorDesc *desc, int numDims, const int64_t *dims)
{
    ENTER(aclSetTensorShape, "desc=%p, numDims=%d, dims=%p", (void *)desc, numDims,
          (const void *)dims);
    LEAVE(set_dims(desc, numDims, dims, true));
}

aclError aclSetTensorOriginShape(aclTensorDesc *desc, int numDims, const int64_t *dims)
{
    ENTER(aclSetTensorOriginShape, "desc=%p, numDims=%d, dims=%p", (void *)desc, numDims,
          (const void *)dims);
    LEAVE(set_dims(desc, numDims, dims, false));
}

aclError aclSetTensorConst(aclTensorDesc *desc, void *dataBuffer, size_t length)
{
    ENTER(aclSetTensorConst, "desc=%p, dataBuffer=%p, length=%zu", (void *)desc, dataBuffer,
          length);
    TensorDesc *found = NULL;
    int status = tensor_desc_need(desc, &found);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dataBuffer);
    if (length == 0)
        LEAVE(refuse(E_PARAM, "length is 0"));
    void *copy = malloc(length);
    if (copy == NULL)
        LEAVE(refuse(E_BAD_ALLOC, "no memory for %zu bytes", length));
    memcpy(copy, dataBuffer, length);
    free(found->constant);
    found->constant = copy;
    found->constant_size = length;
    LEAVE(E_NONE);
}

aclError aclSetTensorPlaceMent(aclTensorDesc *desc, aclMemType memType)
{
    ENTER(aclSetTensorPlaceMent, "desc=%p, memType=%d", (void *)desc, (int)memType);
    TensorDesc *found = NULL;
    int status = tensor_desc_need(desc, &found);
    if (status == E_NONE)
        found->placement = (int)memType;
    LEAVE(status);
}

/* The new description has the other format's dims, and keeps the format. */
aclError aclTransTensorDescFormat(const aclTensorDesc *srcDesc, aclFormat dstFormat,
                                  aclTensorDesc **dstDesc)
{
    ENTER(aclTransTensorDescFormat, "srcDesc=%p, dstFormat=%d, dstDesc=%p", (const void *)srcDesc,
          (int)dstFormat, (void *)dstDesc);
    TensorDesc *from = NULL;
    Shape shape = {0};
    int status = tensor_desc_need(srcDesc, &from);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dstDesc);
    status = trans_shape(from, (int)dstFormat, &shape);
    if (status != E_NONE)
        LEAVE(status);
    *dstDesc = tensor_desc_new(from->data_type, from->format, shape.dims, shape.rank, NULL);
    free(shape.dims);
    LEAVE(*dstDesc != NULL ? E_NONE : E_BAD_ALLOC);
}
