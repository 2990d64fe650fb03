/*
 * leaks: what is alive, by the calls that made it, for people.
 *
 * What one call made is one thing: a bundle with its models, say. Things that
 * the same function made at the same place of the program are one line.
 */
#ifndef FAKE_LEAKS_H
#define FAKE_LEAKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * Calls line() with the text of each line, and returns how many things there
 * are that a call after number `after` made. Where memory is short they are
 * only counted as far as there was some.
 */
size_t leaks_tell(uint64_t after, void (*line)(const Text *text));

#endif
