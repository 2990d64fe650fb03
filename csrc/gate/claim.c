/*
 * How the gate is shut. `shut` has the claim of the one commit that waits or
 * runs, and the hold. T1 infers, T2 commits:
 *
 *     1. T1 takes its reader's mutex, sees no claim, and runs
 *     2. T2 sets the claim
 *     3. T2 waits for the mutex of T1's reader
 *     4. T1 ends its run and leaves the mutex
 *     5. T2 has the mutex once, finds no run under way, and leaves it
 *     6. T1 takes the mutex again, sees the claim, leaves the mutex, and waits
 *        on `opened`
 *
 * After step 5 of every reader the gate is shut: nothing reads the variables
 * until T2 drops the claim. A run that begins between 2 and 5 sees the claim,
 * so a stream of inferences cannot keep a commit out. No thread holds a shut
 * gate, so a commit may be several calls.
 *
 * A hold is a claim that outlasts commits: its owner keeps inferences out until
 * ab_gate_release, and commits meanwhile; that nobody else does is the caller's to see.
 *
 * A commit that still finds a run after its wait goes back to its caller with
 * AB_STEP_BUSY and keeps its claim: the caller calls again, or retracts. A run
 * that was given up may never end: a commit that finds such a run fails at
 * once with AB_STEP_HUNG.
 */

#include "gate/claim.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "gate/ab_gate.h"
#include "gate/gate.h"

enum { WAIT_MS = 100 };

static atomic_ullong gate_threads;
static _Thread_local uint64_t gate_thread;

/* A number that this thread has and no other, not even one after its end. */
static uint64_t gate_self(void)
{
    if (gate_thread == 0) {
        gate_thread = atomic_fetch_add(&gate_threads, 1) + 1;
    }
    return gate_thread;
}

/* Takes away what keeps inferences out: GATE_CLAIMED, GATE_HELD or both. */
static void gate_open(ab_gate *gate, int what)
{
    pthread_mutex_lock(&gate->mutex);
    atomic_fetch_and(&gate->shut, ~what);
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

/*
 * Lets inferences in again after a commit or a claim, unless the gate is held. What was
 * written and neither published nor reverted is a mixture: GATE_POISONED.
 */
void ab_gate_retract(ab_gate *gate)
{
    if (gate_is_foreign(gate)) {
        return;
    }
    if (gate->state == GATE_WRITING) {
        gate->state = GATE_POISONED;
    }
    gate_open(gate, GATE_CLAIMED);
}

/* The time in so many milliseconds. */
struct timespec gate_deadline(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* Milliseconds until a deadline, rounded up; 0 when it has come. */
int gate_left(const struct timespec *deadline)
{
    struct timespec now;
    int64_t ns;
    clock_gettime(CLOCK_REALTIME, &now);
    ns = (int64_t)(deadline->tv_sec - now.tv_sec) * 1000000000 + (deadline->tv_nsec - now.tv_nsec);
    ns = (ns + 999999) / 1000000;
    return ns <= 0 ? 0 : ns > INT32_MAX ? INT32_MAX : (int)ns;
}

/*
 * Waits until a reader has no run but those given up, or the deadline. 0, or
 * AB_STEP_BUSY; *hung counts the runs given up.
 */
static int64_t gate_idle(reader *s, const struct timespec *deadline, unsigned *hung)
{
    int status = pthread_mutex_timedlock(&s->mutex, deadline);
    if (status != 0) {
        return failure(AB_STEP_BUSY, 0, 0);
    }
    if (s->hung > 0) {
        s->collect(s, NULL);
    }
    while (s->running > s->hung && status == 0) {
        if (s->collect == NULL || !s->collect(s, deadline)) {
            status = pthread_cond_timedwait(&s->changed, &s->mutex, deadline);
        }
    }
    *hung = s->hung;
    status = s->running > s->hung;
    pthread_mutex_unlock(&s->mutex);
    return status ? failure(AB_STEP_BUSY, 0, 0) : 0;
}

/* Claims the gate and waits for what runs. past: also past runs given up. */
static int64_t gate_claim(ab_gate *gate, int waitMs, int past)
{
    struct timespec deadline;
    if (gate_is_foreign(gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    atomic_fetch_or(&gate->shut, GATE_CLAIMED);
    deadline = gate_deadline(waitMs < WAIT_MS ? waitMs : WAIT_MS);
    for (reader *s = atomic_load(&gate->readers); s != NULL; s = s->nextReader) {
        unsigned hung = 0;
        int64_t busy = gate_idle(s, &deadline, &hung);
        if (hung > 0 && !past) {
            ab_gate_retract(gate);
            return failure(AB_STEP_HUNG, s->graph, 0);
        }
        if (busy != 0) {
            return busy;
        }
    }
    return 0;
}

/*
 * Claims the gate and waits for what runs, up to waitMs (at most WAIT_MS). 0:
 * it is shut until ab_gate_retract. AB_STEP_BUSY: something runs still, and
 * the claim is kept. AB_STEP_HUNG, with the graph's place as index: a run was
 * given up and still reads the variables; the claim is dropped. One writer at
 * a time: the caller sees to it.
 */
int64_t ab_gate_shut(ab_gate *gate, int waitMs)
{
    return gate_claim(gate, waitMs, 0);
}

/*
 * As ab_gate_shut; the gate then stays shut until ab_gate_release, whatever commits.
 * This thread owns the hold: an inference of its own would wait for itself.
 */
int64_t ab_gate_hold(ab_gate *gate, int waitMs)
{
    int64_t result = gate_claim(gate, waitMs, 0);
    if (result == 0) {
        atomic_store(&gate->holder, gate_self());
        atomic_store(&gate->shut, GATE_HELD);
    }
    return result;
}

/* Ends a hold, from any thread; a commit under way keeps the gate shut until its own end. */
void ab_gate_release(ab_gate *gate)
{
    if (!gate_is_foreign(gate)) {
        gate_open(gate, GATE_HELD);
    }
}

/* Whether the gate, which is held, is held by this thread. */
int gate_is_own(ab_gate *gate)
{
    return atomic_load(&gate->holder) == gate_self();
}

/* Takes one reader's mutex while the gate is open, if nothing is in the way. Whether it did. */
int gate_try(ab_gate *gate, reader *engine)
{
    if (atomic_load_explicit(&gate->shut, memory_order_acquire) ||
        pthread_mutex_trylock(&engine->mutex) != 0) {
        return 0;
    }
    if (!atomic_load(&gate->shut)) {
        return 1;
    }
    pthread_mutex_unlock(&engine->mutex);
    return 0;
}

/* As gate_try, but waits for both until the deadline. Whether the mutex is held. */
int gate_enter_until(ab_gate *gate, reader *engine, const struct timespec *deadline)
{
    for (;;) {
        int status = 0;
        pthread_mutex_lock(&gate->mutex);
        while (atomic_load(&gate->shut) && status == 0) {
            status = pthread_cond_timedwait(&gate->opened, &gate->mutex, deadline);
        }
        status = atomic_load(&gate->shut);
        pthread_mutex_unlock(&gate->mutex);
        if (status || pthread_mutex_timedlock(&engine->mutex, deadline)) {
            return 0;
        }
        if (!atomic_load(&gate->shut)) {
            return 1;
        }
        pthread_mutex_unlock(&engine->mutex);
    }
}

/* Waits for those who come for outputs that are there, for a moment. */
static void gate_hand_over(ab_gate *gate)
{
    struct timespec deadline = gate_deadline(WAIT_MS);
    for (reader *s = atomic_load(&gate->readers); s != NULL; s = s->nextReader) {
        int status = 0;
        pthread_mutex_lock(&s->mutex);
        while (s->held > 0 && status == 0) {
            status = pthread_cond_timedwait(&s->changed, &s->mutex, &deadline);
        }
        pthread_mutex_unlock(&s->mutex);
    }
}

/* Waits until nobody copies outputs; nobody begins to, the gate is closed. */
static void gate_let_go(ab_gate *gate)
{
    for (reader *s = atomic_load(&gate->readers); s != NULL; s = s->nextReader) {
        pthread_mutex_lock(&s->mutex);
        while (s->copying > 0) {
            pthread_cond_wait(&s->changed, &s->mutex);
        }
        pthread_mutex_unlock(&s->mutex);
    }
}

/*
 * Waits for running inferences, but not for those given up, and refuses all
 * later ones. Outputs that nobody fetches within WAIT_MS are lost; the caller
 * himself may be who does not, in a signal's handler. Returns 0, or
 * AB_STEP_BUSY (call again). A forked child closes at once: nothing of its
 * parent runs here.
 */
int64_t ab_gate_close(ab_gate *gate)
{
    int64_t busy;
    if (gate_is_foreign(gate)) {
        return 0;
    }
    busy = gate_claim(gate, WAIT_MS, 1);
    if (busy != 0) {
        return busy;
    }
    gate_hand_over(gate);
    gate->state = GATE_CLOSED;
    gate_let_go(gate);
    gate_open(gate, GATE_CLAIMED | GATE_HELD);
    return 0;
}
