#include "run.h"

#include <string.h>

#include "message.h"
#include "numeric.h"
#include "settings.h"
#include "violations.h"

static int check_range(const TensorInfo *info, const Blob *blob, size_t i)
{
    if (info->range_count == 0)
        return E_NONE;
    if (blob->rank != info->range_count)
        return refuse(E_PARAM, "input %zu has %zu dims, the model %zu", i,
                      blob->rank, info->range_count);
    for (size_t k = 0; k < blob->rank; k++) {
        int64_t low = info->ranges[2 * k];
        int64_t high = info->ranges[2 * k + 1];
        if (blob->dims[k] < low || (high >= 0 && blob->dims[k] > high))
            return refuse(E_PARAM, "dim %zu of input %zu is %lld, not "
                          "%lld..%lld", k, i, (long long)blob->dims[k],
                          (long long)low, (long long)high);
    }
    return E_NONE;
}

static int dynamic_input(const Run *run, size_t i)
{
    const TensorInfo *info = &run->model->inout->inputs.tensor[i];
    const TensorDesc *desc = dataset_desc(run->input, i);
    const DataBuffer *buffer = dataset_buffer(run->input, i, "input");
    Blob *blob = &run->input_blob[i];
    size_t need;

    if (buffer == NULL)
        return violation_status();
    *blob = run_blob(info);
    if (desc != NULL) {
        blob->dims = desc->shape.dims;
        blob->rank = desc->shape.rank;
    }
    int status = check_range(info, blob, i);
    if (status != E_NONE)
        return status;
    if (!tensor_bytes(blob->dims, blob->rank, blob->data_type, &need))
        return refuse(E_GE, "the shape of input %zu is not known; "
                      "aclmdlSetDatasetTensorDesc tells it", i);
    if (settings.strict && need > buffer->size)
        return violate(V_SHORT_BUFFER, "input %zu has %zu bytes, its shape "
                       "needs %zu", i, buffer->size, need);
    return run_bytes(buffer, need, blob, "input", i);
}

/* Moves what the engine made to where the user wants it. */
static int dynamic_output(const Run *run, size_t i)
{
    DataBuffer *buffer = dataset_buffer(run->output, i, "output");
    Blob blob = run_blob(&run->model->inout->outputs.tensor[i]);
    Result result = {.data_type = blob.data_type};

    if (buffer == NULL)
        return violation_status();
    if (!engine_result(run->model->engine, i, &result))
        return refuse(E_GE, "output %zu is not what the model says", i);
    int status = buffer->data != NULL
                     ? E_NONE
                     : run_give_memory(run->model, buffer, result.size);
    if (status == E_NONE && buffer->size < result.size)
        status = run_refuse_size("output", i, buffer->size, result.size);
    if (status == E_NONE)
        status = run_bytes(buffer, result.size, &blob, "output", i);
    if (status != E_NONE)
        return status;
    if (result.size > 0)
        memcpy(blob.bytes, result.bytes, result.size);
    return run_describe(run, i, result.dims, result.rank);
}

static int run_dynamic_onnx(const Run *run)
{
    const Inout *inout = run->model->inout;
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < inout->inputs.count; i++)
        status = dynamic_input(run, i);
    for (size_t i = 0; i < inout->outputs.count; i++)
        run->output_blob[i] = run_blob(&inout->outputs.tensor[i]);
    if (status != E_NONE || run->looks)
        return status;
    engine_forget(run->model->engine);
    status = run_compute(run);
    for (size_t i = 0; status == E_NONE && i < inout->outputs.count; i++)
        status = dynamic_output(run, i);
    return status;
}

int run_dynamic(const Run *run)
{
    const Inout *inout = run->model->inout;

    if (run->input->count < inout->inputs.count)
        return refuse(E_PARAM, "the model has %zu inputs, the dataset %zu",
                      inout->inputs.count, run->input->count);
    if (run->output->count != inout->outputs.count)
        return refuse(E_GE, "the model has %zu outputs, the dataset %zu",
                      inout->outputs.count, run->output->count);
    return run->model->program.kind == PROGRAM_ONNX ? run_dynamic_onnx(run)
                                                    : run_compute(run);
}
