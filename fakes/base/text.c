#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

Text text_in(char *bytes, size_t size)
{
    if (size > 0)
        bytes[0] = '\0';
    return (Text){bytes, size, 0};
}

void text_add(Text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = text->length < text->size ? text->size - text->length : 0;

    va_start(arguments, format);
    int wanted = vsnprintf(room > 0 ? text->bytes + text->length : NULL, room, format, arguments);
    va_end(arguments);
    if (wanted > 0)
        text->length += (size_t)wanted;
}

static void text_add_char(Text *text, unsigned char c)
{
    if (c == '"' || c == '\\')
        text_add(text, "\\%c", c);
    else if (c < 0x20)
        text_add(text, "\\u%04x", c);
    else
        text_add(text, "%c", c);
}

void text_add_string(Text *text, const char *string)
{
    if (string == NULL) {
        text_add(text, "null");
        return;
    }
    text_add(text, "\"");
    for (size_t length; *string != '\0'; string += length > 0 ? length : 1) {
        length = text_character(string);
        for (size_t i = 0; i < length; i++)
            text_add_char(text, (unsigned char)string[i]);
        if (length == 0)
            text_add_char(text, '?');
    }
    text_add(text, "\"");
}

void text_add_visible(Text *text, const char *string)
{
    for (; *string != '\0'; string++)
        text_add(text, iscntrl((unsigned char)*string) ? "\\x%02x" : "%c", (unsigned char)*string);
}

/* How many bytes a character has that begins so; 0: none begins so. */
static size_t character_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* The first continuation byte has narrower bounds after four first bytes. */
static bool continues(unsigned char first, size_t i, unsigned char byte)
{
    if (i == 1 && ((first == 0xe0 && byte < 0xa0) || (first == 0xed && byte >= 0xa0) ||
                   (first == 0xf0 && byte < 0x90) || (first == 0xf4 && byte >= 0x90)))
        return false;
    return (byte & 0xc0) == 0x80;
}

size_t text_character(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    size_t length = character_length(bytes[0]);
    size_t good = 1;

    while (good < length && continues(bytes[0], good, bytes[good]))
        good++;
    return bytes[0] != '\0' && good >= length ? length : 0;
}

/* Makes a string good UTF-8 in place. */
static void clean(char *string)
{
    while (*string != '\0') {
        size_t length = text_character(string);
        if (length == 0)
            *string = '?';
        string += length > 0 ? length : 1;
    }
}

/*
 * The C library prints a NULL pointer as "(nil)". One that a name brings
 * along stands in quotes, behind neither a space nor an equals sign.
 */
static void name_null(char *text)
{
    static const char nil[] = "(nil)";
    char *at = text;

    while ((at = strstr(at, nil)) != NULL) {
        if (at > text && (at[-1] == ' ' || at[-1] == '=')) {
            memcpy(at, "NULL", 4);
            memmove(at + 4, at + 5, strlen(at + 5) + 1);
        }
        at++;
    }
}

void text_print(char *to, size_t size, const char *format, va_list arguments)
{
    vsnprintf(to, size, format, arguments);
    name_null(to);
    clean(to);
}
