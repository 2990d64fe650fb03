#include "run/execution.h"

#include "base/codes.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "model/model_memory.h"
#include "model/models.h"
#include "runtime/context.h"
#include "runtime/initialised.h"

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

    if (model == NULL || model->dynamic || outputs <= model->inout->outputs.count)
        return E_NONE;
    for (size_t i = 0; i < outputs; i++) {
        const DataBuffer *buffer = dataset_buffer(run->output, i, "output");
        if (buffer != NULL && buffer->data == NULL)
            return refuse(E_PARAM,
                          "output %zu has no memory, and the model "
                          "no such output",
                          i);
    }
    return E_NONE;
}

static int check_context(const Model *model)
{
    int status = context_needed();

    if (status != E_NONE || !settings.strict || context_current() == model->context)
        return status;
    char text[HISTORY_SIZE];
    return violate(V_FOREIGN_CONTEXT, "model %u, %s in %p, runs in %p", model->id,
                   model_history(model, text), model->context, context_current());
}

int execution_find(const Wanted *wanted, Run *run)
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

int execution_mode(Model *model, ExecuteMode mode)
{
    static const char *const names[] = {"", "synchronously", "asynchronously"};
    int first = MODE_NONE;

    if (model->dynamic || atomic_load(&model->mode) == (int)mode ||
        atomic_compare_exchange_strong(&model->mode, &first, (int)mode) || first == (int)mode)
        return E_NONE;
    return refuse(E_GE,
                  "model %u was first executed %s, and a static model "
                  "keeps to that",
                  model->id, names[first]);
}

int execution_look(const Run *run)
{
    return run->model->dynamic ? run_dynamic(run) : run_static(run);
}

int execution_run(const Run *run)
{
    int status = model_check_memory(run->model);

    return status == E_NONE ? execution_look(run) : status;
}
