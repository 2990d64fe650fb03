/*
 * A commit has the variables alone: it shuts the gate, writes, publishes the
 * next epoch and opens the gate, in one call. What it writes comes from a
 * graph (init, update) or from a saved copy. When the writing fails the
 * ranges it may have touched are put back from a copy made before, still
 * behind the shut gate, so that no inference sees anything of it.
 *
 * The caller lets only one commit, save or write run at a time. A commit of
 * several writes, or one that is undone by running graphs again, is
 * ab_gate_shut, ab_write as often as need be, ab_gate_publish or
 * ab_gate_revert, and ab_gate_retract.
 */

#include "update/ab_commit.h"

#include <stddef.h>
#include <stdint.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/ab_gate.h"
#include "gate/gate.h"
#include "infer/engine.h"

/* Copies every range, to the copy or back from it. 0 or a failure. */
static int64_t saved_move(const ab_saved *s, enum ab_step step)
{
    aclrtMemcpyKind kind = ACL_MEMCPY_DEVICE_TO_DEVICE;
    char *copy = s->copy;
    if (s->onHost) {
        kind = step == AB_STEP_SAVE ? s->engine->fromDevice : s->engine->toDevice;
    }
    for (size_t i = 0; i < s->count; i++) {
        size_t nbytes = s->ranges[i].nbytes;
        char *at = s->variables + s->ranges[i].offset;
        aclError status = step == AB_STEP_SAVE ? aclrtMemcpy(copy, nbytes, at, nbytes, kind)
                                               : aclrtMemcpy(at, nbytes, copy, nbytes, kind);
        if (status != ACL_SUCCESS) {
            return failure(step, i, status);
        }
        copy += nbytes;
    }
    return 0;
}

/* Copies the ranges as they are now. Inferences may run meanwhile. */
int64_t ab_save(const ab_saved *to)
{
    ab_visit visit;
    int64_t result;
    if (gate_is_foreign(to->engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = ab_context_enter(to->engine->context, &visit);
    if (result == 0) {
        result = saved_move(to, AB_STEP_SAVE);
        ab_context_leave(&visit);
    }
    return result;
}

/* Writes, in our context. The graph's datasets hold all it needs. */
static int64_t commit_write(const ab_engine *engine, const ab_saved *source)
{
    return source != NULL ? saved_move(source, AB_STEP_PUT_BACK) : engine_compute(engine);
}

/*
 * Whether a failed execute may be writing still: it timed out, or its stream
 * does not say that it is done (index 1).
 */
static int commit_runs_on(int64_t result)
{
    uint64_t number = (uint64_t)-result, step = number >> AB_STEP_SHIFT & AB_STEP_MASK;
    return (uint32_t)number == ACL_ERROR_RT_STREAM_SYNC_TIMEOUT ||
           ((step == AB_STEP_SYNCHRONIZE || step == AB_STEP_EXECUTE_ASYNC) &&
            number >> AB_INDEX_SHIFT == 1);
}

/* The commit proper: the gate is shut and our context is current. */
static int64_t commit_publish(ab_commit_plan *plan)
{
    ab_gate *gate = plan->engine->gate;
    int64_t result;
    if (gate->state == GATE_CLOSED) {
        return failure(AB_STEP_CLOSED, 0, 0);
    }
    gate->state = GATE_WRITING;
    result = commit_write(plan->engine, plan->source);
    if (result == 0) {
        return ab_gate_publish(gate, plan->defines);
    }
    if (plan->undo != NULL && !commit_runs_on(result)) {
        plan->undone = saved_move(plan->undo, AB_STEP_PUT_BACK);
        if (plan->undone == 0) {
            ab_gate_revert(gate, plan->defined);
            return result;
        }
    }
    gate->state = GATE_POISONED;
    return result;
}

/*
 * Writes the variables, alone. defines: afterwards every variable has a
 * value; defined: every one has a value now. Answers with the new epoch, or:
 * AB_STEP_BUSY: inferences still run after waitMs; call again, or retract. Any
 * other failure before the writing changes nothing. When the writing fails and
 * `undo` brings everything back, the variables are as before. When it does not
 * (`undone` is why) or there is no `undo`, the gate is left poisoned: every
 * inference is refused until a later commit; with `hold` it also stays shut,
 * for the caller to undo the writing in his way.
 */
int64_t ab_commit(ab_commit_plan *plan)
{
    ab_gate *gate = plan->engine->gate;
    ab_visit visit;
    int64_t result = ab_gate_shut(gate, plan->waitMs);
    if (result != 0) {
        return result;
    }
    result = ab_context_enter(plan->engine->context, &visit);
    if (result == 0) {
        result = commit_publish(plan);
        ab_context_leave(&visit);
    }
    if (!plan->hold || gate->state != GATE_POISONED) {
        ab_gate_retract(gate);
    }
    return result;
}

/*
 * One write of a longer commit, the gate being shut by the caller; the state
 * is GATE_WRITING until he publishes, reverts or retracts, or a write fails. 0 or a failure.
 */
int64_t ab_write(ab_engine *engine, const ab_saved *source)
{
    ab_visit visit;
    int64_t result;
    if (gate_is_foreign(engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = ab_context_enter(engine->context, &visit);
    if (result == 0) {
        engine->gate->state = GATE_WRITING;
        result = commit_write(engine, source);
        if (result != 0) {
            engine->gate->state = GATE_POISONED;
        }
        ab_context_leave(&visit);
    }
    return result;
}
