/*
 * site: where in a program an address lies, in words.
 */
#ifndef FAKE_SITE_H
#define FAKE_SITE_H

#include <stddef.h>

enum { SITE_SIZE = 256, STACK_MAX = 8 };

/*
 * "load+0x1d (program+0x1189)" for a return address, "program+0x1189" where
 * the function has no dynamic symbol: what addr2line -e program takes.
 * Written into text, of SITE_SIZE bytes, which it returns; "" for NULL.
 */
const char *site_text(const void *address, char *text);

/*
 * The return addresses of this thread from caller outwards, STACK_MAX at
 * most: as far as the program's own code goes, without the C library that
 * started it, an interpreter of Python, or this library below a callback. The
 * caller alone where it cannot be told more. Returns how many.
 */
size_t site_stack(const void *caller, const void **stack);

#endif
