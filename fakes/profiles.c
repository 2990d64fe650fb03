#include "profiles.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "faults.h"

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

static bool known(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].profile, name) == 0)
            return true;
    return strcmp(name, "none") == 0;
}

const char *profile_use(const char *name)
{
    if (!known(name))
        return "none, atlas-300i or 910b";
    latencies_reset();
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].profile, name) == 0)
            latency_set(rows[i].function, rows[i].fixed_ns,
                        rows[i].ns_per_byte);
    return NULL;
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
