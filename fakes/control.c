/*
 * control: the functions of aclfake.h, and how this library begins.
 *
 * They are not calls of AscendCL: nothing counts them, and no fault or fork
 * stops them, except that a fork is told nothing (its locks may be held by
 * threads it does not have).
 */
#include <pthread.h>
#include <string.h>

#include "acl.h"
#include "bundle.h"
#include "callback.h"
#include "calls.h"
#include "chosen.h"
#include "device.h"
#include "exception.h"
#include "execute.h"
#include "engine_callback.h"
#include "faults.h"
#include "host_memory.h"
#include "init.h"
#include "memory.h"
#include "message.h"
#include "models.h"
#include "objects.h"
#include "profiles.h"
#include "report.h"
#include "settings.h"
#include "stream.h"
#include "tally.h"
#include "trace.h"
#include "violations.h"

static bool forked(void)
{
    return atomic_load(&calls.watch) & WATCH_FORKED;
}

static void in_child(void)
{
    calls_watch(WATCH_FORKED, true);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(NULL, NULL, in_child);
    settings_reset();
}

/*
 * Streams go first: they use everything. Models are next: they hold memory
 * and variables.
 */
int aclfakeReset(void)
{
    if (forked())
        return 0;
    streams_reset();
    callbacks_reset();
    exceptions_reset();
    executes_reset();
    models_reset();
    bundles_reset();
    objects_reset();
    devices_reset();
    device_memory_reset();
    host_memory_reset();
    init_reset();
    faults_reset();
    trace_reset();
    violations_reset();
    tally_reset();
    callback_functions_reset();
    messages_reset();
    calls_reset();
    settings_reset();
    return 0;
}

int aclfakeSet(const char *key, const char *value)
{
    if (forked() || key == NULL || value == NULL)
        return -1;
    return settings_set(key, value) ? 0 : -1;
}

int aclfakeCallback(uint64_t id, AclFakeFunction function, void *user)
{
    if (forked() || id == 0)
        return -1;
    return callback_set(id, function, user) ? 0 : -1;
}

/* A function by name, or FUNCTION_COUNT after a message. */
static FunctionId find_function(const char *name)
{
    FunctionId id = function_named(name);

    if (id == FUNCTION_COUNT)
        refuse(E_PARAM, "there is no function \"%s\"", name);
    return id;
}

int aclfakeFail(const char *function, uint64_t nth, int code)
{
    if (forked() || function == NULL)
        return -1;
    if (strcmp(function, "task") == 0) {
        fault_arm_task(nth, code);
        return 0;
    }
    bool any = strcmp(function, "*") == 0;
    FunctionId id = any ? FUNCTION_COUNT : find_function(function);
    if (id == FUNCTION_COUNT && !any)
        return -1;
    fault_arm(id, nth, code);
    return 0;
}

int aclfakeLatency(const char *function, uint64_t fixedNs, double nsPerByte)
{
    if (forked() || function == NULL || !(nsPerByte >= 0))
        return -1;
    FunctionId id = find_function(function);
    if (id == FUNCTION_COUNT)
        return -1;
    latency_set(id, fixedNs, nsPerByte);
    return 0;
}

size_t aclfakeRead(const char *what, char *text, size_t size)
{
    static const struct {
        const char *name;
        void (*read)(Text *text);
    } readouts[] = {
        {"trace", trace_read},
        {"calls", calls_read},
        {"live", live_read},
        {"violations", violations_read},
        {"profiles", profiles_read},
        {"machines", machines_read},
        {"report", report_read},
        {"settings", chosen_read},
    };
    Text out = text_in(text, text != NULL ? size : 0);

    if (forked() || what == NULL)
        return 0;
    for (size_t i = 0; i < sizeof readouts / sizeof readouts[0]; i++)
        if (strcmp(readouts[i].name, what) == 0) {
            readouts[i].read(&out);
            return out.length + 1;
        }
    return 0;
}
