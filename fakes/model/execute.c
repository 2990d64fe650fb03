/*
 * execute: the door of an execution.
 *
 * Which arguments are looked at first depends on the model: only the static
 * executor wants aclInit, and it counts outputs without memory before it
 * looks for the model.
 */
#include "model/execute.h"

#include <stdlib.h>

#include "call/faults.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "control/init.h"
#include "model/claims.h"
#include "model/config.h"
#include "model/model_memory.h"
#include "runtime/device.h"
#include "runtime/exception.h"
#include "runtime/order.h"
#include "runtime/repeat.h"

/* Only the static executor asks for aclInit. */
static int check_found(const Model *model, uint32_t modelId)
{
    if (model != NULL && model->dynamic)
        return E_NONE;
    int status = engine_needed();
    if (status == E_NONE && model == NULL)
        status = refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
    return status;
}

/* More outputs than the model has, and memory wanted for some of them. */
static int check_wanted(const Run *run)
{
    const Model *model = run->model;
    size_t outputs = run->output->count;

    if (model == NULL || model->dynamic ||
        outputs <= model->inout->outputs.count)
        return E_NONE;
    for (size_t i = 0; i < outputs; i++) {
        const DataBuffer *buffer = dataset_buffer(run->output, i, "output");
        if (buffer != NULL && buffer->data == NULL)
            return refuse(E_PARAM, "output %zu has no memory, and the model "
                          "no such output", i);
    }
    return E_NONE;
}

static int check_context(const Model *model)
{
    int status = context_needed();

    if (status != E_NONE || !settings.strict ||
        context_current() == model->context)
        return status;
    char text[HISTORY_SIZE];
    return violate(V_FOREIGN_CONTEXT, "model %u, %s in %p, runs in %p",
                   model->id, model_history(model, text), model->context,
                   context_current());
}

int execute_find(const Wanted *wanted, Run *run)
{
    run->output_handle = wanted->output;
    int status = dataset_need(wanted->input, "input", &run->input);

    if (status == E_NONE)
        status = dataset_need(wanted->output, "output", &run->output);
    if (status != E_NONE)
        return status;
    run->model = model_hold(wanted->model);
    status = check_wanted(run);
    if (status == E_NONE)
        status = check_found(run->model, wanted->model);
    return status == E_NONE ? check_context(run->model) : status;
}

int execute_mode(Model *model, ExecuteMode mode)
{
    static const char *const names[] = {"", "synchronously",
                                        "asynchronously"};
    int first = MODE_NONE;

    if (model->dynamic || atomic_load(&model->mode) == (int)mode ||
        atomic_compare_exchange_strong(&model->mode, &first, (int)mode) ||
        first == (int)mode)
        return E_NONE;
    return refuse(E_GE, "model %u was first executed %s, and a static model "
                  "keeps to that", model->id, names[first]);
}

static int compute(const Run *run)
{
    int status = model_check_memory(run->model);

    if (status == E_NONE)
        status = run->model->dynamic ? run_dynamic(run) : run_static(run);
    if (status == E_RT_EXECUTE)
        exception_report_sync(run->model->device, run->model->id, status);
    return status;
}

/* May it run now, or is somebody still at work on what it needs? */
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

int execute_now(Call *call, const Wanted *wanted, Run *run)
{
    int status = execute_mode(run->model, MODE_SYNC);

    if (status == E_NONE)
        status = model_claim(run->model);
    if (status != E_NONE)
        return status;
    status = execute_claimed(call, wanted, run);
    model_release(run->model);
    return status;
}

/* A model's own stream, on which it can be waited for with a timeout. */
static int own_stream(Model *model, Stream **stream)
{
    if (model->own_stream == NULL)
        model->own_stream = stream_open(model->context, model->device);
    *stream = model->own_stream;
    return *stream != NULL ? E_NONE : E_BAD_ALLOC;
}

static int execute_for_a_while(const Wanted *wanted, const Run *run,
                               int32_t timeout)
{
    Stream *stream = NULL;
    int status = execute_mode(run->model, MODE_SYNC);

    if (status == E_NONE)
        status = own_stream(run->model, &stream);
    if (status == E_NONE)
        status = execute_queue(wanted, run, stream);
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
static int execute_on_old_stream(const Wanted *wanted, const Run *run,
                                 aclrtStream old)
{
    Stream *stream = NULL;

    if (settings.strict)
        return violate(V_NOT_WAITED_FOR, "model %u, stream %p",
                       run->model->id, old);
    int status = stream_need(old, "stream", &stream);
    if (status == E_NONE)
        status = execute_mode(run->model, MODE_SYNC);
    return status != E_NONE ? status : execute_queue(wanted, run, stream);
}

static int execute_found(Call *call, const Wanted *wanted, Run *run)
{
    aclrtStream old = atomic_load(&run->model->old_stream);
    int32_t timeout = execute_timeout();

    if (old != NULL)
        return execute_on_old_stream(wanted, run, old);
    if (timeout >= 0)
        return execute_for_a_while(wanted, run, timeout);
    return execute_now(call, wanted, run);
}

static int execute(Call *call, const Wanted *wanted)
{
    Run run = {0};
    int status = execute_find(wanted, &run);

    if (status == E_NONE)
        status = execute_found(call, wanted, &run);
    model_let_go(run.model);
    return status;
}

aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset *input,
                       aclmdlDataset *output)
{
    ENTER(aclmdlExecute, "modelId=%u, input=%p, output=%p", modelId,
          (const void *)input, (void *)output);
    LEAVE(execute(&call, &(Wanted){modelId, input, output}));
}

/* Waits even for a run that was refused, says ACL. */
static int execute_on(const Wanted *wanted, const Run *run,
                      aclrtStream handle, int32_t timeout)
{
    Stream *stream = NULL;
    int status = stream_need(handle, "stream", &stream);

    if (status == E_NONE)
        status = execute_mode(run->model, MODE_SYNC);
    if (status != E_NONE)
        return status;
    atomic_store(&run->model->old_stream, handle);
    status = execute_queue(wanted, run, stream);
    int waited = stream_wait(stream, timeout);
    return status != E_NONE ? status : waited;
}

aclError aclmdlExecuteV2(uint32_t modelId, const aclmdlDataset *input,
                         aclmdlDataset *output, aclrtStream stream,
                         const aclmdlExecConfigHandle *handle)
{
    ENTER(aclmdlExecuteV2, "modelId=%u, input=%p, output=%p, stream=%p, "
          "handle=%p", modelId, (const void *)input, (void *)output, stream,
          (const void *)handle);
    Wanted wanted = {modelId, input, output};
    Run run = {0};
    int status = exec_config_check(handle);
    if (status != E_NONE)
        LEAVE(status);
    int32_t timeout = exec_config_timeout(handle);
    execute_set_timeout(timeout);
    status = execute_find(&wanted, &run);
    if (status == E_NONE)
        status = stream != NULL && !run.model->dynamic
                     ? execute_on(&wanted, &run, stream, timeout)
                     : execute_found(&call, &wanted, &run);
    model_let_go(run.model);
    LEAVE(status);
}
