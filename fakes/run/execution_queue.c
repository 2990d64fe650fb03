#include "run/execution_queue.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"
#include "model/gear_run.h"
#include "model/models.h"
#include "run/claims.h"
#include "run/snapshot.h"

typedef struct Execution {
    Task task;
    Run run;                    /* owned: model, datasets, blobs and gear */
    GearRun *looking;           /* owned; of the look at the call */
} Execution;

static int run_task(Task *task, Stream *stream)
{
    Run *run = &((Execution *)task)->run;
    int status = model_claim(run->model);

    (void)stream;
    if (status != E_NONE)
        return status;
    status = execution_run(run);
    model_release(run->model);
    if (status == E_NONE)
        snapshot_give_back(run->output, run->output_handle);
    return status;
}

static void release_task(Task *task)
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

static const TaskKind executing = {.run = run_task, .release = release_task};

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
    return execution_look(&looking);
}

static int freeze(Execution *made, const Wanted *wanted, const Run *run)
{
    made->run.input = snapshot_take(run->input, wanted->input);
    made->run.output = snapshot_take(run->output, wanted->output);
    return made->run.input != NULL && made->run.output != NULL ? E_NONE : E_BAD_ALLOC;
}

int execution_queue(const Wanted *wanted, const Run *run, Stream *stream)
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
