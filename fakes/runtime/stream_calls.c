/*
 * stream_calls: the functions that make, end and wait for streams.
 */
#include "base/acl.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "runtime/stream_need.h"
#include "stream/order.h"
#include "stream/stream.h"

enum { FLAGS = 0x3F };          /* all that there are */

static int create(aclrtStream *stream)
{
    int status = context_needed();
    if (status != E_NONE)
        return status;
    Stream *made = stream_open(context_current(), context_device());
    if (made == NULL)
        return E_BAD_ALLOC;
    aclrtStream handle = stream_publish(made, NULL);
    if (handle == NULL) {
        stream_close(made);
        return E_BAD_ALLOC;
    }
    *stream = handle;
    return E_NONE;
}

aclError aclrtCreateStream(aclrtStream *stream)
{
    ENTER(aclrtCreateStream, "stream=%p", (void *)stream);
    NOT_NULL(stream);
    LEAVE(create(stream));
}

/* Priorities are clamped on a device and mean nothing here. */
aclError aclrtCreateStreamWithConfig(aclrtStream *stream, uint32_t priority, uint32_t flag)
{
    ENTER(aclrtCreateStreamWithConfig, "stream=%p, priority=%u, flag=0x%x", (void *)stream,
          priority, flag);
    NOT_NULL(stream);
    if ((flag & ~(uint32_t)FLAGS) != 0)
        LEAVE(refuse(E_RT_PARAM, "flag 0x%x has bits outside 0x%x", flag, FLAGS));
    LEAVE(create(stream));
}

/* What a device still had to say about the stream's tasks is lost here. */
static int destroy(aclrtStream handle, bool force)
{
    Stream *stream = NULL;

    if (handle == NULL)
        return refuse(E_PARAM, "stream is NULL");
    int status = stream_need(handle, "stream", &stream);
    if (status != E_NONE)
        return status;
    if (!force)
        stream_wait(stream, -1);
    if (!object_destroy(handle, KIND_STREAM, "stream"))
        return E_RT_HANDLE;
    stream_end(stream);
    return E_NONE;
}

aclError aclrtDestroyStream(aclrtStream stream)
{
    ENTER(aclrtDestroyStream, "stream=%p", stream);
    LEAVE(destroy(stream, false));
}

aclError aclrtDestroyStreamForce(aclrtStream stream)
{
    ENTER(aclrtDestroyStreamForce, "stream=%p", stream);
    LEAVE(destroy(stream, true));
}

aclError aclrtSynchronizeStream(aclrtStream stream)
{
    ENTER(aclrtSynchronizeStream, "stream=%p", stream);
    Stream *found = NULL;
    int status = stream_need(stream, "stream", &found);
    LEAVE(status != E_NONE ? status : stream_wait(found, -1));
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout)
{
    ENTER(aclrtSynchronizeStreamWithTimeout, "stream=%p, timeout=%d", stream, timeout);
    Stream *found = NULL;
    if (timeout < -1 || timeout == 0)
        LEAVE(refuse(E_RT_PARAM, "timeout %d is not -1 or more than 0", timeout));
    int status = stream_need(stream, "stream", &found);
    LEAVE(status != E_NONE ? status : stream_wait(found, timeout));
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus *status)
{
    ENTER(aclrtStreamQuery, "stream=%p, status=%p", stream, (void *)status);
    Stream *found = NULL;
    NOT_NULL(status);
    int result = stream_need(stream, "stream", &found);
    if (result != E_NONE)
        LEAVE(result);
    streams_lock();
    bool idle = stream_idle(found);
    if (idle) {
        order_synced(found, found->last);
        order_synced_clock(&found->clock, found->last);
    }
    streams_unlock();
    *status = idle ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
    LEAVE(E_NONE);
}

/* The number that aclrtGetStreamIdFromExceptionInfo tells of it. */
aclError aclrtStreamGetId(aclrtStream stream, int32_t *streamId)
{
    ENTER(aclrtStreamGetId, "stream=%p, streamId=%p", stream, (void *)streamId);
    Stream *found = NULL;
    NOT_NULL(streamId);
    int status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        *streamId = (int32_t)found->serial;
    LEAVE(status);
}

aclError aclrtCtxGetCurrentDefaultStream(aclrtStream *stream)
{
    ENTER(aclrtCtxGetCurrentDefaultStream, "stream=%p", (void *)stream);
    Stream *found = NULL;
    NOT_NULL(stream);
    int status = stream_need(NULL, "stream", &found);
    if (status == E_NONE)
        *stream = (void *)(uintptr_t)found->handle;
    LEAVE(status);
}

aclError aclrtSynchronizeDevice(void)
{
    ENTER(aclrtSynchronizeDevice, NO_ARGS);
    int status = context_needed();
    LEAVE(status != E_NONE ? status : streams_wait_device(context_device(), -1));
}

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout)
{
    ENTER(aclrtSynchronizeDeviceWithTimeout, "timeout=%d", timeout);
    int status = context_needed();
    if (status == E_NONE && timeout < -1)
        status = refuse(E_RT_PARAM, "timeout %d is less than -1", timeout);
    LEAVE(status != E_NONE ? status : streams_wait_device(context_device(), timeout));
}
