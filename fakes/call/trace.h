/*
 * trace: a record of every call and of every task of a stream, while the
 * setting "trace" asks for it.
 *
 * Records are kept in memory until they are forgotten, or each is written to
 * a file as soon as its call ends, one line at once, so that a program which
 * is killed has told all it did.
 */
#ifndef FAKE_TRACE_H
#define FAKE_TRACE_H

#include "base/text.h"

/* The records of calls, those of tasks and marks, and the counters, as JSON lines. */
void trace_read(Text *text);
void tasks_read(Text *text);
void calls_read(Text *text);

#endif
