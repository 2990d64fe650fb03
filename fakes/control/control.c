/*
 * control: the functions of aclfake.h, and how this library begins.
 *
 * They are not calls of AscendCL: nothing counts them, and no fault stops
 * them. Where a fork is refused (fork.h) it may still read, and change
 * nothing.
 */
#include <string.h>

#include "base/acl.h"
#include "base/codes.h"
#include "base/text.h"
#include "call/faults.h"
#include "call/fork.h"
#include "call/functions.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/refusal.h"
#include "call/settings.h"
#include "call/trace.h"
#include "call/violations.h"
#include "control/at_exit.h"
#include "control/environment.h"
#include "control/live.h"
#include "control/profiles.h"
#include "control/report.h"
#include "memory/host_owners.h"
#include "model/engine_callback.h"
#include "run/changes.h"

enum { REFUSED = -1, FORKED = -2 };

/* Leaves the text of it. */
static bool forked(void)
{
    if (!fork_refused())
        return false;
    fork_refuse();
    return true;
}

__attribute__((constructor)) static void begin(void)
{
    fork_watch();
    at_exit_watch();
    settings_reset();
    environment_apply();
}

int aclfakeReset(void)
{
    if (forked())
        return FORKED;
    keepers_reset();
    settings_reset();
    environment_apply();
    return 0;
}

int aclfakeSet(const char *key, const char *value)
{
    if (forked())
        return FORKED;
    if (key == NULL || value == NULL)
        return refuse(REFUSED, "the key or the value is NULL");
    changes_note();
    return settings_set(key, value) ? 0 : REFUSED;
}

int aclfakeCallback(uint64_t id, AclFakeFunction function, void *user)
{
    if (forked())
        return FORKED;
    if (id == 0)
        return refuse(REFUSED, "id 0 is no callback's");
    return callback_set(id, function, user) ? 0 : refuse(REFUSED, "no memory for a callback");
}

int aclfakeHost(const void *address, size_t size, int owned)
{
    if (forked())
        return FORKED;
    return host_set_owned(address, size, owned != 0) ? 0 : refuse(REFUSED, "no memory for a range");
}

void aclfakeTell(const char *text)
{
    if (text != NULL)
        message_add("%s", text);
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
    if (forked())
        return FORKED;
    if (function == NULL)
        return refuse(REFUSED, "function is NULL");
    if (strcmp(function, "task") == 0) {
        fault_arm_task(nth, code);
        return 0;
    }
    bool any = strcmp(function, "*") == 0;
    FunctionId id = any ? FUNCTION_COUNT : find_function(function);
    if (id == FUNCTION_COUNT && !any)
        return REFUSED;
    fault_arm(id, nth, code);
    return 0;
}

int aclfakeLatency(const char *function, uint64_t fixedNs, double nsPerByte)
{
    if (forked())
        return FORKED;
    if (function == NULL || !(nsPerByte >= 0))
        return refuse(REFUSED, function == NULL ? "function is NULL" : "nsPerByte is below 0");
    FunctionId id = find_function(function);
    if (id == FUNCTION_COUNT)
        return REFUSED;
    latency_set(id, fixedNs, nsPerByte);
    return 0;
}

size_t aclfakeRead(const char *what, char *text, size_t size)
{
    static const struct {
        const char *name;
        void (*read)(Text *text);
    } readouts[] = {
        {"trace", trace_read},           {"tasks", tasks_read},
        {"calls", calls_read},           {"live", live_read},
        {"violations", violations_read}, {"profiles", profiles_read},
        {"machines", machines_read},     {"report", report_read},
        {"settings", settings_read},     {"unexplained", refusals_read},
    };
    Text out = text_in(text, text != NULL ? size : 0);

    if (what == NULL || (fork_is_torn() && forked()))
        return 0;
    for (size_t i = 0; i < sizeof readouts / sizeof readouts[0]; i++)
        if (strcmp(readouts[i].name, what) == 0) {
            readouts[i].read(&out);
            return out.length + 1;
        }
    return 0;
}
