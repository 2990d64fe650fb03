/*
 * An engine runs one graph in one call: ask for the thread's context and set
 * ours if it is another, take the engine's mutex, copy in, execute, copy out,
 * read the epoch, put the context back. Nothing is allocated on the way, and
 * the caller's pointers are not kept beyond the call.
 *
 *     ab_engine *e = ab_engine_new(gate, 1, id, ctx, 1, in, ...);
 *     int64_t epoch = ab_run_one(e, x, y);
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

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "device/stream.h"
#include "gate/claim.h"
#include "gate/gate.h"
#include "infer/ab_engine.h"
#include "infer/gear.h"
#include "infer/replicas.h"

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
    }
    for (size_t i = 0; i < outCount; i++) {
        engine->tensors[inCount + i] = out[i];
    }
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
static int64_t engine_compute(const ab_engine *e)
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
 * Copies in, names the gear (NULL: there is none), executes, copies out. 0 or
 * the failure of the first step.
 */
int64_t engine_execute(const ab_engine *e, const ab_gear *gear, const void *const *in,
                       void *const *out)
{
    const ab_tensor *tensor = e->tensors;
    aclError status;
    int64_t result;
    for (size_t i = 0; i < e->inCount; i++, tensor++) {
        status = aclrtMemcpy(tensor->device, tensor->nbytes, in[i], gear_in(gear, tensor, i),
                             e->toDevice);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_COPY_IN, i, status);
        }
    }
    result = gear_set(e->modelId, e->input, gear);
    if (result == 0) {
        result = engine_compute(e);
    }
    if (result != 0) {
        return result;
    }
    for (size_t i = 0; i < e->outCount; i++, tensor++) {
        size_t nbytes = gear_out(gear, tensor, i);
        status = aclrtMemcpy(out[i], nbytes, tensor->device, nbytes, e->fromDevice);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_COPY_OUT, i, status);
        }
    }
    return 0;
}

/* One inference, the engine's reader being taken. */
static int64_t engine_infer(const ab_engine *engine, const ab_gear *gear, const void *const *in,
                            void *const *out)
{
    ab_visit visit;
    int64_t result = gate_refusal(engine->gate);
    if (result == 0) {
        result = ab_context_enter(engine->context, &visit);
    }
    if (result != 0) {
        return result;
    }
    result = engine_execute(engine, gear, in, out);
    if (result == 0) {
        result = gate_answer(engine->gate);
    }
    ab_context_leave(&visit);
    return result;
}

/* Takes the engine for a run, or a free one of its replicas: the one it returns. */
ab_engine *engine_take(ab_engine *engine)
{
    if (engine->replicas != NULL) {
        engine = replicas_take(engine->replicas);
    }
    gate_enter(engine->gate, &engine->reader);
    return engine;
}

/* Ends engine_take. */
void engine_leave(ab_engine *engine)
{
    pthread_mutex_unlock(&engine->reader.mutex);
    if (engine->replicas != NULL) {
        replicas_give(engine->replicas, engine);
    }
}

/*
 * One inference in a gear (NULL: the graph has none): as many host arrays as
 * the graph has inputs and outputs, each of exactly its bytes. Blocks while a
 * commit runs or another thread uses this engine.
 */
int64_t ab_run_gear(ab_engine *engine, const ab_gear *gear, const void *const *in, void *const *out)
{
    int64_t result;
    if (gate_is_foreign(engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    engine = engine_take(engine);
    result = engine_infer(engine, gear, in, out);
    engine_leave(engine);
    return result;
}

/* ab_run_gear for a graph of one shape. */
int64_t ab_run(ab_engine *engine, const void *const *in, void *const *out)
{
    return ab_run_gear(engine, NULL, in, out);
}

/* ab_run for a graph of one input and one output. */
int64_t ab_run_one(ab_engine *engine, const void *in, void *out)
{
    return ab_run(engine, &in, &out);
}

/* ab_run with everything given beforehand. */
int64_t ab_run_plan(const ab_plan *plan)
{
    ab_engine *engine = plan->engine;
    int64_t result;
    if (gate_is_foreign(engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    engine = engine_take(engine);
    result = plan->closed ? failure(AB_STEP_CLOSED, 0, 0)
                          : engine_infer(engine, NULL, plan->in, plan->out);
    engine_leave(engine);
    return result;
}

/*
 * Refuses later runs of a plan. Waits for one that is under way, so that its
 * host arrays may go afterwards; with replicas the caller sees to that.
 */
void ab_plan_close(ab_plan *plan)
{
    ab_engine *engine = plan->engine;
    if (gate_is_foreign(engine->gate)) {
        return;
    }
    gate_enter(engine->gate, &engine->reader);
    plan->closed = 1;
    pthread_mutex_unlock(&engine->reader.mutex);
}
