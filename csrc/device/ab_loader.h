/*
 * Opens libascendcl.so and fills the pointers that stand for its functions.
 */
#ifndef AB_LOADER_CALLS_H
#define AB_LOADER_CALLS_H

#include <stdint.h>

const char *ab_open(const char *path, const char *second);
int ab_has(const char *function);
uintptr_t ab_symbol(const char *name);

#endif
