/*
 * graves: freed ranges of memory, and who made and freed them.
 *
 * A ring: the newest are remembered, the oldest forgotten. Whoever owns a
 * ring guards it with a lock of its own.
 */
#ifndef FAKE_GRAVES_H
#define FAKE_GRAVES_H

#include <stddef.h>
#include <stdint.h>

#include "call/calls.h"

enum { GRAVES_KEPT = 1024 };

typedef struct Grave {
    uintptr_t start;
    size_t size;
    Origin made;
    Origin freed;
} Grave;

typedef struct Graves {
    Grave ring[GRAVES_KEPT];
    size_t dug;                 /* ever; the ring begins anew after the last */
} Graves;

/* Remembers a range that the running call frees. */
static inline void grave_dig(Graves *graves, uintptr_t start, size_t size,
                             Origin made)
{
    graves->ring[graves->dug++ % GRAVES_KEPT] =
        (Grave){start, size, made, call_origin()};
}

/* The youngest grave an address lies in, or NULL. */
static inline const Grave *grave_at(const Graves *graves, uintptr_t address)
{
    size_t kept = graves->dug < GRAVES_KEPT ? graves->dug : GRAVES_KEPT;

    for (size_t i = 1; i <= kept; i++) {
        const Grave *grave = &graves->ring[(graves->dug - i) % GRAVES_KEPT];
        if (address - grave->start < grave->size)
            return grave;
    }
    return NULL;
}

#endif
