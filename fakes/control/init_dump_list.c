/*
 * init_dump_list: what is a list in the block "dump" of aclInit's
 * configuration.
 *
 *     "dump_list": [{"model_name": "m", "layer": ["conv1"],
 *                    "watcher_nodes": [], "optype_blacklist":
 *                        [{"name": "Add", "pos": ["input0", "output1"]}],
 *                    "opname_blacklist": [], "opname_range":
 *                        [{"begin": "conv1", "end": "conv9"}]}],
 *     "dump_stats": ["Max", "Min"]
 */
#include "control/init_dump_list.h"

#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "control/init_dump_types.h"
#include "control/init_member.h"

enum { BLACKLIST_MAX = 100 };

#define DIGITS "0123456789"

/* Elements of a member; 0 where there is none. */
static size_t count_of(Json object, const char *name)
{
    Json list;
    Json item = {0};
    size_t count = 0;

    if (json_find(object, name, &list))
        while (json_next(list, &item))
            count++;
    return count;
}

static bool has(Json object, const char *name)
{
    Json ignored;

    return json_find(object, name, &ignored);
}

/* The text of a member, or what stands for it. */
static bool says(Json object, const char *name, const char *text, const char *otherwise)
{
    char found[64];
    Member member = config_text(object, name, found, sizeof found);

    return strcmp(member == MEMBER_TEXT ? found : otherwise, text) == 0;
}

static bool is_empty_text(Json object, const char *name)
{
    return !has(object, name) || says(object, name, "", "x");
}

/* "input0" or "output12". */
static bool is_position(const char *text)
{
    static const char *const ends[] = {"input", "output"};

    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(ends[i]);
        if (strncmp(text, ends[i], length) == 0)
            return text[length] != '\0' && text[length + strspn(text + length, DIGITS)] == '\0';
    }
    return *text == '\0';
}

static int check_positions(Json entry)
{
    char text[64];
    Json list;
    Json item = {0};

    if (!json_find(entry, "pos", &list))
        return E_NONE;
    while (json_next(list, &item))
        if (!json_string(item, text, sizeof text) || !is_position(text))
            return refuse(E_DUMP_CONFIG,
                          "dump.dump_list: pos %.*s is not "
                          "like \"input0\" or \"output0\"",
                          (int)item.length, item.text);
    return E_NONE;
}

/* What leaves operators out, or names some of them, is for level "op". */
static int check_level(Json model, const char *name, bool is_op)
{
    if (is_op || count_of(model, name) == 0)
        return E_NONE;
    return refuse(E_DUMP_CONFIG,
                  "dump.dump_list: %s needs dump_level "
                  "\"op\"",
                  name);
}

static int check_blacklist(Json model, const char *name, bool is_op)
{
    size_t count = count_of(model, name);

    if (count > BLACKLIST_MAX)
        return refuse(E_DUMP_CONFIG,
                      "dump.dump_list: %s has %zu entries, at "
                      "most 100 are allowed",
                      name, count);
    int status = check_level(model, name, is_op);
    return status == E_NONE ? config_dump_objects(model, name, check_positions) : status;
}

static int check_range(Json range)
{
    if (!is_empty_text(range, "begin") && !is_empty_text(range, "end"))
        return E_NONE;
    return refuse(E_DUMP_CONFIG, "dump.dump_list: opname_range needs both "
                                 "begin and end");
}

static int check_ranges(Json model, bool is_op)
{
    int status = check_level(model, "opname_range", is_op);

    if (status != E_NONE || count_of(model, "opname_range") == 0)
        return status;
    if (is_empty_text(model, "model_name"))
        return refuse(E_DUMP_CONFIG, "dump.dump_list: opname_range needs a "
                                     "model_name");
    return config_dump_objects(model, "opname_range", check_range);
}

/* Nothing may be said with nothing in it, unless every operator is dumped. */
static int check_said(Json model)
{
    if (has(model, "model_name") && is_empty_text(model, "model_name"))
        return refuse(E_DUMP_CONFIG, "dump.dump_list: model_name is empty");
    if (has(model, "layer") && count_of(model, "layer") == 0)
        return refuse(E_DUMP_CONFIG, "dump.dump_list: layer is empty");
    return E_NONE;
}

static int check_watched(Json model, bool watches)
{
    bool nodes = count_of(model, "watcher_nodes") > 0;

    if (nodes != watches)
        return refuse(E_DUMP_CONFIG, "dump.dump_list: watcher_nodes are for "
                                     "dump_scene \"watcher\", which needs them");
    if (watches && !is_empty_text(model, "model_name"))
        return refuse(E_DUMP_CONFIG, "dump.dump_list: dump_scene \"watcher\" "
                                     "takes no model_name");
    return E_NONE;
}

static int check_models(Json dump, bool watches)
{
    bool is_op = says(dump, "dump_level", "op", "all");
    bool is_off = says(dump, "dump_op_switch", "off", "off");
    Json list;
    Json model = {0};
    int status = E_NONE;

    if (!json_find(dump, "dump_list", &list))
        return E_NONE;
    while (status == E_NONE && json_next(list, &model)) {
        status = is_off ? check_said(model) : E_NONE;
        if (status == E_NONE)
            status = check_watched(model, watches);
        if (status == E_NONE)
            status = check_blacklist(model, "optype_blacklist", is_op);
        if (status == E_NONE)
            status = check_blacklist(model, "opname_blacklist", is_op);
        if (status == E_NONE)
            status = check_ranges(model, is_op);
    }
    return status;
}

static bool is_statistic(Json item)
{
    static const char *const known[] = {"Max",          "Min",          "Avg",   "Nan",
                                        "Negative Inf", "Positive Inf", "L2norm"};
    char text[64];

    if (!json_string(item, text, sizeof text))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i]) == 0)
            return true;
    return false;
}

static int check_statistics(Json dump)
{
    Json list;
    Json item = {0};

    if (!json_find(dump, "dump_stats", &list))
        return E_NONE;
    if (count_of(dump, "dump_stats") == 0 || !says(dump, "dump_data", "stats", "tensor"))
        return refuse(E_DUMP_CONFIG, "dump.dump_stats is empty, or stands "
                                     "without dump_data \"stats\"");
    while (json_next(list, &item))
        if (!is_statistic(item))
            return refuse(E_DUMP_CONFIG,
                          "dump.dump_stats has %.*s, which is "
                          "not one of its values, the first of them \"Max\"",
                          (int)item.length, item.text);
    return E_NONE;
}

int config_dump_lists(Json dump, bool watches)
{
    int status = check_models(dump, watches);

    return status == E_NONE ? check_statistics(dump) : status;
}
