#include "call/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/text.h"
#include "call/chosen.h"
#include "call/hide.h"
#include "call/message.h"
#include "call/trace.h"
#include "control/environment.h"
#include "control/plans.h"
#include "control/profiles.h"
#include "runtime/memory.h"

static const Settings defaults = {
    .strict = true,
    .devices = 8,
    .run_mode = ACL_HOST,
    .report = true,
};

Settings settings;

/* What SoC and memory are where nobody chose them. */
static const Machine *machine;

#define MEMORY_IN_USE \
    "not more memory than the devices were born with, while it is in use"

typedef const char *Setter(const char *value);

/* Did anybody give a setting a value, other than by a profile? */
static bool is_chosen(Setter *set);

/* 1 for the first word, 0 for the second, -1 for any other. */
static int one_of(const char *value, const char *yes, const char *no)
{
    if (strcmp(value, yes) == 0)
        return 1;
    return strcmp(value, no) == 0 ? 0 : -1;
}

static bool number_in(const char *value, uint64_t low, uint64_t high,
                      uint64_t *number)
{
    char *end;

    if (*value < '0' || *value > '9')
        return false;
    errno = 0;
    *number = strtoull(value, &end, 10);
    return errno == 0 && *end == '\0' && *number >= low && *number <= high;
}

static bool copy_in(char *to, size_t size, const char *value)
{
    size_t length = strlen(value);

    if (length >= size)
        return false;
    memcpy(to, value, length + 1);
    return true;
}

static const char *set_mode(const char *value)
{
    int strict = one_of(value, "strict", "faithful");

    if (strict >= 0)
        settings.strict = strict == 1;
    return strict >= 0 ? NULL : "strict or faithful";
}

static const char *set_trace(const char *value)
{
    int on = one_of(value, "on", "off");

    if (on >= 0)
        return trace_to_memory(on == 1), NULL;
    if (strpbrk(value, "/.") != NULL && trace_to_file(value))
        return NULL;
    return "on, off, or a file that can be written, its path with a / or .";
}

static const char *set_devices(const char *value)
{
    uint64_t number;

    if (!number_in(value, 1, DEVICES_MAX, &number))
        return "a number from 1 to 64";
    settings.devices = (int)number;
    return NULL;
}

static const char *set_memory(const char *value)
{
    uint64_t number;

    if (!number_in(value, 1, DEVICE_MEMORY_MAX, &number))
        return "a number of bytes from 1 to 1 TiB";
    if (!device_memory_resize(number))
        return MEMORY_IN_USE;
    settings.memory = number;
    return NULL;
}

static const char *set_memory_ends(const char *value)
{
    uint64_t number = UINT64_MAX;

    if (strcmp(value, "never") != 0 &&
        !number_in(value, 0, DEVICE_MEMORY_MAX, &number))
        return "a number of bytes up to 1 TiB, or never";
    device_memory_end_after(number);
    return NULL;
}

static const char *set_report(const char *value)
{
    int on = one_of(value, "on", "off");

    if (on >= 0)
        settings.report = on == 1;
    return on >= 0 ? NULL : "on or off";
}

static const char *set_run_mode(const char *value)
{
    int host = one_of(value, "host", "device");

    if (host >= 0)
        settings.run_mode = host == 1 ? ACL_HOST : ACL_DEVICE;
    return host >= 0 ? NULL : "host or device";
}

static const char *set_soc(const char *value)
{
    return copy_in(settings.soc, sizeof settings.soc, value)
               ? NULL : "a name of less than 64 characters";
}

/*
 * A profile brings its machine along, but what was chosen stays chosen: the
 * memory, the name of the SoC.
 */
static const char *set_profile(const char *value)
{
    const Machine *wanted = profile_machine(value);

    if (wanted == NULL)
        return "none, atlas-300i or 910b";
    if (!is_chosen(set_memory)) {
        if (!device_memory_resize(wanted->memory))
            return MEMORY_IN_USE;
        settings.memory = wanted->memory;
    }
    if (!is_chosen(set_soc))
        copy_in(settings.soc, sizeof settings.soc, wanted->soc);
    machine = wanted;
    profile_use(value);
    return NULL;
}

static const char *set_onnxruntime(const char *value)
{
    return copy_in(settings.onnxruntime, sizeof settings.onnxruntime, value)
               ? NULL : "a path of less than 4096 characters";
}

/* A setter returns what would have been right, or NULL when it was. */
static const struct {
    const char *key;
    Setter *set;
    const char *normal;         /* what the default reads as; NULL: none */
} setters[] = {
    {"mode", set_mode, "strict"},
    {"trace", set_trace, "off"},
    {"devices", set_devices, "8"},
    {"memory", set_memory, ""},
    {"run_mode", set_run_mode, "host"},
    {"soc", set_soc, ""},
    {"onnxruntime", set_onnxruntime, ""},
    {"memory_ends", set_memory_ends, "never"},
    {"report", set_report, "on"},
    {"hide", hide_only, ""},
    {"fail", plan_faults, NULL},
    {"profile", set_profile, "none"},
    {"latency", plan_latencies, NULL},
};

enum { SETTER_COUNT = sizeof setters / sizeof setters[0] };

const char *settings_key(size_t i)
{
    return i < SETTER_COUNT ? setters[i].key : NULL;
}

const char *settings_default(size_t i)
{
    if (i >= SETTER_COUNT)
        return NULL;
    if (setters[i].set == set_memory)
        return machine->memory_text;
    return setters[i].set == set_soc ? machine->soc : setters[i].normal;
}

static bool is_chosen(Setter *set)
{
    size_t i = 0;

    while (setters[i].set != set)
        i++;
    return chosen_is(i);
}

static void refuse_key(const char *key)
{
    char keys[256];
    Text text = text_in(keys, sizeof keys);

    for (size_t i = 0; i < SETTER_COUNT; i++)
        text_add(&text, "%s%s", i > 0 ? ", " : "", setters[i].key);
    refuse(E_PARAM, "there is no setting \"%s\"; there are %s", key, keys);
}

bool settings_set(const char *key, const char *value)
{
    for (size_t i = 0; i < SETTER_COUNT; i++) {
        if (strcmp(setters[i].key, key) != 0)
            continue;
        const char *right = setters[i].set(value);
        if (right != NULL)
            refuse(E_PARAM, "setting %s = \"%s\": should be %s", key, value,
                   right);
        else
            chosen_keep(i, value);
        return right == NULL;
    }
    refuse_key(key);
    return false;
}

void settings_reset(void)
{
    settings = defaults;
    chosen_reset();
    machine = profile_machine("none");
    settings.memory = machine->memory;
    copy_in(settings.soc, sizeof settings.soc, machine->soc);
    trace_to_memory(false);
    device_memory_end_after(UINT64_MAX);
    hide_only("");
    environment_apply();
}
