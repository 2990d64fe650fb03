/*
 * Each part of the configuration has its own code for what is wrong with it,
 * and its own idea of a number; unknown parts are not looked at. The block
 * "profiler" has a file of its own (init_profiler.h).
 */
#include "control/init_config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "call/message.h"
#include "call/violations.h"
#include "control/init_dump.h"
#include "control/init_member.h"
#include "file/files.h"
#include "memory/host_memory.h"
#include "runtime/device.h"

enum { FILE_MAX = 10 * 1024 * 1024, NESTED_MAX = 10 };

/* The most of one kind of bracket that are open at once, in strings too. */
static size_t nested(const char *content, char opens, char closes)
{
    size_t open = 0;
    size_t most = 0;

    for (; *content != '\0'; content++) {
        if (*content == opens && ++open > most)
            most = open;
        if (*content == closes && open > 0)
            open--;
    }
    return most;
}

static int check_nested(const char *content)
{
    size_t objects = nested(content, '{', '}');
    size_t arrays = nested(content, '[', ']');

    if (objects <= NESTED_MAX && arrays <= NESTED_MAX)
        return E_NONE;
    return refuse(E_PARSE,
                  "the configuration nests %zu braces and %zu "
                  "brackets; 10 of each are allowed, and those in texts count",
                  objects, arrays);
}

static int read_file(const char *path, char **content)
{
    struct stat about;
    unsigned char *data = NULL;
    size_t size = 0;

    if (stat(path, &about) == 0 && about.st_size > FILE_MAX)
        return refuse(E_FILE,
                      "\"%s\" has %lld bytes; a configuration may "
                      "have 10 MiB",
                      path, (long long)about.st_size);
    if (file_read(path, &data, &size) != E_NONE)
        return E_FILE;
    data[size] = '\0';
    *content = (char *)data;
    return E_NONE;
}

int config_read(const char *path, char **content)
{
    if (path == NULL || *path == '\0') {
        *content = calloc(1, 1);
        return *content != NULL ? E_NONE : E_BAD_ALLOC;
    }
    int status = host_check(path, "configPath");
    if (status == E_NONE)
        status = read_file(path, content);
    return status == E_NONE ? check_nested(*content) : status;
}

static int err_msg_mode(Json content)
{
    char text[8];
    Member member = config_text(content, "err_msg_mode", text, sizeof text);

    if (member == MEMBER_NONE ||
        (member == MEMBER_TEXT && (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)))
        return E_NONE;
    return refuse(E_PARAM, "err_msg_mode is neither \"0\" nor \"1\", in "
                           "quotes");
}

/* {"StackSize": {"aicore_stack_size": 32768}} */
static int stack_sizes(Json content)
{
    static const char *const names[] = {"aicore_stack_size", "simt_stack_size",
                                        "simt_divergence_stack_size"};
    Json section;
    Json size;

    if (!json_find(content, "StackSize", &section))
        return E_NONE;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_find(section, names[i], &size) && !json_is_number(size))
            return refuse(E_FAILURE, "StackSize.%s is no number", names[i]);
    return E_NONE;
}

/* A number as its text has it: no sign, no zero in front. */
static bool is_whole(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && text[digits] == '\0' && (digits == 1 || text[0] != '0');
}

/* {"defaultDevice": {"default_device": "0"}} */
static int default_device(Json content)
{
    char text[64];
    Json section;

    if (!json_find(content, "defaultDevice", &section))
        return E_NONE;
    Member member = config_text(section, "default_device", text, sizeof text);
    if (member == MEMBER_NONE)
        return E_NONE;
    if (member != MEMBER_TEXT || !is_whole(text))
        return refuse(E_FAILURE, "defaultDevice.default_device is no text of "
                                 "a number, such as \"0\"");
    int device = (int)(int32_t)strtol(text, NULL, 10);
    return device == -1 ? E_NONE : device_make_default(device);
}

/* Numbers at the top: {"simt_printf_fifo_size": 1048576} */
static int fifo_sizes(Json content)
{
    static const char *const names[] = {"simd_printf_fifo_size_per_core", "simt_printf_fifo_size"};
    Json size;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_find(content, names[i], &size) &&
            (*size.text == '0' || strspn(size.text, "0123456789") != size.length))
            return refuse(E_FAILURE, "%s is no positive whole number", names[i]);
    return E_NONE;
}

/* {"acl_graph": {"event_mode": "0"}} */
static int event_mode(Json content)
{
    char text[8];
    Json section;
    Json mode;

    if (!json_find(content, "acl_graph", &section) || !json_find(section, "event_mode", &mode))
        return E_NONE;
    if (*mode.text != '"') {
        violate(V_INIT_ENDS,
                "acl_graph.event_mode is %.*s; it must be \"0\" "
                "or \"1\", in quotes",
                (int)mode.length, mode.text);
        return E_PARAM;
    }
    if (json_string(mode, text, sizeof text) && (strcmp(text, "0") == 0 || strcmp(text, "1") == 0))
        return E_NONE;
    return refuse(E_PARAM,
                  "acl_graph.event_mode is %.*s, not \"0\" or "
                  "\"1\"",
                  (int)mode.length, mode.text);
}

int config_apply(const char *content)
{
    static int (*const parts[])(Json) = {err_msg_mode,   config_dump, stack_sizes,
                                         default_device, fifo_sizes,  event_mode};
    Json value;
    int status = E_NONE;

    if (*content == '\0')
        return E_NONE;
    if (!json_parse(content, &value))
        return refuse(E_PARSE, "the configuration is no JSON");
    for (size_t i = 0; status == E_NONE && i < sizeof parts / sizeof parts[0]; i++)
        status = parts[i](value);
    if (status != E_NONE)
        device_make_default(-1);
    return status;
}
