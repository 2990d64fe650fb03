#include "runtime/device.h"

#include <pthread.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/fork.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/tally.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "runtime/visible.h"
#include "stream/stream.h"

typedef struct DeviceState {
    unsigned set;               /* how often it is set */
    void *primary;              /* context handle while set > 0 */
    Origin set_by;
} DeviceState;

static struct {
    pthread_mutex_t lock;
    DeviceState device[DEVICES_MAX];
    int fallback;               /* default device of the configuration, + 1 */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/* Why there are so few devices, where a list is why. */
static int refuse_device(int device, int count)
{
    const char *list = visible_list();

    if (list == NULL)
        return refuse(E_RT_DEVICE, "deviceId %d is not one of 0..%d", device, count - 1);
    if (count > 0)
        return refuse(E_RT_DEVICE,
                      "deviceId %d is not one of 0..%d, the "
                      "devices that ASCEND_RT_VISIBLE_DEVICES=%s leaves of "
                      "%d; they are numbered anew from 0",
                      device, count - 1, list, settings.devices);
    return refuse(E_RT_DEVICE,
                  "deviceId %d: there is no device, because "
                  "ASCEND_RT_VISIBLE_DEVICES=%s names none; numbers of "
                  "0..%d, ascending, with commas alone between them would",
                  device, list, settings.devices - 1);
}

int device_check(int device)
{
    int count = visible_count();

    return device >= 0 && device < count ? E_NONE : refuse_device(device, count);
}

/* The context of the default device changes with it. The lock is held. */
static void publish_default(void)
{
    int fallback = state.fallback;

    context_fall_back(fallback > 0 ? state.device[fallback - 1].primary : NULL);
}

/* Takes another default device; which one it was. */
static int change_default(int fallback)
{
    pthread_mutex_lock(&state.lock);
    int before = state.fallback;
    state.fallback = fallback;
    publish_default();
    pthread_mutex_unlock(&state.lock);
    return before;
}

/* Counts one more, for a device that is set; its primary context, or NULL. */
static void *reference_set(DeviceState *device)
{
    pthread_mutex_lock(&state.lock);
    void *primary = device->primary;
    device->set += device->set > 0;
    pthread_mutex_unlock(&state.lock);
    return primary;
}

/*
 * Begins a device with a context. False where T2 was faster:
 *
 *     1. T1 finds the device unset, and makes a context without the lock
 *     2. T2 does the same, and begins the device
 *     3. T1 finds the device set, destroys its own context, and counts once more
 */
static bool reference_first(DeviceState *device, void *primary)
{
    pthread_mutex_lock(&state.lock);
    bool first = device->set == 0;
    if (first)
        *device = (DeviceState){1, primary, call_origin()};
    publish_default();
    fork_begun();
    pthread_mutex_unlock(&state.lock);
    if (first)
        tally_made("device");
    return first;
}

/*
 * Counts one more aclrtSetDevice; the primary context, or NULL. A context is
 * made without the lock, because to make an object may free a dead object.
 */
static void *device_reference(int index)
{
    DeviceState *device = &state.device[index];
    void *primary;

    while ((primary = reference_set(device)) == NULL) {
        void *made = context_new(index, device);
        if (made == NULL || reference_first(device, made))
            return made;
        object_kill(made);
    }
    return primary;
}

bool device_is_set(int index)
{
    pthread_mutex_lock(&state.lock);
    bool set = state.device[index].set > 0;
    pthread_mutex_unlock(&state.lock);
    return set;
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
    context_use_primary(primary);
    LEAVE(E_NONE);
}

/* The streams of a context go with it, after their work unless forced. */
static void context_end(const void *context, bool force)
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
            publish_default();
        }
    }
    pthread_mutex_unlock(&state.lock);
    if (ending != NULL)
        context_end(ending, force);
    return status;
}

int device_make_default(int device)
{
    int before = change_default(0);

    if (before > 0)
        device_unreference(before - 1, false);
    if (device < 0)
        return E_NONE;
    int status = device_check(device);
    if (status != E_NONE)
        return status;
    if (device_reference(device) == NULL)
        return refuse(E_BAD_ALLOC, "no memory for a context");
    change_default(device + 1);
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
    int devices = visible_count();
    if (devices == 0)
        LEAVE(refuse(E_RT_NO_DEVICE,
                     "ASCEND_RT_VISIBLE_DEVICES=%s names "
                     "none of the %d devices",
                     visible_list(), settings.devices));
    *count = (uint32_t)devices;
    LEAVE(E_NONE);
}

aclError aclrtGetRunMode(aclrtRunMode *runMode)
{
    ENTER(aclrtGetRunMode, "runMode=%p", (void *)runMode);
    NOT_NULL(runMode);
    *runMode = (aclrtRunMode)settings.run_mode;
    LEAVE(E_NONE);
}

static void list_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&state.lock);
    for (int i = 0; i < DEVICES_MAX; i++)
        if (state.device[i].set > 0)
            visit(&(Live){"device", (uint64_t)i, state.device[i].set_by, 0}, to);
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        state.device[i] = (DeviceState){0};
    state.fallback = 0;
    visible_reset();
    contexts_reset();
}

KEEPER(KEEPER_DEVICES, forget_all, list_live)
