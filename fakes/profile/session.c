/*
 * session: aclprofInit, aclprofStart, aclprofStop, aclprofFinalize.
 *
 * The checks come in CANN's order (facts 12.2). aclprofInit makes its folder,
 * so that a path that cannot be is refused at once.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "profile/folder.h"
#include "profile/profiler.h"
#include "profile/start.h"

static char folder[PATH_MAX];   /* of aclprofInit; under the profiler's lock */

static int check_path(const char *path, size_t length)
{
    if (path == NULL)
        return refuse(E_PARAM, "profilerResultPath is NULL");
    int status = host_check(path, "profilerResultPath");
    if (status != E_NONE)
        return status;
    if (strlen(path) != length)
        return refuse(E_PARAM, "length is %zu, and profilerResultPath has %zu bytes", length,
                      strlen(path));
    if (length == 0 || length > PATH_MAX)
        return refuse(E_PARAM, "length is %zu; it must be from 1 to %d", length, PATH_MAX);
    return E_NONE;
}

static int check_unused(void)
{
    switch (profiler_mode()) {
    case PROFILER_FILES:
        return refuse(E_REPEAT_INIT, "aclprofInit was called before, and aclprofFinalize was not");
    case PROFILER_PIPES:
        return refuse(E_PROF_OTHER_WAY, "a model is subscribed to");
    default:
        return profiler_check_configured();
    }
}

/* Only between aclprofInit and aclprofFinalize. The lock is held. */
static int check_begun(void)
{
    switch (profiler_mode()) {
    case PROFILER_FILES:
        return E_NONE;
    case PROFILER_PIPES:
        return refuse(E_PROF_OTHER_WAY, "a model is subscribed to");
    case PROFILER_CONFIGURED:
        return profiler_check_configured();
    default:
        return refuse(E_PROF_NOT_RUN, "aclprofInit was not called before");
    }
}

static int make_folder(const char *path)
{
    if (!folder_make(path) || realpath(path, folder) == NULL ||
        access(folder, R_OK | W_OK | X_OK) != 0)
        return refuse(E_FILE, "profilerResultPath %s is no folder to write in: %s", path,
                      strerror(errno));
    return E_NONE;
}

aclError aclprofInit(const char *profilerResultPath, size_t length)
{
    ENTER(aclprofInit, "profilerResultPath=%p, length=%zu", (const void *)profilerResultPath,
          length);
    int status = check_path(profilerResultPath, length);
    if (status != E_NONE)
        LEAVE(status);
    profiler_lock();
    status = check_unused();
    if (status == E_NONE)
        status = make_folder(profilerResultPath);
    if (status == E_NONE)
        profiler_set_mode(PROFILER_FILES);
    profiler_unlock();
    LEAVE(status);
}

aclError aclprofFinalize(void)
{
    ENTER(aclprofFinalize, NO_ARGS);
    profiler_lock();
    int status = check_begun();
    if (status == E_NONE) {
        start_end_all();
        profiler_set_mode(PROFILER_OFF);
    }
    profiler_unlock();
    LEAVE(status);
}

/* What a start and a stop look at first: the configuration, or NULL. */
static const ProfConfig *check_config(const aclprofConfig *handle, int *status)
{
    *status = handle == NULL ? refuse(E_PARAM, "profilerConfig is NULL") : E_NONE;
    if (handle == NULL)
        return NULL;
    const ProfConfig *config = prof_config_find(handle);
    if (config == NULL)
        *status = violation_status();
    else if (config->switches == 0)
        *status = refuse(E_PARAM, "dataTypeConfig is 0: it asks for nothing");
    else if ((config->switches & ~SWITCHES_KNOWN) != 0)
        *status = refuse(E_PROF_UNSUPPORTED, "dataTypeConfig is 0x%llx; the switches are 0x%llx",
                         (unsigned long long)config->switches, SWITCHES_KNOWN);
    return *status == E_NONE ? config : NULL;
}

aclError aclprofStart(const aclprofConfig *profilerConfig)
{
    ENTER(aclprofStart, "profilerConfig=%p", (const void *)profilerConfig);
    int status = E_NONE;
    const ProfConfig *config = check_config(profilerConfig, &status);
    if (config == NULL)
        LEAVE(status);
    profiler_lock();
    status = check_begun();
    if (status == E_NONE)
        status = start_begin(config, folder);
    profiler_unlock();
    LEAVE(status);
}

aclError aclprofStop(const aclprofConfig *profilerConfig)
{
    ENTER(aclprofStop, "profilerConfig=%p", (const void *)profilerConfig);
    int status = E_NONE;
    const ProfConfig *config = check_config(profilerConfig, &status);
    if (config == NULL)
        LEAVE(status);
    profiler_lock();
    status = check_begun();
    if (status == E_NONE)
        status = start_end(config);
    profiler_unlock();
    LEAVE(status);
}

static void forget_all(void)
{
    profiler_lock();
    start_end_all();
    profiler_set_mode(PROFILER_OFF);
    profiler_unlock();
}

KEEPER(KEEPER_PROFILER, forget_all, NULL)
