#include "runtime/context.h"

#include <stdatomic.h>

#include "base/acl.h"
#include "call/fork.h"
#include "call/message.h"
#include "runtime/device.h"
#include "runtime/host_memory.h"
#include "runtime/objects.h"
#include "runtime/stream.h"

typedef struct Context {
    int device;
    bool primary;
} Context;

static atomic_uint epoch;       /* of what threads remember */

static _Thread_local struct {
    unsigned epoch;
    const void *chosen;
    const void *primary;
} thread;

static void thread_of_this_epoch(void)
{
    unsigned now = atomic_load_explicit(&epoch, memory_order_relaxed);

    if (thread.epoch == now)
        return;
    thread.epoch = now;
    thread.chosen = NULL;
    thread.primary = NULL;
}

static const Context *context_at(const void *handle)
{
    return handle == NULL ? NULL : object_peek(handle, KIND_CONTEXT);
}

const void *context_current(void)
{
    thread_of_this_epoch();
    if (context_at(thread.chosen) != NULL)
        return thread.chosen;
    if (context_at(thread.primary) != NULL)
        return thread.primary;
    return device_default_context();
}

int context_device(void)
{
    const Context *context = context_at(context_current());

    return context != NULL ? context->device : -1;
}

int context_needed(void)
{
    if (context_current() != NULL)
        return E_NONE;
    return refuse(E_RT_CONTEXT, "this thread has no current context; call "
                  "aclrtSetDevice or aclrtSetCurrentContext on it first");
}

void *context_new(int device, const void *owner)
{
    void *handle = NULL;
    Context *context = object_new(KIND_CONTEXT, sizeof *context, NULL, owner,
                                  &handle);

    if (context == NULL)
        return NULL;
    *context = (Context){device, owner != NULL};
    return handle;
}

void context_use_primary(const void *context)
{
    thread_of_this_epoch();
    thread.primary = context;
    thread.chosen = NULL;
}

void context_end(const void *context, bool force)
{
    streams_end_context(context, force);
    object_kill(context);
}

aclError aclrtCreateContext(aclrtContext *context, int32_t deviceId)
{
    ENTER(aclrtCreateContext, "context=%p, deviceId=%d", (void *)context,
          deviceId);
    NOT_NULL(context);
    int status = device_check(deviceId);
    if (status != E_NONE)
        LEAVE(status);
    void *handle = context_new(deviceId, NULL);
    if (handle == NULL)
        LEAVE(refuse(E_BAD_ALLOC, "no memory for a context"));
    fork_begun();
    thread_of_this_epoch();
    thread.chosen = handle;
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
        LEAVE(refuse(E_RT_CONTEXT, "context %p is the default context of "
                     "device %d; aclrtResetDevice ends it", context,
                     found->device));
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
    thread_of_this_epoch();
    thread.chosen = context;
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

void contexts_reset(void)
{
    atomic_fetch_add(&epoch, 1);
}
