/*
 * A request is one run of a runner, from the caller's side. Its start takes a
 * free slot, copies the inputs into it and queues everything. Its wait sees the
 * end, and copies the outputs to the caller's arrays. In between the caller may
 * do what he likes, or drop the request. Arrays on the device are copied
 * neither way; they are the run's until it is over, dropped or not.
 */

#include "serve/ab_request.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "device/stream.h"
#include "gate/claim.h"
#include "gate/gate.h"
#include "serve/enqueue.h"
#include "serve/runner.h"

enum { DRAIN_MS = 1000 };

/*
 * A run of which only a part could be queued: waits for that part, or else
 * gives the run up. The mutex is held.
 */
static void slot_drain(ab_runner *runner, slot *s)
{
    aclError status = aclrtSynchronizeStreamWithTimeout(s->at.stream, DRAIN_MS);
    if (status != ACL_SUCCESS && !stream_done(s->at.stream)) {
        s->state = SLOT_RUNNING;
        s->dropped = 1;
        runner->reader.running++;
        slot_hang(runner, s, failure(AB_STEP_SYNCHRONIZE, 0, status));
    }
}

/* Begins a run in a free slot; the mutex is held. */
static int64_t request_fill(ab_request *request, slot *s)
{
    ab_runner *runner = request->runner;
    int64_t result;
    for (size_t i = 0; i < runner->inCount; i++) {
        if (!request->run->in[i].onDevice) {
            memcpy(s->at.host[i], request->run->in[i].data, request->run->in[i].nbytes);
        }
    }
    result = slot_enqueue(runner, s, request->run);
    if (result != 0) {
        slot_drain(runner, s);
        return result;
    }
    s->answer = gate_answer(runner->gate);
    s->state = SLOT_RUNNING;
    runner->reader.running++;
    runner->latest = s;
    request->slot = (size_t)(s - runner->slots) + 1;
    return s->answer;
}

/*
 * Sees the end of a run that is on the device, or the deadline; the mutex is
 * held, and our context is current. 0: the slot is done. Else the answer;
 * a run that was given up is nobody's any more.
 */
static int64_t request_watch(ab_request *request, slot *s, const struct timespec *deadline)
{
    ab_runner *runner = request->runner;
    while (s->state == SLOT_RUNNING && !s->hung) {
        int ms = gate_left(deadline);
        if (ms == 0 && !request->last) {
            return failure(AB_STEP_RUNNING, 0, 0);
        }
        if (ms == 0) {
            slot_hang(runner, s, failure(AB_STEP_SYNCHRONIZE, 0, ACL_ERROR_RT_STREAM_SYNC_TIMEOUT));
        } else if (s->watched) {
            pthread_cond_timedwait(&runner->reader.changed, &runner->reader.mutex, deadline);
        } else {
            slot_watch(runner, s, ms);
        }
    }
    if (s->state == SLOT_DONE) {
        return 0;
    }
    s->dropped = 1;
    request->slot = 0;
    return s->answer;
}

/*
 * Begins to copy a result that is there; the mutex is held.
 * When the bundle is closed its memory may be gone, and the result is lost.
 */
static int64_t request_take(ab_request *request, slot *s)
{
    int64_t closed = ab_gate_check(request->runner->gate);
    if (closed != 0) {
        request->slot = 0;
        slot_free(request->runner, s);
        return closed;
    }
    request->runner->reader.copying++;
    return 0;
}

/* Fetches the result that request_take took, and frees its slot. */
static int64_t request_fetch(ab_request *request, slot *s)
{
    ab_runner *runner = request->runner;
    int64_t answer = s->answer;
    for (size_t i = 0; answer >= LOWEST_EPOCH && i < runner->outCount; i++) {
        if (!request->run->out[i].onDevice) {
            memcpy(request->run->out[i].data, s->at.host[runner->inCount + i],
                   request->run->out[i].nbytes);
        }
    }
    pthread_mutex_lock(&runner->reader.mutex);
    runner->reader.copying--;
    slot_free(runner, s);
    pthread_mutex_unlock(&runner->reader.mutex);
    request->slot = 0;
    return answer;
}

/* request_watch, in our context; only a run on the device needs it. */
static int64_t request_visit(ab_request *request, slot *s, const struct timespec *deadline)
{
    ab_visit visit;
    int64_t result = ab_context_enter(request->runner->context, &visit);
    if (result == 0) {
        result = request_watch(request, s, deadline);
        ab_context_leave(&visit);
    }
    return result;
}

/* ab_request_wait, until a time. */
static int64_t request_wait(ab_request *request, const struct timespec *deadline)
{
    ab_runner *runner = request->runner;
    slot *s = &runner->slots[request->slot - 1];
    int64_t result = 0;
    pthread_mutex_lock(&runner->reader.mutex);
    if (s->state == SLOT_RUNNING) {
        result = request_visit(request, s, deadline);
    }
    if (result == 0) {
        result = request_take(request, s);
    }
    pthread_mutex_unlock(&runner->reader.mutex);
    return result == 0 ? request_fetch(request, s) : result;
}

/* ab_request_start, until a time. */
static int64_t request_start(ab_request *request, const struct timespec *deadline)
{
    ab_visit visit;
    slot *s;
    int64_t result = runner_enter(request->runner, deadline, &s, &visit);
    if (result == 0) {
        result = request_fill(request, s);
        runner_leave(request->runner, &visit);
    }
    return result;
}

/*
 * Copies the inputs to page-locked memory, and queues a run. Answers with the
 * epoch it reads, and the request has a slot; or with a failure, and it has
 * none. Waits waitMs at most for a commit and for a slot: AB_STEP_BUSY.
 * AB_STEP_HUNG, with the graph's place: a run that was given up goes on.
 */
int64_t ab_request_start(ab_request *request)
{
    struct timespec deadline = gate_deadline(request->waitMs);
    return gate_is_foreign(request->runner->gate) ? failure(AB_STEP_FORKED, 0, 0)
                                                  : request_start(request, &deadline);
}

/*
 * Waits waitMs for the end of a started run, and copies its outputs to the
 * host arrays. Answers with the epoch that it read, or a failure; the request
 * has no slot any more. When it is not over: AB_STEP_RUNNING; or, if this was
 * the last wait, the run is given up, with AB_STEP_SYNCHRONIZE.
 */
int64_t ab_request_wait(ab_request *request)
{
    struct timespec deadline = gate_deadline(request->waitMs);
    return gate_is_foreign(request->runner->gate) ? failure(AB_STEP_FORKED, 0, 0)
                                                  : request_wait(request, &deadline);
}

/* ab_request_start and ab_request_wait, in waitMs together. */
int64_t ab_request_run(ab_request *request)
{
    struct timespec deadline = gate_deadline(request->waitMs);
    int64_t result;
    if (gate_is_foreign(request->runner->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = request_start(request, &deadline);
    return request->slot != 0 ? request_wait(request, &deadline) : result;
}

/* Nobody wants the result any more. A request without a slot is nothing. */
void ab_request_drop(ab_request *request)
{
    ab_runner *runner = request->runner;
    slot *s;
    if (request->slot == 0 || gate_is_foreign(runner->gate)) {
        return;
    }
    s = &runner->slots[request->slot - 1];
    request->slot = 0;
    pthread_mutex_lock(&runner->reader.mutex);
    if (s->state == SLOT_RUNNING) {
        s->dropped = 1;
    } else {
        slot_free(runner, s);
    }
    pthread_cond_broadcast(&runner->reader.changed);
    pthread_mutex_unlock(&runner->reader.mutex);
}
