/*
 * json: just enough JSON to read the configuration of aclInit.
 */
#ifndef FAKE_JSON_H
#define FAKE_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Is this one well-formed JSON object, and nothing else? */
bool json_is_object(const char *text);

/*
 * The text of a member of a well-formed object: a string without its quotes
 * (escapes as they stand) or the source of another value. False when the
 * object has no such member or its text is longer than size - 1.
 */
bool json_member(const char *object, const char *name, char *text,
                 size_t size);

#endif
