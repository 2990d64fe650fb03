/*
 * keepers: what is alive, and how everything is forgotten.
 *
 * Each part that keeps state names how it forgets it, and what of it lives:
 *
 *     KEEPER(KEEPER_OBJECTS, objects_reset, objects_live)
 */
#ifndef FAKE_KEEPERS_H
#define FAKE_KEEPERS_H

#include <stddef.h>
#include <stdint.h>

#include "call/functions.h"

typedef struct Live {
    const char *kind;
    uint64_t handle;    /* pointer, address, id or device number */
    Origin origin;
    size_t size;        /* bytes; 0 where that says nothing */
} Live;

typedef void LiveVisitor(const Live *live, void *to);

/*
 * From the bottom up: in this order the living are listed, and in the other
 * one all is forgotten. Streams go first: they use everything. Models are
 * next: they hold memory and variables.
 */
typedef enum KeeperId {
    KEEPER_CALLS,
    KEEPER_MESSAGES,
    KEEPER_TALLY,
    KEEPER_FORK,
    KEEPER_REFUSALS,
    KEEPER_VIOLATIONS,
    KEEPER_PLACES,
    KEEPER_TRACE,
    KEEPER_FAULTS,
    KEEPER_DEVICES,
    KEEPER_PEERS,
    KEEPER_OBJECTS,
    KEEPER_DEVICE_MEMORY,
    KEEPER_CLOSED_KEYS,
    KEEPER_EXPORTS,
    KEEPER_IMPORTS,
    KEEPER_HOST_MEMORY,
    KEEPER_HOST_OWNERS,
    KEEPER_INITIALISED,
    KEEPER_INIT,
    KEEPER_DUMP,
    KEEPER_FUNCTIONS,           /* of callback programs */
    KEEPER_PROFILER,
    KEEPER_STAMPS,
    KEEPER_RANGES,
    KEEPER_NAMES,
    KEEPER_SUBSCRIPTIONS,
    KEEPER_OP_NAMES,
    KEEPER_BUNDLES,
    KEEPER_MODELS,
    KEEPER_EXECUTIONS,
    KEEPER_EXCEPTIONS,
    KEEPER_CALLBACKS,
    KEEPER_STREAMS,
    KEEPER_COUNT
} KeeperId;

/*
 * reset forgets all of it; no other thread is inside the library. live, which
 * may be NULL, calls a visitor once for each thing that is alive, oldest
 * first, under the keeper's lock: that visitor takes no lock and calls no
 * keeper.
 */
typedef struct Keeper {
    void (*reset)(void);
    void (*live)(LiveVisitor *visit, void *to);
} Keeper;

/* Names a keeper, before the library begins. */
#define KEEPER(id, reset, live) \
    __attribute__((constructor(101))) static void keep_##id(void) \
    { \
        keepers_add(id, (Keeper){reset, live}); \
    }

/* What the macro calls. */
void keepers_add(KeeperId id, Keeper keeper);

/* Lets every keeper list what is alive. */
void keepers_live(LiveVisitor *visit, void *to);

/* Lets every keeper forget everything. */
void keepers_reset(void);

#endif
