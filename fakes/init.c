/*
 * Every call of aclInit counts, the first one does something. The content of
 * the first configuration is remembered for the life of the process: another
 * one is refused even after aclFinalize.
 */
#include "init.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"
#include "calls.h"
#include "device.h"
#include "environment.h"
#include "files.h"
#include "fork.h"
#include "host_memory.h"
#include "json.h"
#include "live.h"
#include "message.h"
#include "report.h"
#include "settings.h"

static struct {
    pthread_mutex_t lock;
    uint64_t count;
    bool finalized;
    char *config;               /* owned; NULL: never initialised */
    Origin begun;               /* the aclInit that did something */
    Origin ended;               /* and who took it back; seq 0: nobody */
    atomic_bool engine;         /* of the graph engine */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

bool init_is_done(void)
{
    return atomic_load(&state.engine);
}

/* Refuses for want of an aclInit, and says who took it back. */
static int refuse_uninitialised(int code)
{
    char begun[HISTORY_SIZE];
    char ended[HISTORY_SIZE];

    if (state.ended.seq == 0)
        return refuse(code, "aclInit was not called");
    origin_text(state.ended, ended, sizeof ended);
    if (state.begun.seq == 0)
        return refuse(code, "aclInit was not called, and %s ended all",
                      ended);
    origin_text(state.begun, begun, sizeof begun);
    return refuse(code, "%s has ended what %s began", ended, begun);
}

int engine_needed(void)
{
    if (atomic_load_explicit(&state.engine, memory_order_relaxed))
        return E_NONE;
    const char *complaint = environment_complaint();
    if (complaint != NULL)
        return refuse(E_GE_NOT_INIT, "aclInit refuses to begin: %s",
                      complaint);
    pthread_mutex_lock(&state.lock);
    int status = refuse_uninitialised(E_GE_NOT_INIT);
    pthread_mutex_unlock(&state.lock);
    return status;
}

/* Not an error to most: whoever comes second is counted. */
static int count_again(void)
{
    char begun[HISTORY_SIZE];

    state.count++;
    return refuse(E_REPEAT_INIT, "%s was before this one, which is counted: "
                  "%llu now. This status may be ignored",
                  origin_text(state.begun, begun, sizeof begun),
                  (unsigned long long)state.count);
}

/* The content of a configuration, "" for none; the caller frees it. */
static int config_read(const char *path, char **content)
{
    unsigned char *data = NULL;
    size_t size = 0;

    if (path == NULL || *path == '\0') {
        *content = calloc(1, 1);
        return *content != NULL ? E_NONE : E_BAD_ALLOC;
    }
    int status = host_check(path, "configPath");
    if (status != E_NONE)
        return status;
    if (file_read(path, &data, &size) != E_NONE)
        return E_FILE;
    data[size] = '\0';
    *content = (char *)data;
    return E_NONE;
}

static int config_err_msg_mode(const char *content)
{
    char text[64] = "0";

    json_member(content, "err_msg_mode", text, sizeof text);
    if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
        return E_NONE;
    return refuse(E_PARAM, "err_msg_mode is \"%s\", not \"0\" or \"1\"",
                  text);
}

/* {"defaultDevice": {"default_device": "0"}} */
static int config_default_device(const char *content)
{
    char section[256];
    char number[32];
    char *end = number;

    if (!json_member(content, "defaultDevice", section, sizeof section) ||
        *section != '{' ||
        !json_member(section, "default_device", number, sizeof number))
        return E_NONE;
    long device = strtol(number, &end, 10);
    if (end == number || *end != '\0' || device < 0 || device > DEVICES_MAX)
        return refuse(E_PARAM, "default_device is \"%s\"", number);
    return device_make_default((int)device);
}

static int config_apply(const char *content)
{
    if (*content == '\0')
        return E_NONE;
    if (!json_is_object(content))
        return refuse(E_PARSE, "the configuration is not a JSON object");
    int status = config_err_msg_mode(content);
    return status != E_NONE ? status : config_default_device(content);
}

static int config_take(const char *path)
{
    char *content = NULL;
    int status = config_read(path, &content);

    if (status == E_NONE && state.config != NULL &&
        strcmp(state.config, content) != 0)
        status = refuse(E_PARAM, "this configuration is not the one of the "
                        "first aclInit of this process");
    if (status == E_NONE)
        status = config_apply(content);
    if (status == E_NONE && state.config == NULL) {
        state.config = content;
        return E_NONE;
    }
    free(content);
    return status;
}

static int init_locked(const char *path)
{
    if (state.count > 0)
        return count_again();
    const char *complaint = environment_complaint();
    if (complaint != NULL)
        return refuse(E_PARAM, "%s", complaint);
    int status = config_take(path);
    if (status != E_NONE)
        return status;
    fork_begun();
    state.begun = call_origin();
    state.ended = (Origin){0};
    state.count = 1;
    state.finalized = false;
    atomic_store(&state.engine, true);
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
    live_report_leaks();
    if (settings.report)
        report_print();
}

/* The end, whatever the count is; wind_up() follows a 0. */
static int finalize_locked(void)
{
    if (state.finalized)
        return refuse_uninitialised(E_REPEAT_FINALIZE);
    state.ended = call_origin();
    state.count = 0;
    state.finalized = true;
    atomic_store(&state.engine, false);
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

void init_reset(void)
{
    free(state.config);
    state.config = NULL;
    state.count = 0;
    state.finalized = false;
    state.begun = (Origin){0};
    state.ended = (Origin){0};
    atomic_store(&state.engine, false);
}
