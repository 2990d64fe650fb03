#include "stream/exception.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/locks.h"
#include "call/keepers.h"
#include "call/message.h"
#include "memory/objects.h"

enum { CALLBACKS = 64, REMEMBERED = 64 };

#define NOTHING UINT32_C(0xFFFFFFFF)

typedef struct Info {
    uint32_t task;
    uint32_t stream;
    uint32_t thread;
    uint32_t device;
    uint32_t code;
} Info;

/* The one that was set comes first, then those that were registered. */
static struct {
    pthread_mutex_t lock;
    aclrtExceptionInfoCallback set;
    aclrtExceptionInfoCallback list[CALLBACKS];
    size_t count;
    Failed failed[REMEMBERED];
    size_t failures;            /* ever; the ring begins anew after the last */
    uint32_t sync_tasks;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/* "... while running Gather node. Name:'pick' ..." -> pick */
static void name_operator(Failed *failed, const char *text)
{
    const char *name = text != NULL ? strstr(text, "Name:'") : NULL;

    snprintf(failed->operator_name, sizeof failed->operator_name, "model_%u", failed->model);
    if (name == NULL)
        return;
    name += strlen("Name:'");
    size_t length = strcspn(name, "'");
    if (length > 0 && length < sizeof failed->operator_name) {
        memcpy(failed->operator_name, name, length);
        failed->operator_name[length] = '\0';
    }
}

static void remember(const Info *info, uint32_t model, const char *text)
{
    Failed failed = {info->device, info->stream, info->task, model, ""};

    name_operator(&failed, text);
    pthread_mutex_lock(&state.lock);
    state.failed[state.failures++ % REMEMBERED] = failed;
    pthread_mutex_unlock(&state.lock);
}

bool exception_find(uint32_t device, uint32_t stream, uint32_t task, Failed *failed)
{
    bool found = false;

    pthread_mutex_lock(&state.lock);
    size_t kept = state.failures < REMEMBERED ? state.failures : REMEMBERED;
    for (size_t i = 0; i < kept && !found; i++) {
        *failed = state.failed[i];
        found = failed->device == device && failed->stream == stream && failed->task == task;
    }
    pthread_mutex_unlock(&state.lock);
    return found;
}

/* Calls all callbacks, without the lock: they may register others. */
static void tell(const Info *info)
{
    aclrtExceptionInfoCallback list[CALLBACKS + 1];
    Call *outer = current_call;
    void *handle = NULL;

    pthread_mutex_lock(&state.lock);
    size_t count = 0;
    if (state.set != NULL)
        list[count++] = state.set;
    for (size_t i = 0; i < state.count; i++)
        list[count++] = state.list[i];
    pthread_mutex_unlock(&state.lock);
    if (count == 0)
        return;
    Info *body = object_new(KIND_EXCEPTION, sizeof *body, NULL, &state, &handle);
    if (body == NULL)
        return;
    *body = *info;
    for (size_t i = 0; i < count; i++)
        list[i](handle);
    object_kill(handle);
    current_call = outer;
}

void exception_report(const Stream *stream, const Task *task, int status, const char *text)
{
    Info info = {(uint32_t)task->seq, (uint32_t)stream->serial, (uint32_t)task->thread,
                 (uint32_t)stream->device, (uint32_t)status};

    remember(&info, task->model, text);
    tell(&info);
}

void exception_report_sync(int device, uint32_t model, int status)
{
    pthread_mutex_lock(&state.lock);
    uint32_t task = ++state.sync_tasks;
    pthread_mutex_unlock(&state.lock);
    Info info = {task, 0, (uint32_t)syscall(SYS_gettid), (uint32_t)device, (uint32_t)status};
    remember(&info, model, message_last());
    tell(&info);
}

aclError aclrtSetExceptionInfoCallback(aclrtExceptionInfoCallback callback)
{
    ENTER(aclrtSetExceptionInfoCallback, "callback=%d", callback != NULL);
    pthread_mutex_lock(&state.lock);
    state.set = callback;
    pthread_mutex_unlock(&state.lock);
    LEAVE(E_NONE);
}

/* The place of a callback in the list, or count. */
static size_t place_of(aclrtExceptionInfoCallback callback)
{
    size_t i = 0;

    while (i < state.count && state.list[i] != callback)
        i++;
    return i;
}

static int enlist(aclrtExceptionInfoCallback callback)
{
    if (place_of(callback) < state.count)
        return E_NONE;
    if (state.count == CALLBACKS)
        return refuse(E_RT_PARAM, "there are %d callbacks already", CALLBACKS);
    state.list[state.count++] = callback;
    return E_NONE;
}

static int strike(aclrtExceptionInfoCallback callback)
{
    size_t place = place_of(callback);

    if (place == state.count)
        return refuse(E_RT_PARAM, "this callback is not registered");
    state.count--;
    memmove(&state.list[place], &state.list[place + 1],
            (state.count - place) * sizeof state.list[0]);
    return E_NONE;
}

aclError aclrtExceptionInfoCallbackRegister(aclrtExceptionInfoCallback callback)
{
    ENTER(aclrtExceptionInfoCallbackRegister, "callback=%d", callback != NULL);
    if (callback == NULL)
        LEAVE(refuse(E_RT_PARAM, "callback is NULL"));
    pthread_mutex_lock(&state.lock);
    int status = enlist(callback);
    pthread_mutex_unlock(&state.lock);
    LEAVE(status);
}

aclError aclrtExceptionInfoCallbackUnregister(aclrtExceptionInfoCallback callback)
{
    ENTER(aclrtExceptionInfoCallbackUnregister, "callback=%d", callback != NULL);
    if (callback == NULL)
        LEAVE(refuse(E_RT_PARAM, "callback is NULL"));
    pthread_mutex_lock(&state.lock);
    int status = strike(callback);
    pthread_mutex_unlock(&state.lock);
    LEAVE(status);
}

/* What a getter looks at: NULL for NULL, and after a violation. */
static const Info *info_of(const aclrtExceptionInfo *handle)
{
    return handle == NULL ? NULL : object_find(handle, KIND_EXCEPTION, "info");
}

uint32_t aclrtGetTaskIdFromExceptionInfo(const aclrtExceptionInfo *info)
{
    ENTER_AS(aclrtGetTaskIdFromExceptionInfo, NOTHING, "info=%p", (const void *)info);
    const Info *found = info_of(info);
    return found != NULL ? found->task : NOTHING;
}

uint32_t aclrtGetStreamIdFromExceptionInfo(const aclrtExceptionInfo *info)
{
    ENTER_AS(aclrtGetStreamIdFromExceptionInfo, NOTHING, "info=%p", (const void *)info);
    const Info *found = info_of(info);
    return found != NULL ? found->stream : NOTHING;
}

uint32_t aclrtGetThreadIdFromExceptionInfo(const aclrtExceptionInfo *info)
{
    ENTER_AS(aclrtGetThreadIdFromExceptionInfo, NOTHING, "info=%p", (const void *)info);
    const Info *found = info_of(info);
    return found != NULL ? found->thread : NOTHING;
}

uint32_t aclrtGetDeviceIdFromExceptionInfo(const aclrtExceptionInfo *info)
{
    ENTER_AS(aclrtGetDeviceIdFromExceptionInfo, NOTHING, "info=%p", (const void *)info);
    const Info *found = info_of(info);
    return found != NULL ? found->device : NOTHING;
}

uint32_t aclrtGetErrorCodeFromExceptionInfo(const aclrtExceptionInfo *info)
{
    ENTER_AS(aclrtGetErrorCodeFromExceptionInfo, NOTHING, "info=%p", (const void *)info);
    const Info *found = info_of(info);
    return found != NULL ? found->code : NOTHING;
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    state.set = NULL;
    state.count = 0;
    state.failures = 0;
    state.sync_tasks = 0;
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_EXCEPTIONS, forget_all, NULL)
