#include "base/json.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DEPTH_MAX = 1000 };

static const char *skip_value(const char *at, int depth);

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Four hexadecimal digits. */
static bool read_unit(const char *at, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at[i] != '\0' ? strchr(digits, at[i]) : NULL;
        if (digit == NULL)
            return false;
        *unit = *unit * 16 + (uint32_t)(digit - digits) % 16;
    }
    return true;
}

/* Past \uXXXX, or two of them that are one character; NULL: half of one. */
static const char *skip_unicode(const char *at, uint32_t *character)
{
    uint32_t second = 0;

    if (!read_unit(at + 2, character) || (*character >= 0xdc00 && *character < 0xe000))
        return NULL;
    if (*character < 0xd800 || *character >= 0xe000)
        return at + 6;
    if (at[6] != '\\' || at[7] != 'u' || !read_unit(at + 8, &second) || second < 0xdc00 ||
        second >= 0xe000)
        return NULL;
    *character = 0x10000 + ((*character - 0xd800) << 10) + second - 0xdc00;
    return at + 12;
}

/* Past an escape, and the character that it means. */
static const char *skip_escape(const char *at, uint32_t *character)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found = at[1] != '\0' ? strchr(from, at[1]) : NULL;

    if (at[1] == 'u')
        return skip_unicode(at, character);
    if (found == NULL)
        return NULL;
    *character = (unsigned char)to[found - from];
    return at + 2;
}

/* Past a string that begins here, or NULL. */
static const char *skip_string(const char *at)
{
    uint32_t character;

    if (*at++ != '"')
        return NULL;
    while (at != NULL && *at != '"') {
        if (*at == '\\')
            at = skip_escape(at, &character);
        else if ((unsigned char)*at < 0x20 || text_character(at) == 0)
            return NULL;
        else
            at += text_character(at);
    }
    return at != NULL ? at + 1 : NULL;
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

static size_t digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* Past a number that is written as JSON has it, and is finite. */
static const char *skip_number(const char *at)
{
    const char *start = at;

    at += *at == '-';
    if (digits(at) == 0 || (*at == '0' && digits(at) > 1))
        return NULL;
    at += digits(at);
    if (*at == '.') {
        if (digits(at + 1) == 0)
            return NULL;
        at += 1 + digits(at + 1);
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (digits(at) == 0)
            return NULL;
        at += digits(at);
    }
    return isinf(strtod(start, NULL)) ? NULL : at;
}

static const char *skip_scalar(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    return skip_number(at);
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

static Json between(const char *start, const char *end)
{
    return (Json){start, (size_t)(end - start)};
}

bool json_parse(const char *text, Json *value)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    text = skip_space(text);
    const char *end = skip_value(text, 0);
    if (end == NULL || *skip_space(end) != '\0')
        return false;
    *value = between(text, end);
    return true;
}

/* Puts a character into size bytes as UTF-8: how many it took, 0: no room. */
static size_t put(char *to, size_t size, uint32_t character)
{
    size_t more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint32_t first[] = {0, 0xc0, 0xe0, 0xf0};

    if (more >= size)
        return 0;
    to[0] = (char)(first[more] | character >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (character >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

bool json_string(Json value, char *text, size_t size)
{
    const char *end = value.text + value.length - 1;
    size_t used = 0;

    if (*value.text != '"')
        return false;
    for (const char *at = value.text + 1; at < end;) {
        uint32_t character = (unsigned char)*at;
        size_t bytes = 1;
        if (*at == '\\') {
            at = skip_escape(at, &character);
            bytes = put(text + used, size - used, character);
        } else
            text[used] = *at++;
        used += bytes;
        if (bytes == 0 || used >= size)
            return false;
    }
    text[used] = '\0';
    return true;
}

/* Does a member's name say this? */
static bool same_name(const char *start, const char *end, const char *name)
{
    char text[64];

    return json_string(between(start, end), text, sizeof text) && strcmp(text, name) == 0;
}

bool json_find(Json object, const char *name, Json *value)
{
    bool found = false;

    if (!json_is_object(object))
        return false;
    const char *at = skip_space(object.text + 1);
    while (*at == '"') {
        const char *key = at;
        const char *key_end = skip_string(at);
        const char *start = skip_space(skip_space(key_end) + 1);
        const char *end = skip_value(start, 1);
        if (same_name(key, key_end, name)) {
            *value = between(start, end);
            found = true;
        }
        at = skip_space(end);
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return found;
}

bool json_next(Json array, Json *element)
{
    bool first = element->text == NULL;

    if (!json_is_array(array))
        return false;
    const char *at = skip_space(first ? array.text + 1 : element->text + element->length);
    if (!first && *at == ',')
        at = skip_space(at + 1);
    if (*at == ']')
        return false;
    *element = between(at, skip_value(at, 1));
    return true;
}

bool json_is_array(Json value)
{
    return *value.text == '[';
}

bool json_is_string(Json value)
{
    return *value.text == '"';
}

bool json_is_object(Json value)
{
    return *value.text == '{';
}

bool json_is_number(Json value)
{
    return *value.text == '-' || digits(value.text) > 0;
}
