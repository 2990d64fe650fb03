/*
 * trace: a record of every call, while the setting "trace" asks for it.
 *
 * Records are kept in memory until they are forgotten, or each is written to
 * a file as soon as its call ends, one line at once, so that a program which
 * is killed has told all it did.
 */
#ifndef FAKE_TRACE_H
#define FAKE_TRACE_H

#include "base/text.h"

/* The records, and the counters, as JSON lines. */
void trace_read(Text *text);
void calls_read(Text *text);

#endif
