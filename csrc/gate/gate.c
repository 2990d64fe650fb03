/*
 * The gate of one bundle. It keeps its readers, one for each engine and runner, the
 * epoch (how many commits have succeeded) and what the variables are worth.
 *
 * state and epoch are written only while the gate is shut (claim.c);
 * whoever holds a reader's mutex reads the two in step. Who writes the variables sets
 * GATE_WRITING first. A run that may still write them, or may have written a part, when
 * nobody brings them back any more, has left the state at GATE_POISONED.
 */

#include "gate/gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

static pthread_once_t gate_once = PTHREAD_ONCE_INIT;
atomic_uint gate_generation;

/* After fork: every gate made before it belongs to the parent. */
static void gate_forked(void)
{
    atomic_fetch_add(&gate_generation, 1);
}

static void gate_watch_fork(void)
{
    pthread_atfork(NULL, NULL, gate_forked);
}

/*
 * A new gate, or NULL without memory. defined: no variable waits for its
 * first value.
 */
ab_gate *ab_gate_new(int defined)
{
    ab_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return NULL;
    }
    pthread_once(&gate_once, gate_watch_fork);
    gate->generation = atomic_load(&gate_generation);
    gate->state = defined ? GATE_OPEN : GATE_UNDEFINED;
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->opened, NULL);
    return gate;
}

/*
 * Frees the gate and its engines. No call may be inside or still come. The
 * mutexes are left alone: in a forked child they may be held for ever.
 */
void ab_gate_free(ab_gate *gate)
{
    while (gate->owned != NULL) {
        reader *engine = gate->owned;
        gate->owned = engine->nextOwned;
        free(engine);
    }
    free(gate);
}

/*
 * Adds a reader, which the gate frees. reads: it shares the gate as
 * an inference does, and every commit waits for it; one that is under way
 * need not, for no run of it comes in before that commit's end.
 */
void gate_add(ab_gate *gate, reader *engine, int reads)
{
    pthread_mutex_init(&engine->mutex, NULL);
    pthread_cond_init(&engine->changed, NULL);
    pthread_mutex_lock(&gate->mutex);
    engine->nextOwned = gate->owned;
    gate->owned = engine;
    if (reads) {
        engine->nextReader = atomic_load(&gate->readers);
        atomic_store(&gate->readers, engine);
    }
    pthread_mutex_unlock(&gate->mutex);
}

/* Commits that have succeeded so far. This function cannot fail. */
int64_t ab_gate_epoch(ab_gate *gate)
{
    return (int64_t)atomic_load(&gate->epoch);
}

/* 0, or why this gate is of no use here: AB_STEP_FORKED or _CLOSED. */
int64_t ab_gate_check(ab_gate *gate)
{
    if (gate_is_foreign(gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    return gate->state == GATE_CLOSED ? failure(AB_STEP_CLOSED, 0, 0) : 0;
}

/* Whether a failed commit left the variables in an unknown state. */
int ab_gate_is_poisoned(ab_gate *gate)
{
    return gate->state == GATE_POISONED;
}

/* For who shut the gate: whether the variables may hold a part of what is written. */
int ab_gate_is_torn(ab_gate *gate)
{
    return gate->state == GATE_WRITING || gate->state == GATE_POISONED;
}

/*
 * Ends a commit, the gate being shut: what was written is the next epoch.
 * defines: every variable has a value now. Returns the answer for it.
 */
int64_t ab_gate_publish(ab_gate *gate, int defines)
{
    gate->state = defines ? GATE_OPEN : GATE_UNDEFINED;
    atomic_fetch_add(&gate->epoch, 1);
    return gate_answer(gate);
}

/* Ends a commit whose writes were all undone, the gate being shut. */
void ab_gate_revert(ab_gate *gate, int defined)
{
    gate->state = defined ? GATE_OPEN : GATE_UNDEFINED;
}
