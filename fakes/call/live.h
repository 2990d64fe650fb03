/*
 * live: what is alive, as its keepers list it.
 *
 * Each keeper of living things (objects, device and host memory, models,
 * bundles, devices) calls a visitor once per thing, oldest first, under its
 * lock: that visitor takes no lock and calls nobody. live_each() copies the
 * lists and calls its own visitor without any lock.
 */
#ifndef FAKE_LIVE_H
#define FAKE_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "call/calls.h"

typedef struct Live {
    const char *kind;
    uint64_t handle;    /* pointer, address, id or device number */
    Origin origin;
    size_t size;        /* bytes; 0 where that says nothing */
} Live;

typedef void LiveVisitor(const Live *live, void *to);

/* Calls the visitor for everything alive, or as much as there is memory for. */
void live_each(LiveVisitor *visit, void *to);

/* Everything alive, as JSON lines. */
void live_read(Text *text);

/* Keeps a violation of severity "leak" for everything alive. */
void live_report_leaks(void);

#endif
