/*
 * data_buffer: the functions of aclDataBuffer.
 */
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/objects.h"
#include "run/changes.h"
#include "run/dataset.h"
#include "stream/order.h"

aclDataBuffer *aclCreateDataBuffer(void *data, size_t size)
{
    ENTER_AS(aclCreateDataBuffer, NULL, "data=%p, size=%zu", data, size);
    void *handle = NULL;
    DataBuffer *buffer = object_new(KIND_DATA_BUFFER, sizeof *buffer, NULL, NULL, &handle);
    if (buffer == NULL) {
        call.status = E_BAD_ALLOC;
        return NULL;
    }
    *buffer = (DataBuffer){data, size};
    return handle;
}

aclError aclDestroyDataBuffer(const aclDataBuffer *dataBuffer)
{
    ENTER(aclDestroyDataBuffer, "dataBuffer=%p", (const void *)dataBuffer);
    if (dataBuffer == NULL)
        LEAVE(refuse(E_PARAM, "dataBuffer is NULL"));
    order_note_end(CLAIM_OBJECT, dataBuffer);
    if (!object_destroy(dataBuffer, KIND_DATA_BUFFER, "dataBuffer"))
        LEAVE(violation_status());
    changes_note();
    LEAVE(E_NONE);
}

aclError aclUpdateDataBuffer(aclDataBuffer *dataBuffer, void *data, size_t size)
{
    ENTER(aclUpdateDataBuffer, "dataBuffer=%p, data=%p, size=%zu", (void *)dataBuffer, data, size);
    if (dataBuffer == NULL)
        LEAVE(refuse(E_PARAM, "dataBuffer is NULL"));
    DataBuffer *buffer = object_find(dataBuffer, KIND_DATA_BUFFER, "dataBuffer");
    if (buffer == NULL)
        LEAVE(violation_status());
    *buffer = (DataBuffer){data, size};
    changes_note();
    LEAVE(E_NONE);
}

static const DataBuffer *buffer_find(const aclDataBuffer *handle)
{
    return handle == NULL ? NULL : object_find(handle, KIND_DATA_BUFFER, "dataBuffer");
}

void *aclGetDataBufferAddr(const aclDataBuffer *dataBuffer)
{
    ENTER_AS(aclGetDataBufferAddr, NULL, "dataBuffer=%p", (const void *)dataBuffer);
    const DataBuffer *buffer = buffer_find(dataBuffer);
    return buffer != NULL ? buffer->data : NULL;
}

uint32_t aclGetDataBufferSize(const aclDataBuffer *dataBuffer)
{
    ENTER_AS(aclGetDataBufferSize, 0, "dataBuffer=%p", (const void *)dataBuffer);
    const DataBuffer *buffer = buffer_find(dataBuffer);
    return buffer != NULL ? (uint32_t)buffer->size : 0;
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer *dataBuffer)
{
    ENTER_AS(aclGetDataBufferSizeV2, 0, "dataBuffer=%p", (const void *)dataBuffer);
    const DataBuffer *buffer = buffer_find(dataBuffer);
    return buffer != NULL ? buffer->size : 0;
}
