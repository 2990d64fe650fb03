/*
 * live: what is alive, as its keepers list it.
 *
 * live_each() copies the keepers' lists and calls its visitor without any
 * lock.
 */
#ifndef FAKE_LIVE_H
#define FAKE_LIVE_H

#include "base/text.h"
#include "call/keepers.h"

/* Calls the visitor for everything alive, or as much as there is memory for. */
void live_each(LiveVisitor *visit, void *to);

/* Everything alive, as JSON lines. */
void live_read(Text *text);

/* Keeps a violation of severity "leak" for everything alive. */
void live_report_leaks(void);

#endif
