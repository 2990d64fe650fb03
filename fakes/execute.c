/*
 * execute: the door of an execution.
 *
 * Which arguments are looked at first depends on the model: only the static
 * executor wants aclInit, and it counts outputs without memory before it
 * looks for the model.
 */
#include "acl.h"
#include "config.h"
#include "device.h"
#include "init.h"
#include "message.h"
#include "run.h"
#include "settings.h"
#include "violations.h"

/* Only the static executor asks for aclInit. */
static int find_model(uint32_t modelId, Model **model)
{
    *model = model_find(modelId);
    if (*model != NULL && (*model)->dynamic)
        return E_NONE;
    if (!engine_initialised())
        return refuse(E_GE_NOT_INIT, "aclInit was not called");
    if (*model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
    return E_NONE;
}

/* More outputs than the model has, and memory wanted for some of them. */
static int check_wanted(const Run *run, uint32_t modelId)
{
    const Model *model = model_find(modelId);
    size_t outputs = run->output->count;

    if (model == NULL || model->dynamic ||
        outputs <= model->output_count)
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

static int execute(Call *call, uint32_t modelId, const aclmdlDataset *input,
                   const aclmdlDataset *output)
{
    Run run = {.output_handle = output};
    int status = dataset_need(input, "input", &run.input);

    if (status == E_NONE)
        status = dataset_need(output, "output", &run.output);
    if (status == E_NONE)
        status = check_wanted(&run, modelId);
    if (status == E_NONE)
        status = find_model(modelId, &run.model);
    if (status == E_NONE)
        status = check_context(run.model);
    if (status == E_NONE)
        status = model_claim(run.model);
    if (status != E_NONE)
        return status;
    status = model_check_memory(run.model);
    if (status == E_NONE)
        status = run.model->dynamic ? run_dynamic(&run) : run_static(&run);
    call_sleep(call);
    model_release(run.model);
    return status;
}

aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset *input,
                       aclmdlDataset *output)
{
    ENTER(aclmdlExecute, "modelId=%u, input=%p, output=%p", modelId,
          (const void *)input, (void *)output);
    LEAVE(execute(&call, modelId, input, output));
}

aclError aclmdlExecuteV2(uint32_t modelId, const aclmdlDataset *input,
                         aclmdlDataset *output, aclrtStream stream,
                         const aclmdlExecConfigHandle *handle)
{
    ENTER(aclmdlExecuteV2, "modelId=%u, input=%p, output=%p, stream=%p, "
          "handle=%p", modelId, (const void *)input, (void *)output, stream,
          (const void *)handle);
    int status = exec_config_check(handle);
    if (status != E_NONE)
        LEAVE(status);
    if (stream != NULL)
        LEAVE(refuse(E_RT_HANDLE, "stream %p is no stream", stream));
    LEAVE(execute(&call, modelId, input, output));
}
