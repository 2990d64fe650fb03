/*
 * freed: ranges of memory that were freed, by which call, and made by which.
 *
 * The newest are remembered, the oldest forgotten. The owner of a Freed
 * guards it with a lock of its own.
 */
#ifndef FAKE_FREED_H
#define FAKE_FREED_H

#include <stddef.h>
#include <stdint.h>

#include "call/functions.h"

enum { FREED_KEPT = 1024 };

typedef struct FreedRange {
    uintptr_t start;
    size_t size;
    Origin made;
    Origin freed;
} FreedRange;

typedef struct Freed {
    FreedRange range[FREED_KEPT];
    size_t count;               /* ever; the newest replaces the oldest */
} Freed;

/* Remembers a range that the running call frees. */
void freed_add(Freed *freed, uintptr_t start, size_t size, Origin made);

/* The range around an address that was freed last, or NULL. */
const FreedRange *freed_at(const Freed *freed, uintptr_t address);

/* Forgets all ranges. */
void freed_clear(Freed *freed);

#endif
