/* The gate and its readers, for the files whose runs pass it. */
#ifndef AB_GATE_H
#define AB_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "acl/acl_types.h"
#include "gate/ab_gate.h"

/* Answers below this are failures: see gate/ab_gate.h. */
static const int64_t LOWEST_EPOCH = -(INT64_C(1) << AB_STEP_SHIFT);

enum gate_shut { GATE_CLAIMED = 1, GATE_HELD = 2 };

/* GATE_WRITING: a commit writes the variables just now, and nobody else comes past the gate. */
enum gate_state { GATE_OPEN, GATE_UNDEFINED, GATE_WRITING, GATE_POISONED, GATE_CLOSED };

/*
 * A reader of the variables: the first member of every engine and runner. The mutex
 * is held for as long as a run takes, or to count one that goes on behind it.
 * collect looks for the end of runs that nobody waits for, until the deadline
 * (NULL: only looks), and says whether any of them ended; the mutex is held.
 */
typedef struct reader {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned running;
    unsigned hung;    /* of these, given up */
    unsigned held;    /* runs that are over, whose outputs nobody has yet */
    unsigned copying; /* of these, being copied just now */
    size_t graph;     /* its place in the file, for messages */
    int (*collect)(struct reader *self, const struct timespec *deadline);
    struct reader *nextReader;
    struct reader *nextOwned;
} reader;

struct ab_gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    atomic_int shut;  /* why inferences wait: GATE_CLAIMED, GATE_HELD; 0: they do not */
    atomic_ullong holder; /* the thread of the hold, while there is one */
    atomic_llong epoch;
    _Atomic enum gate_state state;
    unsigned generation;
    _Atomic(reader *) readers;
    reader *owned;
};

/* How many forks this process is away from the first that loaded the shim. */
extern atomic_uint gate_generation;

/* The answer for a failure; see gate/ab_gate.h. This function cannot fail. */
static inline int64_t failure(enum ab_step step, size_t index, aclError status)
{
    return -(int64_t)((uint64_t)index << AB_INDEX_SHIFT | (uint64_t)step << AB_STEP_SHIFT |
                      (uint32_t)status);
}

/* Whether the gate was made before a fork, by the parent. */
static inline int gate_is_foreign(const ab_gate *gate)
{
    return gate->generation != atomic_load(&gate_generation);
}

/* Whether an engine may run now: 0, or the failure that says why not. */
static inline int64_t gate_refusal(const ab_gate *gate)
{
    enum gate_state state = gate->state;
    switch (state) {
    case GATE_CLOSED:
        return failure(AB_STEP_CLOSED, 0, 0);
    case GATE_WRITING:
    case GATE_POISONED:
        return failure(AB_STEP_POISONED, 0, 0);
    default:
        return 0;
    }
}

/* The answer for a success: the epoch, marked while a variable is unset. */
static inline int64_t gate_answer(ab_gate *gate)
{
    int64_t epoch = (int64_t)atomic_load(&gate->epoch);
    return gate->state == GATE_UNDEFINED ? -1 - epoch : epoch;
}

void gate_add(ab_gate *gate, reader *engine, int reads);

#endif
