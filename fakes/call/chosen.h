/*
 * chosen: the settings as they were last chosen, as text.
 *
 * What aclfakeSet or the environment gave a setting is kept word for word, so
 * that a test can read it and put it back. A setting nobody chose has its
 * default. Orders that are carried out and not kept (fail, latency) have no
 * default and are not told.
 */
#ifndef FAKE_CHOSEN_H
#define FAKE_CHOSEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Keeps a value of the i-th setting; its default when memory is short. */
void chosen_keep(size_t i, const char *value);

/* Was a value of the i-th setting kept? */
bool chosen_is(size_t i);

/* Every setting is back at its default. */
void chosen_reset(void);

/* {"key","value"} for each setting, as JSON lines. */
void chosen_read(Text *text);

#endif
