#include "device.h"

#include <pthread.h>

#include "acl.h"
#include "host_memory.h"
#include "message.h"
#include "objects.h"
#include "settings.h"
#include "stream.h"

typedef struct Context {
    int device;
    bool primary;
} Context;

typedef struct DeviceState {
    unsigned set;               /* how often it is set */
    void *primary;              /* context handle while set > 0 */
    Origin set_by;
} DeviceState;

static struct {
    pthread_mutex_t lock;
    DeviceState device[DEVICES_MAX];
    atomic_int fallback;        /* default device of the configuration, + 1 */
    atomic_uint epoch;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct {
    unsigned epoch;
    const void *chosen;
    const void *primary;
} thread;

static void thread_of_this_epoch(void)
{
    unsigned now = atomic_load_explicit(&state.epoch, memory_order_relaxed);

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
    int fallback = atomic_load_explicit(&state.fallback,
                                        memory_order_relaxed);
    return fallback > 0 ? state.device[fallback - 1].primary : NULL;
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

static int device_check(int device)
{
    if (device >= 0 && device < settings.devices)
        return E_NONE;
    return refuse(E_RT_DEVICE, "deviceId %d is not one of 0..%d", device,
                  settings.devices - 1);
}

static void *context_new(int device, bool primary)
{
    void *handle = NULL;
    const void *owner = primary ? &state.device[device] : NULL;
    Context *context = object_new(KIND_CONTEXT, sizeof *context, NULL, owner,
                                  &handle);

    if (context == NULL)
        return NULL;
    *context = (Context){device, primary};
    return handle;
}

/* Counts one more aclrtSetDevice; the primary context, or NULL. */
static void *device_reference(int index)
{
    DeviceState *device = &state.device[index];

    pthread_mutex_lock(&state.lock);
    if (device->set == 0) {
        device->primary = context_new(index, true);
        device->set_by = call_origin();
    }
    device->set += device->primary != NULL;
    pthread_mutex_unlock(&state.lock);
    return device->primary;
}

aclError aclrtSetDevice(int32_t deviceId)
{
    ENTER(aclrtSetDevice, "deviceId=%d", deviceId);
    int status = device_check(deviceId);
    if (status != E_NONE)
        LEAVE(status);
    void *primary = device_reference(deviceId);
    if (primary == NULL)
        LEAVE(refuse(E_BAD_ALLOC, "no memory for a context"));
    thread_of_this_epoch();
    thread.primary = primary;
    thread.chosen = NULL;
    LEAVE(E_NONE);
}

/* The streams of a context go with it, after their work unless forced. */
static void end_context(const void *context, bool force)
{
    streams_end_context(context, force);
    object_kill(context);
}

static int device_unreference(int index, bool force)
{
    const void *ending = NULL;
    int status = device_check(index);

    if (status != E_NONE)
        return status;
    DeviceState *device = &state.device[index];
    pthread_mutex_lock(&state.lock);
    if (device->set == 0) {
        status = refuse(E_RT_RELEASED, "device %d is not set", index);
    } else {
        device->set = force ? 0 : device->set - 1;
        if (device->set == 0) {
            ending = device->primary;
            device->primary = NULL;
        }
    }
    pthread_mutex_unlock(&state.lock);
    if (ending != NULL)
        end_context(ending, force);
    return status;
}

int device_make_default(int device)
{
    int before = atomic_exchange(&state.fallback, 0);
    if (before > 0)
        device_unreference(before - 1, false);
    if (device < 0)
        return E_NONE;
    int status = device_check(device);
    if (status != E_NONE)
        return status;
    if (device_reference(device) == NULL)
        return refuse(E_BAD_ALLOC, "no memory for a context");
    atomic_store(&state.fallback, device + 1);
    return E_NONE;
}

aclError aclrtResetDevice(int32_t deviceId)
{
    ENTER(aclrtResetDevice, "deviceId=%d", deviceId);
    LEAVE(device_unreference(deviceId, false));
}

aclError aclrtResetDeviceForce(int32_t deviceId)
{
    ENTER(aclrtResetDeviceForce, "deviceId=%d", deviceId);
    LEAVE(device_unreference(deviceId, true));
}

aclError aclrtGetDevice(int32_t *deviceId)
{
    ENTER(aclrtGetDevice, "deviceId=%p", (void *)deviceId);
    NOT_NULL(deviceId);
    int status = context_needed();
    if (status == E_NONE)
        *deviceId = context_device();
    LEAVE(status);
}

aclError aclrtGetDeviceCount(uint32_t *count)
{
    ENTER(aclrtGetDeviceCount, "count=%p", (void *)count);
    NOT_NULL(count);
    *count = (uint32_t)settings.devices;
    LEAVE(E_NONE);
}

aclError aclrtGetRunMode(aclrtRunMode *runMode)
{
    ENTER(aclrtGetRunMode, "runMode=%p", (void *)runMode);
    NOT_NULL(runMode);
    *runMode = (aclrtRunMode)settings.run_mode;
    LEAVE(E_NONE);
}

aclError aclrtCreateContext(aclrtContext *context, int32_t deviceId)
{
    ENTER(aclrtCreateContext, "context=%p, deviceId=%d", (void *)context,
          deviceId);
    NOT_NULL(context);
    int status = device_check(deviceId);
    if (status != E_NONE)
        LEAVE(status);
    void *handle = context_new(deviceId, false);
    if (handle == NULL)
        LEAVE(refuse(E_BAD_ALLOC, "no memory for a context"));
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

void devices_live(LiveVisitor *visit, void *to)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        if (state.device[i].set > 0)
            visit(&(Live){"device", (uint64_t)i, state.device[i].set_by, 0},
                  to);
}

void devices_reset(void)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        state.device[i] = (DeviceState){0};
    atomic_store(&state.fallback, 0);
    atomic_fetch_add(&state.epoch, 1);
}
