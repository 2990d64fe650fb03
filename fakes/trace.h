/*
 * trace: a record of every call, kept while the setting "trace" is on.
 */
#ifndef FAKE_TRACE_H
#define FAKE_TRACE_H

#include <stdint.h>

#include "calls.h"
#include "text.h"

/* Monotonic nanoseconds, never 0. */
uint64_t trace_now(void);

/* Keeps a finished call; takes over its args. Dropped when memory is short. */
void trace_keep(Call *call);

/* The records, and the counters, as JSON lines. */
void trace_read(Text *text);
void calls_read(Text *text);

/* Forgets all records. */
void trace_reset(void);

#endif
