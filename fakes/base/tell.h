/*
 * tell: lines on stderr, whatever stderr is.
 *
 * The program may have closed it, or its reader may have gone: nothing is
 * told then, and neither a signal nor errno says so. A reader that stands
 * still holds a line up for a second at most where stderr does not block.
 */
#ifndef FAKE_TELL_H
#define FAKE_TELL_H

#include <stddef.h>

/* Writes length bytes at once, so that lines of several processes do not mix. */
void tell(const char *bytes, size_t length);

#endif
