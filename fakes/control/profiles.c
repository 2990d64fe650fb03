#include "control/profiles.h"

#include <stdint.h>
#include <string.h>

#include "call/faults.h"
#include "call/settings.h"

static const struct {
    const char *profile;
    FunctionId function;
    uint64_t fixed_ns;
    double ns_per_byte;
    const char *source;
} rows[] = {
#define ROW(profile, function, fixed_ns, ns_per_byte, source) \
    {profile, FN_##function, fixed_ns, ns_per_byte, source},
    PROFILES(ROW)
#undef ROW
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

typedef struct Machine {
    const char *profile;
    const char *soc;
    const char *memory;         /* bytes */
    const char *source;
} Machine;

static const Machine machines[] = {
#define ROW(profile, soc, memory, source) {profile, soc, #memory, source},
    MACHINES(ROW)
#undef ROW
};

enum { MACHINE_COUNT = sizeof machines / sizeof machines[0] };

static const Machine *machine_of(const char *name)
{
    for (size_t i = 0; i < MACHINE_COUNT; i++)
        if (strcmp(machines[i].profile, name) == 0)
            return &machines[i];
    return NULL;
}

/* Replaces all latencies by those of a profile. */
static void use_latencies(const char *name)
{
    latencies_reset();
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].profile, name) == 0)
            latency_set(rows[i].function, rows[i].fixed_ns, rows[i].ns_per_byte);
}

/*
 * A profile brings its machine along, but what was chosen stays chosen: the
 * memory, the name of the SoC.
 */
static const char *set_profile(const char *value)
{
    const Machine *wanted = machine_of(value);

    if (wanted == NULL)
        return "none, atlas-300i or 910b";
    const char *right = settings_default(SETTING_MEMORY, wanted->memory);
    if (right != NULL)
        return right;
    settings_default(SETTING_SOC, wanted->soc);
    use_latencies(value);
    return NULL;
}

SETTING(SETTING_PROFILE, "profile", set_profile, "none")

void profiles_read(Text *text)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        text_add(text, "{\"profile\": \"%s\", \"function\": \"%s\", ", rows[i].profile,
                 functions[rows[i].function].name);
        text_add(text, "\"fixed_ns\": %llu, \"ns_per_byte\": %g, ",
                 (unsigned long long)rows[i].fixed_ns, rows[i].ns_per_byte);
        text_add(text, "\"source\": ");
        text_add_string(text, rows[i].source);
        text_add(text, "}\n");
    }
}

void machines_read(Text *text)
{
    for (size_t i = 0; i < MACHINE_COUNT; i++) {
        text_add(text, "{\"profile\": \"%s\", \"soc\": \"%s\", ", machines[i].profile,
                 machines[i].soc);
        text_add(text, "\"memory\": %s, \"source\": ", machines[i].memory);
        text_add_string(text, machines[i].source);
        text_add(text, "}\n");
    }
}
