#include "call/message.h"
#include "call/violations.h"
#include "memory/written.h"
#include "model/gear_run.h"
#include "run/alias.h"
#include "run/gear_choose.h"
#include "run/run.h"

enum { SLACK = 64 };            /* bytes a buffer may lack, says ACL */

static int check_counts(const Run *run)
{
    const Inout *inout = run->model->inout;

    if (run->input->count != inout->inputs.count)
        return refuse(E_GE, "the model has %zu inputs, the dataset %zu", inout->inputs.count,
                      run->input->count);
    if (run->output->count != inout->outputs.count)
        return refuse(E_GE, "the model has %zu outputs, the dataset %zu", inout->outputs.count,
                      run->output->count);
    return E_NONE;
}

/* Of images, which dynamic AIPP takes in any size, GE does not look at the bytes. */
static int static_input(const Run *run, size_t i)
{
    const TensorInfo *info = &run->model->inout->inputs.tensor[i];
    const GearRun *gear = run->gear;
    Blob *blob = &run->input_blob[i];
    const DataBuffer *buffer = dataset_buffer(run->input, i, "input");

    if (buffer == NULL)
        return violation_status();
    *blob = gear != NULL ? gear->input[i] : run_blob(info);
    size_t need = blob->size;
    if (program_takes_any_image(&run->model->program, i))
        return run_bytes(buffer, buffer->size < need ? buffer->size : need, blob, "input", i);
    if (buffer->size < need && need - buffer->size > SLACK)
        return run_refuse_size("input", i, buffer->size, need);
    return run_bytes(buffer, need, blob, "input", i);
}

static int static_output(const Run *run, size_t i)
{
    const TensorInfo *info = &run->model->inout->outputs.tensor[i];
    const GearRun *gear = run->gear;
    Blob *blob = &run->output_blob[i];
    DataBuffer *buffer = dataset_buffer(run->output, i, "output");

    if (buffer == NULL)
        return violation_status();
    if (buffer->data == NULL) {
        int status = run_give_memory(run->model, buffer, info->size);
        if (status != E_NONE)
            return status;
    }
    *blob = gear != NULL ? gear->output[i] : run_blob(info);
    size_t need = blob->size;
    if (buffer->size < need && need - buffer->size > SLACK)
        return run_refuse_size("output", i, buffer->size, need);
    return run_bytes(buffer, need, blob, "output", i);
}

static bool any_input_described(const Run *run)
{
    for (size_t i = 0; i < run->input->count; i++)
        if (run->input->slot[i].desc != NULL)
            return true;
    return false;
}

/* What a run wrote is no fresh memory any more. */
static void note_outputs(const Run *run)
{
    for (size_t i = 0; i < run->model->inout->outputs.count; i++) {
        const DataBuffer *buffer = dataset_peek(run->output, i);
        if (buffer != NULL)
            device_written(buffer->data, run->output_blob[i].size);
    }
}

/* Finds all tensors, and whether they may be used as they lie. */
static int check(const Run *run)
{
    const Inout *inout = run->model->inout;
    int status = check_counts(run);

    if (status == E_NONE && run->gear != NULL)
        status = gear_choose(run);
    for (size_t i = 0; status == E_NONE && i < inout->inputs.count; i++)
        status = static_input(run, i);
    for (size_t i = 0; status == E_NONE && i < inout->outputs.count; i++)
        status = static_output(run, i);
    return status == E_NONE && !run->looked ? alias_check(run) : status;
}

int run_static(const Run *run)
{
    const Inout *inout = run->model->inout;
    int status = run->repeats ? E_NONE : check(run);

    if (status == E_NONE)
        status = run_compute(run);
    if (status == E_NONE && !run->looks)
        note_outputs(run);
    if (status != E_NONE || run->looks || !any_input_described(run))
        return status;
    for (size_t i = 0; status == E_NONE && i < inout->outputs.count; i++) {
        const Blob *made = &run->output_blob[i];
        status = run_describe(run, i, made->dims, made->rank);
    }
    return status;
}
