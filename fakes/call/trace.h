/*
 * trace: a record of every call, while the setting "trace" asks for it.
 *
 * Records are kept in memory until somebody reads them, or each is written to
 * a file as soon as its call ends, one line at once, so that a program which
 * is killed has told all it did.
 */
#ifndef FAKE_TRACE_H
#define FAKE_TRACE_H

#include <stdint.h>

#include "base/text.h"
#include "call/calls.h"

/* Monotonic nanoseconds, never 0. */
uint64_t trace_now(void);

/* Keeps records in memory from now on, or none. */
void trace_to_memory(bool on);

/* Appends them to a file from now on. False when it cannot be written. */
bool trace_to_file(const char *path);

/* Keeps a finished call; takes over its args. Dropped when memory is short. */
void trace_keep(Call *call);

/* The records, and the counters, as JSON lines. */
void trace_read(Text *text);
void calls_read(Text *text);

/* Forgets all records. */
void trace_reset(void);

#endif
