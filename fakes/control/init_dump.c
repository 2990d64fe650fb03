/*
 * init_dump: the block "dump" of aclInit's configuration.
 *
 *     {"dump": {"dump_path": "/tmp", "dump_mode": "all", "dump_list": []}}
 *
 * A scene of its own (exceptions) needs no path; without one, and for
 * watching, the path must be a folder that can be read and written, or one
 * behind an address.
 */
#include "control/init_dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "control/init_dump_list.h"
#include "control/init_dump_types.h"
#include "control/init_member.h"

enum { CHOICES_MAX = 6, PATH_LONGEST = 512, STEPS_MAX = 100 };

#define DIGITS "0123456789"

typedef struct Option {
    const char *name;
    const char *choice[CHOICES_MAX];
} Option;

static const Option scene = {"dump_scene",
                             {"lite_exception", "aic_err_brief_dump", "aic_err_norm_dump",
                              "aic_err_detail_dump", "watcher"}};
static const Option mode = {"dump_mode", {"input", "output", "all"}};
static const Option debug = {"dump_debug", {"on", "off"}};
static const Option op_switch = {"dump_op_switch", {"on", "off"}};
static const Option data = {"dump_data", {"tensor", "stats"}};
static const Option level = {"dump_level", {"op", "kernel", "all"}};

/* One of the choices, or "" where the option is not given. */
static int choose(Json dump, const Option *option, const char **chosen)
{
    char text[64];
    Member member = config_text(dump, option->name, text, sizeof text);

    *chosen = "";
    if (member == MEMBER_NONE)
        return E_NONE;
    for (size_t i = 0; member == MEMBER_TEXT && i < CHOICES_MAX; i++)
        if (option->choice[i] != NULL && strcmp(text, option->choice[i]) == 0) {
            *chosen = option->choice[i];
            return E_NONE;
        }
    return refuse(E_DUMP_CONFIG,
                  "dump.%s is %s, not one of its values, the "
                  "first of them \"%s\"",
                  option->name, member == MEMBER_TEXT ? text : "no text", option->choice[0]);
}

static bool is_on(Json dump, const Option *option)
{
    char text[8];

    return config_text(dump, option->name, text, sizeof text) == MEMBER_TEXT &&
           strcmp(text, "on") == 0;
}

/* Two options of which each is on. */
static int refuse_both(const char *first, const char *second)
{
    return refuse(E_DUMP_CONFIG, "dump.%s and dump.%s exclude each other", first, second);
}

/*
 * CANN looks for the folder, too. Nothing is dumped here, and a program's
 * configuration names folders of the host that it is written for.
 */
static int check_path(Json dump)
{
    char path[PATH_LONGEST + 1];
    Member member = config_text(dump, "dump_path", path, sizeof path);

    if (member == MEMBER_NONE)
        return refuse(E_DUMP_CONFIG, "dump has no dump_path");
    if (member == MEMBER_OTHER || *path == '\0')
        return refuse(E_DUMP_CONFIG, "dump.dump_path is no text of 1 to 512 "
                                     "bytes");
    return E_NONE;
}

/* "3", or "5-10" with the smaller number first. */
static bool is_step(const char *text)
{
    size_t digits = strspn(text, DIGITS);
    const char *second = text + digits + 1;

    if (digits == 0 || text[digits] == '\0')
        return digits > 0;
    size_t more = strspn(second, DIGITS);
    return text[digits] == '-' && more > 0 && second[more] == '\0' &&
           strtol(text, NULL, 10) <= strtol(second, NULL, 10);
}

/* "3|5-10": at most 100 numbers and ranges. */
static int check_steps(Json dump)
{
    char text[4096];
    char *rest = text;
    Member member = config_text(dump, "dump_step", text, sizeof text);
    bool good = member == MEMBER_TEXT;

    if (member == MEMBER_NONE || (good && *text == '\0'))
        return E_NONE;
    for (int i = 0; good && rest != NULL; i++)
        good = i < STEPS_MAX && is_step(strsep(&rest, "|"));
    return good ? E_NONE
                : refuse(E_DUMP_CONFIG, "dump.dump_step is not like "
                                        "\"3|5-10\", with at most 100 parts");
}

/* What is asked of data that every run would write. */
static int check_data(Json dump)
{
    const char *chosen = NULL;
    int status = choose(dump, &data, &chosen);

    if (status == E_NONE)
        status = choose(dump, &level, &chosen);
    if (status == E_NONE)
        status = choose(dump, &op_switch, &chosen);
    return status == E_NONE ? check_steps(dump) : status;
}

/* A list of models is for neither exceptions nor overflows. */
static int refuse_list(Json dump, const char *with)
{
    Json list;

    if (!json_find(dump, "dump_list", &list))
        return E_NONE;
    return refuse(E_DUMP_CONFIG, "dump.dump_list cannot be set with %s", with);
}

static int check_scene(Json dump, const char **chosen)
{
    int status = choose(dump, &scene, chosen);

    if (status != E_NONE || **chosen == '\0')
        return status;
    if (is_on(dump, &debug))
        return refuse_both(scene.name, debug.name);
    return is_on(dump, &op_switch) ? refuse_both(scene.name, op_switch.name) : E_NONE;
}

static int check_debug(Json dump, const char **chosen)
{
    int status = choose(dump, &debug, chosen);

    if (status == E_NONE && strcmp(*chosen, "on") == 0 && is_on(dump, &op_switch))
        status = refuse_both(debug.name, op_switch.name);
    return status;
}

int config_dump(Json content)
{
    const char *in_scene = NULL;
    const char *wanted = NULL;
    const char *overflow = NULL;
    Json dump;

    if (!json_find(content, "dump", &dump))
        return E_NONE;
    int status = json_is_object(dump) ? config_dump_types(dump) : E_NONE;
    if (status == E_NONE)
        status = check_scene(dump, &in_scene);
    if (status == E_NONE)
        status = choose(dump, &mode, &wanted);
    bool watches = status == E_NONE && strcmp(in_scene, "watcher") == 0;
    if (watches && *wanted != '\0' && strcmp(wanted, "output") != 0)
        return refuse(E_DUMP_CONFIG,
                      "dump.dump_mode is \"%s\"; a watcher "
                      "takes \"output\"",
                      wanted);
    if (status != E_NONE)
        return status;
    if (*in_scene != '\0' && !watches)
        return refuse_list(dump, "a dump_scene of exceptions");
    status = check_path(dump);
    if (status == E_NONE)
        status = check_debug(dump, &overflow);
    if (status != E_NONE)
        return status;
    if (strcmp(overflow, "on") == 0)
        return refuse_list(dump, "dump_debug \"on\"");
    status = check_data(dump);
    return status == E_NONE ? config_dump_lists(dump, watches) : status;
}
