/*
 * execute_async: executions on streams.
 *
 * What can be refused is refused at the call: it looks at all arguments as
 * the run would. The run itself, on the stream's worker, has snapshots of
 * the datasets; what goes wrong there comes out of the synchronisation.
 */
#include <stdlib.h>

#include "base/acl.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/violations.h"
#include "model/claims.h"
#include "model/config.h"
#include "model/execute.h"
#include "model/gear_run.h"
#include "model/model_memory.h"
#include "model/snapshot.h"

typedef struct Execution {
    Task task;
    Run run;                    /* owned: model, datasets, blobs and gear */
    GearRun *looking;           /* owned; of the look at the call */
} Execution;

static atomic_uint epoch;

static _Thread_local struct {
    unsigned epoch;
    int32_t timeout_ms;
} thread = {0, -1};

int32_t execute_timeout(void)
{
    return thread.epoch == atomic_load(&epoch) ? thread.timeout_ms : -1;
}

void execute_set_timeout(int32_t timeout_ms)
{
    thread.epoch = atomic_load(&epoch);
    thread.timeout_ms = timeout_ms;
}

static void forget_all(void)
{
    atomic_fetch_add(&epoch, 1);
}

static int run_claimed(const Run *run)
{
    int status = model_check_memory(run->model);

    if (status != E_NONE)
        return status;
    return run->model->dynamic ? run_dynamic(run) : run_static(run);
}

static int execution_run(Task *task, Stream *stream)
{
    Run *run = &((Execution *)task)->run;
    int status = model_claim(run->model);

    (void)stream;
    if (status != E_NONE)
        return status;
    status = run_claimed(run);
    model_release(run->model);
    if (status == E_NONE)
        snapshot_give_back(run->output, run->output_handle);
    return status;
}

static void execution_release(Task *task)
{
    Run *run = &((Execution *)task)->run;

    snapshot_free(run->input);
    snapshot_free(run->output);
    free(run->input_blob);
    free(run->output_blob);
    gear_run_free(run->gear);
    gear_run_free(((Execution *)task)->looking);
    model_let_go(run->model);
}

static const TaskKind executing = {.run = execution_run,
                                   .release = execution_release};

/*
 * Gears of its own: the model's are changed by whichever run there is, and a
 * look must not change those of its run, which reads the gear again.
 */
static bool take_gears(Execution *made, const Model *model)
{
    if (model->gear == NULL)
        return true;
    made->run.gear = gear_run_new(model->inout);
    made->looking = gear_run_new(model->inout);
    return made->run.gear != NULL && made->looking != NULL;
}

/* An execution with blobs of its own, as yet of the datasets themselves. */
static Execution *execution_new(const Run *run)
{
    Execution *made = task_new(sizeof *made, &executing);
    const Inout *inout = run->model->inout;

    if (made == NULL)
        return NULL;
    made->task.computes = true;
    made->task.model = run->model->id;
    made->task.failure = E_RT_EXECUTE;
    model_hold_again(run->model);
    made->run.model = run->model;
    made->run.looked = true;
    made->run.output_handle = run->output_handle;
    made->run.input_blob = calloc(inout->inputs.count + 1, sizeof(Blob));
    made->run.output_blob = calloc(inout->outputs.count + 1, sizeof(Blob));
    if (made->run.input_blob != NULL && made->run.output_blob != NULL &&
        take_gears(made, run->model))
        return made;
    refuse(E_BAD_ALLOC, "no memory for an execution to come");
    stream_abandon(&made->task);
    return NULL;
}

static int look(const Execution *made, const Run *run)
{
    Run looking = made->run;

    looking.input = run->input;
    looking.output = run->output;
    looking.gear = made->looking;
    looking.looks = true;
    looking.looked = false;
    return run->model->dynamic ? run_dynamic(&looking)
                               : run_static(&looking);
}

static int freeze(Execution *made, const Wanted *wanted, const Run *run)
{
    made->run.input = snapshot_take(run->input, wanted->input);
    made->run.output = snapshot_take(run->output, wanted->output);
    return made->run.input != NULL && made->run.output != NULL ? E_NONE
                                                               : E_BAD_ALLOC;
}

int execute_queue(const Wanted *wanted, const Run *run, Stream *stream)
{
    Execution *made = execution_new(run);

    if (made == NULL)
        return E_BAD_ALLOC;
    int status = look(made, run);
    if (status == E_NONE)
        status = freeze(made, wanted, run);
    if (status != E_NONE) {
        stream_abandon(&made->task);
        return status;
    }
    execute_claim(&made->task, wanted, run);
    return stream_submit(stream, &made->task);
}

/* Only synchronous executions give memory to outputs that have none. */
static int check_memory(const Run *run)
{
    for (size_t i = 0; i < run->output->count; i++) {
        const DataBuffer *buffer = dataset_buffer(run->output, i, "output");
        if (buffer == NULL)
            return violation_status();
        if (buffer->data == NULL)
            return refuse(E_GE, "output %zu has no memory, and an "
                          "asynchronous execution makes none", i);
    }
    return E_NONE;
}

static int execute(const Wanted *wanted, aclrtStream handle)
{
    Run run = {0};
    Stream *stream = NULL;
    int status = execute_find(wanted, &run);

    if (status == E_NONE)
        status = stream_need(handle, "stream", &stream);
    if (status == E_NONE)
        status = check_memory(&run);
    if (status == E_NONE)
        status = execute_mode(run.model, MODE_ASYNC);
    if (status == E_NONE)
        status = execute_queue(wanted, &run, stream);
    model_let_go(run.model);
    return status;
}

aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset *input,
                            aclmdlDataset *output, aclrtStream stream)
{
    ENTER(aclmdlExecuteAsync, "modelId=%u, input=%p, output=%p, stream=%p",
          modelId, (const void *)input, (void *)output, stream);
    LEAVE(execute(&(Wanted){modelId, input, output}, stream));
}

/* The stream's timeout of a configuration is for whoever waits. */
aclError aclmdlExecuteAsyncV2(uint32_t modelId, const aclmdlDataset *input,
                              aclmdlDataset *output, aclrtStream stream,
                              const aclmdlExecConfigHandle *handle)
{
    ENTER(aclmdlExecuteAsyncV2, "modelId=%u, input=%p, output=%p, stream=%p, "
          "handle=%p", modelId, (const void *)input, (void *)output, stream,
          (const void *)handle);
    int status = exec_config_check(handle);
    LEAVE(status != E_NONE ? status
                           : execute(&(Wanted){modelId, input, output},
                                     stream));
}

KEEPER(KEEPER_EXECUTIONS, forget_all, NULL)
