/*
 * execute: the functions that execute and wait.
 */

#include <pthread.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/calls.h"
#include "call/faults.h"
#include "call/keepers.h"
#include "call/settings.h"
#include "call/violations.h"
#include "model/config.h"
#include "model/models.h"
#include "run/claims.h"
#include "run/execution_queue.h"
#include "run/repeat.h"
#include "runtime/stream_need.h"
#include "stream/exception.h"
#include "stream/order.h"

/*
 * The timeout of synchronous executions on this thread, in milliseconds;
 * -1: none. It is what the last aclmdlExecuteV2 here had.
 */
static atomic_uint epoch;

static _Thread_local struct {
    unsigned epoch;
    int32_t timeout_ms;
} thread = {0, -1};

static int32_t timeout_here(void)
{
    return thread.epoch == atomic_load(&epoch) ? thread.timeout_ms : -1;
}

static void set_timeout(int32_t timeout_ms)
{
    thread.epoch = atomic_load(&epoch);
    thread.timeout_ms = timeout_ms;
}

static int compute(const Run *run)
{
    int status = execution_run(run);

    if (status == E_RT_EXECUTE)
        exception_report_sync(run->model->device, run->model->id, status);
    return status;
}

/* May the model run now, or is a task still at work on what the run needs? */
static int execute_claimed(Call *call, const Wanted *wanted, Run *run)
{
    Task *now = &run->model->now;

    run->repeats = repeat_begin(run->model, wanted);
    if (!run->repeats) {
        now->claims = 0;
        execute_claim(now, wanted, run);
    }
    int status = order_begin(now);
    if (status != E_NONE)
        return status;
    run->gear = run->model->gear;
    run->input_blob = run->model->input;
    run->output_blob = run->model->output;
    status = compute(run);
    if (status == E_NONE && !run->repeats)
        repeat_keep(run->model);
    call_sleep(call);
    order_end(now);
    return status;
}

/* Executes at once, on the calling thread; then run is what it was. */
static int execute_now(Call *call, const Wanted *wanted, Run *run)
{
    int status = execution_mode(run->model, MODE_SYNC);

    if (status == E_NONE)
        status = model_claim(run->model);
    if (status != E_NONE)
        return status;
    status = execute_claimed(call, wanted, run);
    model_release(run->model);
    return status;
}

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

HELD_OVER_FORK(opening)

/*
 * A model's own stream, on which it can be waited for with a timeout. Without
 * the lock:
 *   T1 and T2 see that there is none; each opens one.
 *   T1 keeps its stream, T2 keeps its own over it.
 *   T1's stream has a thread, and nobody closes it.
 */
static int own_stream(Model *model, Stream **stream)
{
    pthread_mutex_lock(&opening);
    if (model->own_stream == NULL)
        model->own_stream = stream_open(model->context, model->device);
    *stream = model->own_stream;
    pthread_mutex_unlock(&opening);
    return *stream != NULL ? E_NONE : E_BAD_ALLOC;
}

static int execute_for_a_while(const Wanted *wanted, const Run *run, int32_t timeout)
{
    Stream *stream = NULL;
    int status = execution_mode(run->model, MODE_SYNC);

    if (status == E_NONE)
        status = own_stream(run->model, &stream);
    if (status == E_NONE)
        status = execution_queue(wanted, run, stream);
    if (status == E_NONE)
        status = stream_wait(stream, timeout);
    if (status == E_RT_STREAM_TIMEOUT && !run->model->dynamic)
        status = E_GE;
    return status;
}

/*
 * After aclmdlExecuteV2 with a stream a device runs a plain execution of the
 * model on that stream, and does not wait.
 */
static int execute_on_old_stream(const Wanted *wanted, const Run *run, aclrtStream old)
{
    Stream *stream = NULL;

    if (settings.strict)
        return violate(V_NOT_WAITED_FOR, "model %u, stream %p", run->model->id, old);
    int status = stream_need(old, "stream", &stream);
    if (status == E_NONE)
        status = execution_mode(run->model, MODE_SYNC);
    return status != E_NONE ? status : execution_queue(wanted, run, stream);
}

static int execute_found(Call *call, const Wanted *wanted, Run *run)
{
    aclrtStream old = atomic_load(&run->model->old_stream);
    int32_t timeout = timeout_here();

    if (old != NULL)
        return execute_on_old_stream(wanted, run, old);
    if (timeout >= 0)
        return execute_for_a_while(wanted, run, timeout);
    return execute_now(call, wanted, run);
}

static int execute(Call *call, const Wanted *wanted)
{
    Run run = {0};
    int status = execution_find(wanted, &run);

    if (status == E_NONE)
        status = execute_found(call, wanted, &run);
    model_let_go(run.model);
    return status;
}

aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output)
{
    ENTER(aclmdlExecute, "modelId=%u, input=%p, output=%p", modelId, (const void *)input,
          (void *)output);
    LEAVE(execute(&call, &(Wanted){modelId, input, output}));
}

/* Waits even for a run that was refused, says ACL. */
static int execute_on(const Wanted *wanted, const Run *run, aclrtStream handle, int32_t timeout)
{
    Stream *stream = NULL;
    int status = stream_need(handle, "stream", &stream);

    if (status == E_NONE)
        status = execution_mode(run->model, MODE_SYNC);
    if (status != E_NONE)
        return status;
    atomic_store(&run->model->old_stream, handle);
    status = execution_queue(wanted, run, stream);
    int waited = stream_wait(stream, timeout);
    return status != E_NONE ? status : waited;
}

aclError aclmdlExecuteV2(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output,
                         aclrtStream stream, const aclmdlExecConfigHandle *handle)
{
    ENTER(aclmdlExecuteV2,
          "modelId=%u, input=%p, output=%p, stream=%p, "
          "handle=%p",
          modelId, (const void *)input, (void *)output, stream, (const void *)handle);
    Wanted wanted = {modelId, input, output};
    Run run = {0};
    int status = exec_config_check(handle);
    if (status != E_NONE)
        LEAVE(status);
    int32_t timeout = exec_config_timeout(handle);
    set_timeout(timeout);
    status = execution_find(&wanted, &run);
    if (status == E_NONE)
        status = stream != NULL && !run.model->dynamic ? execute_on(&wanted, &run, stream, timeout)
                                                       : execute_found(&call, &wanted, &run);
    model_let_go(run.model);
    LEAVE(status);
}

/* Every thread's timeout is -1 again. */
static void forget_all(void)
{
    atomic_fetch_add(&epoch, 1);
}

KEEPER(KEEPER_EXECUTIONS, forget_all, NULL)
