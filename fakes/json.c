#include "json.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

static const char *skip_value(const char *at, int depth);

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Past a string that begins here, or NULL. */
static const char *skip_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if ((unsigned char)*at < 0x20)
            return NULL;
    }
    return at + 1;
}

/* Past the elements of an object or an array, and its end. */
static const char *skip_elements(const char *at, char end, int depth)
{
    at = skip_space(at + 1);
    if (*at == end)
        return at + 1;
    while (at != NULL) {
        if (end == '}') {
            at = skip_string(skip_space(at));
            at = at == NULL ? NULL : skip_space(at);
            if (at == NULL || *at++ != ':')
                return NULL;
        }
        at = skip_value(at, depth);
        at = at == NULL ? NULL : skip_space(at);
        if (at != NULL && *at == end)
            return at + 1;
        if (at == NULL || *at++ != ',')
            return NULL;
    }
    return NULL;
}

/* Past a number or a word; what numbers look like is not looked at. */
static const char *skip_scalar(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    size_t length = strspn(at, "+-.0123456789eE");
    return length > 0 ? at + length : NULL;
}

static const char *skip_value(const char *at, int depth)
{
    at = skip_space(at);
    if (depth >= DEPTH_MAX)
        return NULL;
    if (*at == '{')
        return skip_elements(at, '}', depth + 1);
    if (*at == '[')
        return skip_elements(at, ']', depth + 1);
    return *at == '"' ? skip_string(at) : skip_scalar(at);
}

bool json_is_object(const char *text)
{
    const char *end;

    if (*skip_space(text) != '{')
        return false;
    end = skip_value(text, 0);
    return end != NULL && *skip_space(end) == '\0';
}

static bool copy_run(const char *from, const char *end, char *text,
                     size_t size)
{
    size_t length = (size_t)(end - from);

    if (length >= size)
        return false;
    memcpy(text, from, length);
    text[length] = '\0';
    return true;
}

bool json_member(const char *object, const char *name, char *text,
                 size_t size)
{
    const char *at = skip_space(skip_space(object) + 1);

    while (*at == '"') {
        const char *key_end = skip_string(at);
        size_t length = (size_t)(key_end - at) - 2;
        const char *value = skip_space(skip_space(key_end) + 1);
        const char *end = skip_value(value, 1);
        if (length == strlen(name) && strncmp(at + 1, name, length) == 0)
            return *value == '"' ? copy_run(value + 1, end - 1, text, size)
                                 : copy_run(value, end, text, size);
        at = skip_space(end);
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return false;
}
