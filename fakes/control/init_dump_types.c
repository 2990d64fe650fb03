/*
 * init_dump_types: of which type each member of the lists in the block "dump"
 * is. Types are looked at before anything else, also where the lists would
 * change nothing.
 */
#include "control/init_dump_types.h"

#include "base/codes.h"
#include "call/message.h"

static int refuse_type(const char *name, const char *wanted)
{
    return refuse(E_DUMP_CONFIG, "dump.%s must be %s", name, wanted);
}

/* Is a member, if there is one, a text? */
static int check_text(Json object, const char *name)
{
    Json value;

    if (!json_find(object, name, &value) || json_is_string(value))
        return E_NONE;
    return refuse_type(name, "a text");
}

/* Is a member, if there is one, an array of texts? */
static int check_texts(Json object, const char *name)
{
    Json list;
    Json item = {0};

    if (!json_find(object, name, &list))
        return E_NONE;
    if (!json_is_array(list))
        return refuse_type(name, "an array of texts");
    while (json_next(list, &item))
        if (!json_is_string(item))
            return refuse_type(name, "an array of texts");
    return E_NONE;
}

int config_dump_objects(Json object, const char *name, int (*check)(Json item))
{
    Json list;
    Json item = {0};
    int status = E_NONE;

    if (!json_find(object, name, &list))
        return E_NONE;
    if (!json_is_array(list))
        return refuse_type(name, "an array of objects");
    while (status == E_NONE && json_next(list, &item))
        status = json_is_object(item) ? check(item) : refuse_type(name, "an array of objects");
    return status;
}

static int check_blacklist_types(Json item)
{
    int status = check_text(item, "name");

    return status == E_NONE ? check_texts(item, "pos") : status;
}

static int check_range_types(Json item)
{
    int status = check_text(item, "begin");

    return status == E_NONE ? check_text(item, "end") : status;
}

static int check_model_types(Json item)
{
    int status = check_text(item, "model_name");

    if (status == E_NONE)
        status = check_texts(item, "layer");
    if (status == E_NONE)
        status = check_texts(item, "watcher_nodes");
    if (status == E_NONE)
        status = config_dump_objects(item, "optype_blacklist", check_blacklist_types);
    if (status == E_NONE)
        status = config_dump_objects(item, "opname_blacklist", check_blacklist_types);
    return status == E_NONE ? config_dump_objects(item, "opname_range", check_range_types) : status;
}

int config_dump_types(Json dump)
{
    int status = check_texts(dump, "dump_stats");

    return status == E_NONE ? config_dump_objects(dump, "dump_list", check_model_types) : status;
}
