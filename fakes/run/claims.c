#include "run/claims.h"

#include "model/model_memory.h"
#include "run/update_input.h"

/* Buffers side by side over the same memory, as those of weights that stay, claim it once. */
static void claim_dataset(Task *task, const Dataset *dataset, const aclmdlDataset *handle,
                          bool writes)
{
    DataBuffer last = {0};

    task_claim(task, CLAIM_DATASET, handle, 1, true);
    for (size_t i = 0; i < dataset->count; i++) {
        const DataBuffer *buffer = dataset_peek(dataset, i);
        task_claim(task, CLAIM_OBJECT, dataset->slot[i].buffer, 1, false);
        if (buffer == NULL || buffer->data == NULL ||
            (buffer->data == last.data && buffer->size == last.size))
            continue;
        task_claim(task, CLAIM_MEMORY, buffer->data, buffer->size, writes);
        last = *buffer;
    }
}

/* An update writes what it assigns, and not what it could. */
static void claim_assigned(Task *task, const Model *model, const Dataset *input)
{
    for (size_t i = 0; i < model->program.assigns.count; i++) {
        const Assign *assign = program_assign(&model->program, i);
        if (assign->source == SOURCE_CONSTANT || update_source(input, assign) != NULL)
            task_claim(task, CLAIM_AREA, model->variable[assign->variable],
                       program_variable(&model->program, assign->variable)->nbytes, true);
    }
}

static void claim_lent(Task *task, const Run *run)
{
    const Model *model = run->model;
    bool assigns = model->program.kind == PROGRAM_ASSIGN;

    for (size_t i = 0; i < model->lent_count; i++) {
        const Claim *claim = &model->lent[i].claim;
        if (claim->kind != CLAIM_AREA || !assigns)
            task_claim(task, claim->kind, (const void *)claim->rows.start, claim->rows.size,
                       claim->writes);
    }
    if (assigns && model->variables->area != NULL)
        claim_assigned(task, model, run->input);
}

void execute_claim(Task *task, const Wanted *wanted, const Run *run)
{
    const Model *model = run->model;

    task_claim(task, CLAIM_MODEL, model, 1, true);
    if (model->program.variables.count > 0)
        task_claim(task, CLAIM_VARIABLES, model->variables, 1,
                   model->program.kind == PROGRAM_ASSIGN);
    claim_dataset(task, run->input, wanted->input, false);
    claim_dataset(task, run->output, wanted->output, true);
    claim_lent(task, run);
}
