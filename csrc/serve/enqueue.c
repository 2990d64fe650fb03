/*
 * What one run queues on its slot's stream: wait for what writes the arrays,
 * copies in, the execute behind that of the run before, a mark, copies out.
 */

#include "serve/enqueue.h"

#include <stddef.h>
#include <stdint.h>

#include "acl/pointers.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/gear.h"
#include "infer/tensor.h"
#include "serve/runner.h"

/* Has the stream wait for what writes the run's arrays. 0 or the first failure. */
static int64_t enqueue_wait_ready(const slot *s, const ab_run *run)
{
    for (size_t i = 0; i < run->readyCount; i++) {
        aclError status = aclrtStreamWaitEvent(s->at.stream, run->ready[i]);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_STREAM_WAIT, i, status);
        }
    }
    return 0;
}

/* Points the slot's data buffers where the arrays want them. 0 or the first failure. */
static int64_t enqueue_point(const ab_runner *runner, const slot *s, const ab_run *run)
{
    int64_t result = tensors_point(s->at.tensors, run->in, runner->inCount);
    return result != 0 ? result
                       : tensors_point(s->at.tensors + runner->inCount, run->out, runner->outCount);
}

/* Queues the copies in. 0 or the first failure. */
static int64_t enqueue_copy_in(const ab_runner *runner, const slot *s, const ab_run *run)
{
    for (size_t i = 0; i < runner->inCount; i++) {
        const ab_tensor *tensor = &s->at.tensors[i];
        const ab_array *array = &run->in[i];
        aclError status = array->onDevice
                              ? ACL_SUCCESS
                              : aclrtMemcpyAsync(tensor->device, tensor->nbytes, s->at.host[i],
                                                 array->nbytes, runner->toDevice, s->at.stream);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_QUEUE_IN, i, status);
        }
    }
    return 0;
}

/* Queues the copies out. 0 or the first failure. */
static int64_t enqueue_copy_out(const ab_runner *runner, const slot *s, const ab_run *run)
{
    for (size_t i = 0; i < runner->outCount; i++) {
        size_t nbytes = run->out[i].nbytes, at = runner->inCount + i;
        aclError status = run->out[i].onDevice
                              ? ACL_SUCCESS
                              : aclrtMemcpyAsync(s->at.host[at], nbytes, s->at.tensors[at].device,
                                                 nbytes, runner->fromDevice, s->at.stream);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_QUEUE_OUT, i, status);
        }
    }
    return 0;
}

/* Queues the execute behind that of the run before. */
static int64_t enqueue_execute(const ab_runner *runner, const slot *s)
{
    aclError status;
    if (runner->latest != NULL) {
        status = aclrtStreamWaitEvent(s->at.stream, runner->latest->at.executed);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_STREAM_WAIT, 0, status);
        }
    }
    status = aclmdlExecuteAsync(runner->modelId, s->at.input, s->at.output, s->at.stream);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_EXECUTE_ASYNC, 0, status);
    }
    status = aclrtRecordEvent(s->at.executed, s->at.stream);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_RECORD, 0, status);
}

/*
 * Queues everything of a run on its slot's stream; the mutex is held and the
 * context is current. 0 or the failure of the first step.
 */
int64_t slot_enqueue(const ab_runner *runner, const slot *s, const ab_run *run)
{
    int64_t result = enqueue_point(runner, s, run);
    if (result == 0) {
        result = gear_set(runner->modelId, s->at.input, run->gear);
    }
    if (result == 0) {
        result = enqueue_wait_ready(s, run);
    }
    if (result == 0) {
        result = enqueue_copy_in(runner, s, run);
    }
    if (result == 0) {
        result = enqueue_execute(runner, s);
    }
    return result == 0 ? enqueue_copy_out(runner, s, run) : result;
}
