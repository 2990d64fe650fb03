/*
 * init: aclInit, aclFinalize, and what the first one was given.
 *
 * Every call of aclInit counts, the first one does something. The content of
 * the first configuration is remembered for the life of the process: another
 * one is refused even after aclFinalize.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/calls.h"
#include "call/fork.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/violations.h"
#include "control/fault.h"
#include "control/init_config.h"
#include "control/init_profiler.h"
#include "control/live.h"
#include "memory/host_memory.h"
#include "profile/configured.h"
#include "runtime/device.h"
#include "runtime/initialised.h"

static struct {
    pthread_mutex_t lock;
    uint64_t count;
    bool finalized;
    char *config;               /* owned; NULL: never initialised */
    char *path;                 /* owned; of that configuration */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/*
 * Another content than the first one. To say so CANN makes a text of the
 * path, and NULL ends the process there.
 */
static int refuse_other(const char *path)
{
    if (path == NULL)
        violate(V_INIT_ENDS,
                "configPath is NULL, and the first aclInit was "
                "given \"%s\"; pass \"\" for no configuration",
                state.path);
    return refuse(E_PARAM,
                  "this configuration is not the one of the first "
                  "aclInit of this process, which was given \"%s\"; its "
                  "content counts for the life of a process",
                  state.path);
}

/* Remembers the first content, and where it came from. */
static int config_keep(char *content, const char *path)
{
    state.path = strdup(path != NULL ? path : "");
    if (state.path == NULL)
        return refuse(E_BAD_ALLOC, "no memory for a path");
    state.config = content;
    return E_NONE;
}

static int config_take(const char *path)
{
    char *content = NULL;
    int status = config_read(path, &content);

    if (status == E_NONE && state.config != NULL && strcmp(state.config, content) != 0)
        status = refuse_other(path);
    if (status == E_NONE)
        status = config_apply(content);
    if (status == E_NONE && state.config == NULL)
        status = config_keep(content, path);
    if (content != state.config)
        free(content);
    return status;
}

static int init_locked(const char *path)
{
    if (state.count > 0)
        return refuse_again(++state.count);
    const char *complaint = init_complaint();
    if (complaint != NULL)
        return refuse(E_PARAM, "%s", complaint);
    int status = config_take(path);
    if (status != E_NONE)
        return status;
    fork_begun();
    fault_watch();
    state.count = 1;
    state.finalized = false;
    init_begins(call_origin());
    config_profiler(state.config);
    return E_NONE;
}

aclError aclInit(const char *configPath)
{
    ENTER(aclInit, "configPath=%p", (const void *)configPath);
    pthread_mutex_lock(&state.lock);
    int status = init_locked(configPath);
    pthread_mutex_unlock(&state.lock);
    LEAVE(status);
}

/*
 * What the end brings with it, without the lock: the streams of the default
 * device end, and a callback that one of them makes may call aclInit.
 */
static void wind_up(void)
{
    device_make_default(-1);
    configured_end();
    live_report_leaks();
}

/* The end, whatever the count is; wind_up() follows a 0. */
static int finalize_locked(void)
{
    if (state.finalized)
        return refuse_uninitialised(E_REPEAT_FINALIZE);
    state.count = 0;
    state.finalized = true;
    init_ends(call_origin());
    return E_NONE;
}

aclError aclFinalize(void)
{
    ENTER(aclFinalize, NO_ARGS);
    pthread_mutex_lock(&state.lock);
    int status = finalize_locked();
    pthread_mutex_unlock(&state.lock);
    if (status == E_NONE)
        wind_up();
    LEAVE(status);
}

static int unreference_locked(uint64_t *left)
{
    if (state.count == 0)
        return refuse_uninitialised(E_REPEAT_FINALIZE);
    if (state.count == 1)
        return finalize_locked();
    *left = --state.count;
    return E_NONE;
}

aclError aclFinalizeReference(uint64_t *refCount)
{
    ENTER(aclFinalizeReference, "refCount=%p", (void *)refCount);
    uint64_t left = 0;
    int status = refCount != NULL ? host_check(refCount, "refCount") : E_NONE;
    if (status != E_NONE)
        LEAVE(status);
    pthread_mutex_lock(&state.lock);
    status = unreference_locked(&left);
    pthread_mutex_unlock(&state.lock);
    if (status == E_NONE && left == 0)
        wind_up();
    if (refCount != NULL)
        *refCount = left;
    LEAVE(status);
}

const char *aclGetRecentErrMsg(void)
{
    ENTER_AS(aclGetRecentErrMsg, NULL, NO_ARGS);
    return message_take();
}

static void forget_all(void)
{
    free(state.config);
    free(state.path);
    state.config = NULL;
    state.path = NULL;
    state.count = 0;
    state.finalized = false;
}

KEEPER(KEEPER_INIT, forget_all, NULL)
