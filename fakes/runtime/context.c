#include "runtime/context.h"

#include <stdatomic.h>

#include "base/codes.h"
#include "call/message.h"
#include "memory/objects.h"

static atomic_uint epoch;       /* of what threads remember */

/* The current context of threads without one, or NULL. */
static _Atomic(void *) fallback;

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

const Context *context_at(const void *handle)
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
    return atomic_load_explicit(&fallback, memory_order_relaxed);
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
    Context *context = object_new(KIND_CONTEXT, sizeof *context, NULL, owner, &handle);

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

void context_choose(const void *context)
{
    thread_of_this_epoch();
    thread.chosen = context;
}

void context_fall_back(const void *context)
{
    atomic_store(&fallback, (void *)(uintptr_t)context);
}

void contexts_reset(void)
{
    atomic_fetch_add(&epoch, 1);
    atomic_store(&fallback, NULL);
}
