/*
 * context_calls: the functions that make, end and choose contexts.
 */
#include "base/acl.h"
#include "call/fork.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "runtime/device.h"
#include "stream/stream.h"

aclError aclrtCreateContext(aclrtContext *context, int32_t deviceId)
{
    ENTER(aclrtCreateContext, "context=%p, deviceId=%d", (void *)context, deviceId);
    NOT_NULL(context);
    int status = device_check(deviceId);
    if (status != E_NONE)
        LEAVE(status);
    void *handle = context_new(deviceId, NULL);
    if (handle == NULL)
        LEAVE(refuse(E_BAD_ALLOC, "no memory for a context"));
    fork_begun();
    context_choose(handle);
    *context = handle;
    LEAVE(E_NONE);
}

aclError aclrtDestroyContext(aclrtContext context)
{
    ENTER(aclrtDestroyContext, "context=%p", context);
    if (context == NULL)
        LEAVE(refuse(E_PARAM, "context is NULL"));
    const Context *found = context_at(context);
    if (found != NULL && found->primary)
        LEAVE(refuse(E_RT_CONTEXT,
                     "context %p is the default context of "
                     "device %d; aclrtResetDevice ends it",
                     context, found->device));
    if (found != NULL)
        streams_end_context(context, false);
    if (!object_destroy(context, KIND_CONTEXT, "context"))
        LEAVE(E_RT_CONTEXT);
    LEAVE(E_NONE);
}

aclError aclrtSetCurrentContext(aclrtContext context)
{
    ENTER(aclrtSetCurrentContext, "context=%p", context);
    if (context == NULL)
        LEAVE(refuse(E_PARAM, "context is NULL"));
    if (object_find(context, KIND_CONTEXT, "context") == NULL)
        LEAVE(E_RT_PARAM);
    context_choose(context);
    LEAVE(E_NONE);
}

aclError aclrtGetCurrentContext(aclrtContext *context)
{
    ENTER(aclrtGetCurrentContext, "context=%p", (void *)context);
    NOT_NULL(context);
    int status = context_needed();
    if (status == E_NONE)
        *context = (void *)(uintptr_t)context_current();
    LEAVE(status);
}
