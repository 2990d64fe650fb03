/*
 * A runner runs one graph while its callers do something else. Its model id is a second
 * one, because a static model keeps to the way it was first executed. It has
 * a few slots; each has a stream, datasets, device memory and page-locked
 * host memory of its own, and holds one run at a time:
 *
 *     copy in, [wait until the run before has executed], execute, mark, copy out
 *
 * all on the slot's stream. So copies overlap the neighbours' execute, the
 * id never runs twice at once, and a stream's failure belongs to one run.
 * enqueue.c queues that; here is what becomes of it.
 *
 * A run that started is counted in the runner's reader until a thread has seen
 * its end. T1 wants the result (ab_request_wait), T2 commits (runner_collect):
 *
 *     1. T1 waits for the slot's stream; T2 needs the end of the same run
 *     2. T2 sees that T1 waits, and waits for T1, not for the stream
 *     3. T1 sees the end, notes the answer in the slot, and wakes T2
 *
 * For a stream tells a failure once: T2 would take it, and T1 would have a
 * result of a run that failed. Where T2 comes first, T1 waits in the same way.
 * The result stays in the slot until T1 fetches it.
 *
 * A run that is not over in time is given up: it is hung, and with it the
 * runner. Its slot is neither used nor freed, and nothing new starts,
 * until its stream says that it is done.
 */

#include "serve/runner.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "device/stream.h"
#include "gate/claim.h"
#include "gate/gate.h"
#include "infer/tensor.h"
#include "serve/ab_runner.h"

/* A run is over on the device; the mutex is held. */
static void slot_end(ab_runner *runner, slot *s, aclError status)
{
    if (status != ACL_SUCCESS && s->answer >= LOWEST_EPOCH) {
        s->answer = failure(AB_STEP_SYNCHRONIZE, 0, status);
    }
    runner->reader.running--;
    runner->reader.hung -= s->hung ? 1 : 0;
    if (runner->latest == s) {
        runner->latest = NULL;
    }
    runner->reader.held += s->dropped ? 0 : 1;
    s->state = s->dropped ? SLOT_FREE : SLOT_DONE;
    s->hung = s->dropped = 0;
    pthread_cond_broadcast(&runner->reader.changed);
}

/* Nobody needs a result any more; the mutex is held. */
void slot_free(ab_runner *runner, slot *s)
{
    s->state = SLOT_FREE;
    runner->reader.held--;
    pthread_cond_broadcast(&runner->reader.changed);
}

/* Gives a run up, for a reason that becomes its answer; the mutex is held. */
void slot_hang(ab_runner *runner, slot *s, int64_t reason)
{
    s->answer = reason;
    s->hung = 1;
    runner->reader.hung++;
    pthread_cond_broadcast(&runner->reader.changed);
}

/*
 * Waits for a run's stream, ms at most, without the mutex, which is held
 * before and after. Our context is current, and nobody else watches it.
 */
void slot_watch(ab_runner *runner, slot *s, int ms)
{
    aclError status;
    int done;
    s->watched = 1;
    pthread_mutex_unlock(&runner->reader.mutex);
    status = aclrtSynchronizeStreamWithTimeout(s->at.stream, ms);
    done = status == ACL_SUCCESS ||
           (status != ACL_ERROR_RT_STREAM_SYNC_TIMEOUT && stream_done(s->at.stream));
    pthread_mutex_lock(&runner->reader.mutex);
    s->watched = 0;
    if (done) {
        slot_end(runner, s, status);
    } else if (status != ACL_ERROR_RT_STREAM_SYNC_TIMEOUT && !s->hung) {
        slot_hang(runner, s, failure(AB_STEP_SYNCHRONIZE, 0, status));
    } else {
        pthread_cond_broadcast(&runner->reader.changed);
    }
}

/* Looks at runs that nobody waits for. Whether any has ended. */
static int runner_look(ab_runner *runner, const struct timespec *deadline)
{
    unsigned before = runner->reader.running;
    for (size_t i = 0; i < runner->count; i++) {
        slot *s = &runner->slots[i];
        int ms = deadline != NULL && !s->hung ? gate_left(deadline) : 0;
        if (s->state != SLOT_RUNNING || s->watched) {
            continue;
        }
        if (ms > 0) {
            slot_watch(runner, s, ms);
        } else if ((s->hung || s->dropped) && stream_drained(s->at.stream)) {
            slot_end(runner, s, ACL_SUCCESS);
        }
    }
    return runner->reader.running < before;
}

/* The reader's collect: see gate.h. */
static int runner_collect(reader *self, const struct timespec *deadline)
{
    ab_runner *runner = (ab_runner *)self;
    ab_visit visit;
    int ended;
    if (ab_context_enter(runner->context, &visit) != 0) {
        return 0;
    }
    ended = runner_look(runner, deadline);
    ab_context_leave(&visit);
    return ended;
}

/*
 * A runner without slots; NULL without memory. The gate frees it. graph: its
 * place in the file. onHost: the program runs beside the device, not on it.
 */
ab_runner *ab_runner_new(ab_gate *gate, size_t graph, uint32_t modelId, aclrtContext context,
                         int onHost, size_t inCount, size_t outCount)
{
    ab_runner *runner = calloc(1, sizeof *runner);
    if (runner == NULL) {
        return NULL;
    }
    runner->gate = gate;
    runner->context = context;
    runner->modelId = modelId;
    runner->toDevice = onHost ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE;
    runner->fromDevice = onHost ? ACL_MEMCPY_DEVICE_TO_HOST : ACL_MEMCPY_DEVICE_TO_DEVICE;
    runner->inCount = inCount;
    runner->outCount = outCount;
    runner->reader.graph = graph;
    runner->reader.collect = runner_collect;
    gate_add(gate, &runner->reader, 1);
    return runner;
}

/*
 * One more slot; what it points at is the caller's, and stays until the gate
 * is closed and nothing of the runner hangs. 0: there are AB_SLOTS_MAX.
 */
int ab_runner_add(ab_runner *runner, const ab_slot *at)
{
    int added;
    pthread_mutex_lock(&runner->reader.mutex);
    added = runner->count < AB_SLOTS_MAX;
    if (added) {
        for (size_t i = 0; i < runner->inCount + runner->outCount; i++) {
            tensor_reset(&at->tensors[i]);
        }
        runner->slots[runner->count++].at = *at;
        pthread_cond_broadcast(&runner->reader.changed);
    }
    pthread_mutex_unlock(&runner->reader.mutex);
    return added;
}

/*
 * Looks for a free slot; the mutex is held and the gate is open. 0, with the
 * slot, or without one when there is none; or the failure that forbids runs.
 */
static int64_t runner_find(ab_runner *runner, slot **found)
{
    runner_look(runner, NULL);
    if (runner->reader.hung > 0) {
        return failure(AB_STEP_HUNG, runner->reader.graph, 0);
    }
    for (size_t i = 0; i < runner->count; i++) {
        if (runner->slots[i].state == SLOT_FREE) {
            *found = &runner->slots[i];
            return 0;
        }
    }
    return 0;
}

/*
 * Takes the reader's mutex with a slot free, and enters our context: 0, and
 * runner_leave ends it. Else the mutex is not held, and the failure says why. A
 * closed bundle's context may be gone: it is not touched.
 */
int64_t runner_enter(ab_runner *runner, const struct timespec *deadline, slot **found,
                     ab_visit *visit)
{
    *found = NULL;
    for (;;) {
        int64_t result;
        if (!gate_enter_until(runner->gate, &runner->reader, deadline)) {
            return failure(AB_STEP_BUSY, 0, 0);
        }
        result = gate_refusal(runner->gate);
        if (result == 0) {
            result = ab_context_enter(runner->context, visit);
        }
        if (result == 0) {
            result = runner_find(runner, found);
            if (*found != NULL) {
                return 0;
            }
            ab_context_leave(visit);
        }
        if (result == 0 &&
            pthread_cond_timedwait(&runner->reader.changed, &runner->reader.mutex, deadline) != 0) {
            result = failure(AB_STEP_BUSY, 0, 0);
        }
        pthread_mutex_unlock(&runner->reader.mutex);
        if (result != 0) {
            return result;
        }
    }
}

/* Ends runner_enter. */
void runner_leave(ab_runner *runner, const ab_visit *visit)
{
    pthread_mutex_unlock(&runner->reader.mutex);
    ab_context_leave(visit);
}

/* Waits until a run could start: 0, or as ab_request_start. */
int64_t ab_runner_wait(ab_runner *runner, int waitMs)
{
    struct timespec deadline = gate_deadline(waitMs);
    ab_visit visit;
    slot *s;
    int64_t result;
    if (gate_is_foreign(runner->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = runner_enter(runner, &deadline, &s, &visit);
    if (result == 0) {
        runner_leave(runner, &visit);
    }
    return result;
}

/* How many runs were given up and are, even now, not over. */
int ab_runner_hung(ab_runner *runner)
{
    unsigned hung;
    if (gate_is_foreign(runner->gate)) {
        return 0;
    }
    pthread_mutex_lock(&runner->reader.mutex);
    if (runner->reader.hung > 0) {
        runner_collect(&runner->reader, NULL);
    }
    hung = runner->reader.hung;
    pthread_mutex_unlock(&runner->reader.mutex);
    return (int)hung;
}

/* Whether nothing is on the device, of what was given up neither. */
int ab_runner_idle(ab_runner *runner)
{
    unsigned running;
    if (gate_is_foreign(runner->gate)) {
        return 0;
    }
    pthread_mutex_lock(&runner->reader.mutex);
    runner_collect(&runner->reader, NULL);
    running = runner->reader.running;
    pthread_mutex_unlock(&runner->reader.mutex);
    return running == 0;
}
