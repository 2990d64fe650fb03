#include "control/profiles.h"

#include <stdint.h>
#include <string.h>

#include "call/faults.h"

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

static const Machine machines[] = {
#define ROW(profile, soc, memory, source) \
    {profile, soc, UINT64_C(memory), #memory, source},
    MACHINES(ROW)
#undef ROW
};

enum { MACHINE_COUNT = sizeof machines / sizeof machines[0] };

const Machine *profile_machine(const char *name)
{
    for (size_t i = 0; i < MACHINE_COUNT; i++)
        if (strcmp(machines[i].profile, name) == 0)
            return &machines[i];
    return NULL;
}

void profile_use(const char *name)
{
    latencies_reset();
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].profile, name) == 0)
            latency_set(rows[i].function, rows[i].fixed_ns,
                        rows[i].ns_per_byte);
}

void profiles_read(Text *text)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        text_add(text, "{\"profile\": \"%s\", \"function\": \"%s\", ",
                 rows[i].profile, functions[rows[i].function].name);
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
        text_add(text, "{\"profile\": \"%s\", \"soc\": \"%s\", ",
                 machines[i].profile, machines[i].soc);
        text_add(text, "\"memory\": %s, \"source\": ",
                 machines[i].memory_text);
        text_add_string(text, machines[i].source);
        text_add(text, "}\n");
    }
}
