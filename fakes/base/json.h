/*
 * json: JSON, as far as the configuration of aclInit needs it.
 *
 * A value is the piece of text that it is written in. json_parse() reads as
 * CANN's parser does (nlohmann's), and the rest relies on what it accepted.
 */
#ifndef FAKE_JSON_H
#define FAKE_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Json {
    const char *text;           /* borrowed; where the value begins */
    size_t length;
} Json;

/*
 * Is the text one value, of any kind, and nothing else? A byte order mark in
 * front is skipped. Nothing nests deeper than 1000 values.
 */
bool json_parse(const char *text, Json *value);

/* A member of an object, the last of that name; false: none, or no object. */
bool json_find(Json object, const char *name, Json *value);

/*
 * The next element of an array: the first where element is {0}, else the one
 * behind it. False: there is no more, or it is no array.
 */
bool json_next(Json array, Json *element);

/* The text of a string of less than size bytes; false: it is no such string. */
bool json_string(Json value, char *text, size_t size);

bool json_is_object(Json value);
bool json_is_array(Json value);
bool json_is_string(Json value);
bool json_is_number(Json value);

#endif
