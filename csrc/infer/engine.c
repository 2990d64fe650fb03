/*
 * An engine is one executable graph: a model id with datasets, and the places
 * of its tensors on the device. A run takes it, and gives it back (run.c).
 *
 * Engines belong to their gate and are freed with it. The init and update
 * engines do not read: they run in commits alone (update/commit.c). Such an
 * engine may have a stream: it then gives a device that does not come to an
 * end up after timeoutMs.
 *
 * Engines of one graph that is loaded several times are replicas; a run takes
 * whichever is free (replicas.c).
 */

#include "infer/engine.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "device/stream.h"
#include "gate/claim.h"
#include "gate/gate.h"
#include "infer/ab_engine.h"
#include "infer/line.h"
#include "infer/replicas.h"
#include "infer/tensor.h"

enum { WAIT_MS = 100 };

/*
 * An engine over datasets and tensors that the caller keeps alive until the
 * gate is closed; NULL without memory. reads: it belongs on the gate's list.
 * onHost: the program runs beside the device, not on it.
 */
ab_engine *ab_engine_new(ab_gate *gate, int reads, uint32_t modelId, aclrtContext context,
                         int onHost, const aclmdlDataset *input, const ab_tensor *in,
                         size_t inCount, aclmdlDataset *output, const ab_tensor *out,
                         size_t outCount)
{
    ab_engine *engine = calloc(1, sizeof *engine + (inCount + outCount) * sizeof(ab_tensor));
    if (engine == NULL) {
        return NULL;
    }
    engine->gate = gate;
    engine->context = context;
    engine->modelId = modelId;
    engine->toDevice = onHost ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE;
    engine->fromDevice = onHost ? ACL_MEMCPY_DEVICE_TO_HOST : ACL_MEMCPY_DEVICE_TO_DEVICE;
    engine->input = input;
    engine->output = output;
    engine->inCount = inCount;
    engine->outCount = outCount;
    for (size_t i = 0; i < inCount; i++) {
        engine->tensors[i] = in[i];
        tensor_reset(&engine->tensors[i]);
    }
    for (size_t i = 0; i < outCount; i++) {
        engine->tensors[inCount + i] = out[i];
        tensor_reset(&engine->tensors[inCount + i]);
    }
    engine->line = &engine->ownLine;
    line_open(engine->line);
    gate_add(gate, &engine->reader, reads);
    return engine;
}

/*
 * Makes replicas of engines of one gate: from now on a run of any of them is a
 * run of whichever is free. 0: there is no memory.
 */
int ab_engine_join(ab_gate *gate, size_t count, ab_engine *const *engines)
{
    replicas *shared = replicas_new(gate, count, engines);
    for (size_t i = 0; shared != NULL && i < count; i++) {
        engines[i]->replicas = shared;
        engines[i]->line = &engines[0]->ownLine;
    }
    return shared != NULL;
}

/* A failure on the engine's stream, which is asked whether it is done. */
static int64_t engine_failed_async(const ab_engine *e, enum ab_step step, aclError status)
{
    int done = status != ACL_ERROR_RT_STREAM_SYNC_TIMEOUT && stream_done(e->stream);
    return failure(step, !done, status);
}

/*
 * Executes on the engine's stream. A failure with index 1 leaves the device
 * at work, as far as the stream tells: an execute that was refused, too, may
 * have begun a part of the graph.
 */
static int64_t engine_compute_async(const ab_engine *e)
{
    aclError status = aclmdlExecuteAsync(e->modelId, e->input, e->output, e->stream);
    if (status != ACL_SUCCESS) {
        return engine_failed_async(e, AB_STEP_EXECUTE_ASYNC, status);
    }
    status = aclrtSynchronizeStreamWithTimeout(e->stream, e->timeoutMs);
    return status == ACL_SUCCESS ? 0 : engine_failed_async(e, AB_STEP_SYNCHRONIZE, status);
}

/* Executes. 0 or the failure. */
int64_t engine_compute(const ab_engine *e)
{
    aclError status;
    if (e->stream != NULL) {
        return engine_compute_async(e);
    }
    status = aclmdlExecute(e->modelId, e->input, e->output);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_EXECUTE, 0, status);
}

/*
 * Lets an engine that writes execute on a stream of the caller's, for at most
 * timeoutMs, more than 0. Its model id was not executed synchronously.
 */
void ab_engine_time(ab_engine *engine, aclrtStream stream, int timeoutMs)
{
    engine->stream = stream;
    engine->timeoutMs = timeoutMs;
}

/* Whether the device has come to the end of what the engine gave up. */
int ab_engine_drained(const ab_engine *engine)
{
    ab_visit visit;
    int done;
    if (gate_is_foreign(engine->gate) || ab_context_enter(engine->context, &visit) != 0) {
        return 0;
    }
    done = stream_drained(engine->stream);
    ab_context_leave(&visit);
    return done;
}

/*
 * Takes the engine, or a free one of its replicas; waits until the deadline, or with NULL
 * not at all. NULL: none could be had.
 */
static ab_engine *engine_try(ab_engine *engine, const struct timespec *deadline)
{
    replicas *shared = engine->replicas;
    ab_engine *taken = shared != NULL ? replicas_take(shared, deadline) : engine;
    if (taken != NULL &&
        (deadline != NULL ? !gate_enter_until(taken->gate, &taken->reader, deadline)
                          : !gate_try(taken->gate, &taken->reader))) {
        if (shared != NULL) {
            replicas_give(shared, taken);
        }
        return NULL;
    }
    return taken;
}

/* As engine_try, behind those who came before, until WAIT_MS have passed. */
static ab_engine *engine_wait(ab_engine *engine, waiter *w)
{
    struct timespec deadline = gate_deadline(WAIT_MS);
    ab_engine *taken;
    if (!line_stand(engine->line, w, &deadline)) {
        return NULL;
    }
    taken = engine_try(engine, &deadline);
    if (taken != NULL) {
        line_leave(engine->line, w);
    } else {
        deadline = gate_deadline(WAIT_MS);
        line_step_aside(engine->line, &deadline);
    }
    return taken;
}

/* Ends a wait for the engine that shall not be taken. */
void engine_forgo(const ab_engine *engine, waiter *w)
{
    line_leave(engine->line, w);
}

/*
 * Takes the engine for a run, or a free one of its replicas, which it becomes: 0. Takes
 * none where this thread holds the gate, and would wait for itself: AB_STEP_HELD. AB_STEP_BUSY:
 * none was to be had in WAIT_MS; call again, or engine_forgo. Between the calls *w keeps the
 * place among those who wait.
 */
int64_t engine_take(ab_engine **engine, waiter *w)
{
    ab_gate *gate = (*engine)->gate;
    ab_engine *taken;
    if ((atomic_load_explicit(&gate->shut, memory_order_acquire) & GATE_HELD) &&
        gate_is_own(gate)) {
        engine_forgo(*engine, w);
        return failure(AB_STEP_HELD, 0, 0);
    }
    taken = w->ticket == 0 ? engine_try(*engine, NULL) : NULL;
    if (taken == NULL) {
        taken = engine_wait(*engine, w);
    }
    if (taken == NULL) {
        return failure(AB_STEP_BUSY, 0, 0);
    }
    *engine = taken;
    return 0;
}

/* Ends engine_take. */
void engine_leave(ab_engine *engine)
{
    pthread_mutex_unlock(&engine->reader.mutex);
    if (engine->replicas != NULL) {
        replicas_give(engine->replicas, engine);
    }
}
