/*
 * text: readouts, written into a caller's buffer that may be too small.
 *
 * A Text counts what the whole readout needs and writes what fits, always
 * with a NUL at the end, as snprintf does. Strings go out as JSON.
 */
#ifndef FAKE_TEXT_H
#define FAKE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

typedef struct Text {
    char *bytes;        /* borrowed; may be NULL when size is 0 */
    size_t size;
    size_t length;      /* of the whole readout so far, NUL not counted */
} Text;

/* Starts a readout in size bytes of the caller's. */
Text text_in(char *bytes, size_t size);

/* Appends printf-formatted text. */
void text_add(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a JSON string, quotes included; what is not UTF-8 becomes ?. NULL becomes null. */
void text_add_string(Text *text, const char *string);

/* Appends a string with its control characters as \x1b: a name may hold anything. */
void text_add_visible(Text *text, const char *string);

/* How many bytes the good UTF-8 character here has; 0: none, or no good one. */
size_t text_character(const char *at);

/*
 * Prints into size bytes, NUL included, and cuts what does not fit: as
 * vsnprintf, but a NULL pointer reads NULL, and the text is good UTF-8: a
 * name out of a damaged file, or cut off in the middle of a character, shows
 * as question marks.
 */
void text_print(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
