/*
 * Its members are texts (facts 12.7). What asks for counters of hardware is
 * not looked at, as the bits of aclprofCreateConfig that do are not.
 */
#include "control/init_profiler.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call/message.h"
#include "control/init_member.h"
#include "profile/configured.h"
#include "profile/profiler.h"

static bool says(Json section, const char *name, const char *word)
{
    char text[8];

    return config_text(section, name, text, sizeof text) == MEMBER_TEXT && strcmp(text, word) == 0;
}

static uint64_t switches_of(Json section)
{
    uint64_t switches = 0;

    if (!says(section, "ascendcl", "off"))
        switches |= SWITCH_ACL_API;
    if (says(section, "task_time", "l0"))
        switches |= SWITCH_TASK_TIME_L0;
    else if (!says(section, "task_time", "off"))
        switches |= SWITCH_TASK_TIME;
    if (says(section, "runtime_api", "on"))
        switches |= SWITCH_RUNTIME_API;
    if (says(section, "msproftx", "on"))
        switches |= SWITCH_MSPROFTX;
    return switches;
}

/* The folder of the running program, where CANN writes if nothing else is said. */
static bool own_folder(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (length <= 0)
        return false;
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    return true;
}

static bool output_of(Json section, char path[PATH_MAX])
{
    Member member = config_text(section, "output", path, PATH_MAX);

    if (member == MEMBER_NONE || (member == MEMBER_TEXT && path[0] == '\0'))
        return own_folder(path);
    return member == MEMBER_TEXT;
}

void config_profiler(const char *content)
{
    char path[PATH_MAX];
    Json value;
    Json section;

    if (*content == '\0' || !json_parse(content, &value) ||
        !json_find(value, "profiler", &section) || !says(section, "switch", "on"))
        return;
    uint64_t switches = switches_of(section);
    if (switches == 0)
        return;
    if (!output_of(section, path))
        fprintf(stderr, "acl fake: profiler.output is no path; nothing is profiled\n");
    else if (configured_begin(path, switches) != 0)
        fprintf(stderr, "acl fake: nothing is profiled: %s\n", message_take());
}
