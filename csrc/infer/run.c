/*
 * A run is one call: take the engine's mutex, set our context if the thread
 * has another, copy in, execute, copy out, read the epoch, put the context
 * back. In a graph of one shape or with gears nothing is allocated on the
 * way. The arrays are the caller's, and are not kept beyond the call.
 */

#include "infer/run.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "acl/pointers.h"
#include "gate/claim.h"
#include "infer/engine.h"
#include "gate/gate.h"
#include "infer/ab_run.h"
#include "infer/gear.h"
#include "infer/line.h"
#include "infer/shapes.h"
#include "infer/tensor.h"
#include "device/ab_context.h"
#include "device/ab_status.h"

/* Copies the inputs to the device, but for those that are there. 0 or the first failure. */
static int64_t run_copy_in(const ab_engine *e, const ab_run *run)
{
    for (size_t i = 0; i < e->inCount; i++) {
        const ab_tensor *tensor = &e->tensors[i];
        aclError status = run->in[i].onDevice
                              ? ACL_SUCCESS
                              : aclrtMemcpy(tensor->device, tensor->nbytes, run->in[i].data,
                                            run->in[i].nbytes, e->toDevice);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_COPY_IN, i, status);
        }
    }
    return 0;
}

/* Copies the outputs to the host, but for those that stay. 0 or the first failure. */
static int64_t run_copy_out(const ab_engine *e, const ab_run *run)
{
    for (size_t i = 0; i < e->outCount; i++) {
        const ab_array *out = &run->out[i];
        aclError status =
            out->onDevice ? ACL_SUCCESS
                          : aclrtMemcpy(out->data, out->nbytes, e->tensors[e->inCount + i].device,
                                        out->nbytes, e->fromDevice);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_COPY_OUT, i, status);
        }
    }
    return 0;
}

/* Copies in, names the gear, executes, copies out. 0 or the first failure. */
static int64_t run_execute(ab_engine *e, const ab_run *run)
{
    int64_t result = tensors_point(e->tensors, run->in, e->inCount);
    if (result == 0) {
        result = tensors_point(e->tensors + e->inCount, run->out, e->outCount);
    }
    if (result == 0) {
        result = run_copy_in(e, run);
    }
    if (result == 0) {
        result = gear_set(e->modelId, e->input, run->gear);
    }
    if (result == 0) {
        result = engine_compute(e);
    }
    return result == 0 ? run_copy_out(e, run) : result;
}

/* One inference, the engine being taken. */
static int64_t run_infer(ab_engine *e, const ab_run *run)
{
    ab_visit visit;
    int64_t result = gate_refusal(e->gate);
    if (result == 0) {
        result = ab_context_enter(e->context, &visit);
    }
    if (result != 0) {
        return result;
    }
    result = e->shapes != NULL ? shapes_execute(e->shapes, run) : run_execute(e, run);
    if (result == 0) {
        result = gate_answer(e->gate);
    }
    ab_context_leave(&visit);
    return result;
}

/*
 * One inference; the answer is as gate.h has it. Waits while a commit runs or
 * other threads use this engine and all its replicas: AB_STEP_BUSY as engine_take has it.
 * In a dynamic graph run->made has data on success, and none after a failure.
 */
int64_t engine_run(ab_engine *engine, const ab_run *run, waiter *w)
{
    int64_t result;
    if (gate_is_foreign(engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = engine_take(&engine, w);
    if (result == 0) {
        result = run_infer(engine, run);
        engine_leave(engine);
    }
    return result;
}

/* Whether a plan is closed; its caller may close it beside a run that waits. */
static int plan_is_closed(const ab_plan *plan)
{
    return __atomic_load_n(&plan->closed, __ATOMIC_SEQ_CST);
}

/* Runs a plan, an engine being taken. */
static int64_t plan_infer(ab_plan *plan, ab_engine *engine)
{
    if (plan_is_closed(plan)) {
        return failure(AB_STEP_CLOSED, 0, 0);
    }
    plan->entered = 1;
    return run_infer(engine, plan->run);
}

/* engine_run of a binding. A plan that was closed meanwhile is not run. */
int64_t plan_run(ab_plan *plan, waiter *w)
{
    ab_engine *engine = plan->engine;
    int64_t result;
    if (gate_is_foreign(engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    if (plan_is_closed(plan)) {
        engine_forgo(engine, w);
        return failure(AB_STEP_CLOSED, 0, 0);
    }
    result = engine_take(&engine, w);
    if (result == 0) {
        result = plan_infer(plan, engine);
        engine_leave(engine);
    }
    return result;
}

/*
 * Refuses later runs of a plan, and those that wait at the gate. Waits up to waitMs for one
 * that is under way, so that its arrays may go afterwards; among replicas the caller sees to
 * that. Whether it is over; if not, the caller calls again.
 */
int ab_plan_close(ab_plan *plan, int waitMs)
{
    ab_engine *engine = plan->engine;
    struct timespec deadline;
    if (gate_is_foreign(engine->gate)) {
        return 1;
    }
    __atomic_store_n(&plan->closed, 1, __ATOMIC_SEQ_CST);
    deadline = gate_deadline(waitMs);
    if (pthread_mutex_timedlock(&engine->reader.mutex, &deadline) != 0) {
        return 0;
    }
    pthread_mutex_unlock(&engine->reader.mutex);
    return 1;
}

/* Frees what a dynamic run has made for an output. */
void ab_host_free(char *data)
{
    free(data);
}
