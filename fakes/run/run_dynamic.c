#include <string.h>

#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/written.h"
#include "run/alias.h"
#include "run/run.h"

enum { RANK_MAX = 25 };         /* of a shape in GE's executor */

/*
 * As ACL compares: neither a shape without dims, nor a dim of -1, nor a dim
 * whose range has no end.
 */
static int check_range(const TensorInfo *info, const Blob *blob, size_t i)
{
    if (info->range_count == 0 || blob->rank == 0)
        return E_NONE;
    if (blob->rank != info->range_count)
        return refuse(E_PARAM, "input %zu has %zu dims, the model %zu", i, blob->rank,
                      info->range_count);
    for (size_t k = 0; k < blob->rank; k++) {
        int64_t dim = blob->dims[k];
        int64_t low = info->ranges[2 * k];
        int64_t high = info->ranges[2 * k + 1];
        if (dim != -1 && high >= 0 && (dim < low || dim > high))
            return refuse(E_PARAM,
                          "dim %zu of input %zu is %lld, not "
                          "%lld..%lld",
                          k, i, (long long)dim, (long long)low, (long long)high);
    }
    return E_NONE;
}

/* Does the model say that the tensor may have any rank? */
static bool any_rank(const TensorInfo *info)
{
    return info->rank == 1 && info->dims[0] == -2;
}

/* A device computes with garbage where dims are open or lost. */
static int check_known(const TensorInfo *info, const Blob *blob, size_t i, bool described)
{
    if (blob->rank == 0 && info->rank > 0 && !any_rank(info))
        return violate(V_IMPOSSIBLE_SHAPE,
                       "input %zu (\"%s\") has %zu dims, "
                       "its tensor description none",
                       i, info->name, info->rank);
    if (blob->rank > RANK_MAX)
        return violate(V_IMPOSSIBLE_SHAPE,
                       "input %zu (\"%s\") has %zu dims; "
                       "those behind 25 are lost",
                       i, info->name, blob->rank);
    for (size_t k = 0; k < blob->rank; k++)
        if (blob->dims[k] < 0)
            return described ? violate(V_IMPOSSIBLE_SHAPE,
                                       "dim %zu of input %zu "
                                       "(\"%s\") is described as %lld",
                                       k, i, info->name, (long long)blob->dims[k])
                             : violate(V_IMPOSSIBLE_SHAPE,
                                       "input %zu (\"%s\") has "
                                       "open dims and no tensor description; call "
                                       "aclmdlSetDatasetTensorDesc",
                                       i, info->name);
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
    if (status == E_NONE)
        status = check_known(info, blob, i, desc != NULL);
    if (status != E_NONE)
        return status;
    if (!tensor_bytes(blob->dims, blob->rank, blob->data_type, &need))
        return refuse(E_GE,
                      "the shape of input %zu has more bytes than there "
                      "are",
                      i);
    if (settings.strict && need > buffer->size)
        return violate(V_SHORT_BUFFER,
                       "input %zu has %zu bytes, its shape "
                       "needs %zu",
                       i, buffer->size, need);
    return run_bytes(buffer, need, blob, "input", i);
}

/* What the engine made of an output. */
static int find_result(const Run *run, size_t i, Result *result)
{
    *result = (Result){.data_type = run->model->inout->outputs.tensor[i].data_type};
    if (engine_result(run->model->engine, i, result))
        return E_NONE;
    return refuse(E_GE, "output %zu is not what the model says", i);
}

/* Finds where the user wants an output. */
static int place_output(const Run *run, size_t i)
{
    DataBuffer *buffer = dataset_buffer(run->output, i, "output");
    Result result;

    if (buffer == NULL)
        return violation_status();
    int found = find_result(run, i, &result);
    if (found != E_NONE)
        return found;
    int status = buffer->data != NULL ? E_NONE : run_give_memory(run->model, buffer, result.size);
    if (status == E_NONE && buffer->size < result.size)
        status = run_refuse_size("output", i, buffer->size, result.size);
    return status != E_NONE ? status
                            : run_bytes(buffer, result.size, &run->output_blob[i], "output", i);
}

/* Moves what the engine made there. */
static int dynamic_output(const Run *run, size_t i)
{
    Result result;
    int status = find_result(run, i, &result);

    if (status != E_NONE)
        return status;
    if (result.size > 0)
        memcpy(run->output_blob[i].bytes, result.bytes, result.size);
    device_written(dataset_peek(run->output, i)->data, result.size);
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
        status = place_output(run, i);
    if (status == E_NONE)
        status = alias_check(run);
    for (size_t i = 0; status == E_NONE && i < inout->outputs.count; i++)
        status = dynamic_output(run, i);
    return status;
}

/* With an output to make memory for, ACL reads beyond its descriptions. */
static int check_outputs(const Run *run)
{
    size_t count = run->model->inout->outputs.count;

    if (run->output->count == count)
        return E_NONE;
    for (size_t i = count; i < run->output->count; i++) {
        const DataBuffer *buffer = dataset_buffer(run->output, i, "output");
        if (buffer != NULL && buffer->data == NULL)
            return violate(V_OUTPUT_BEYOND, "output %zu of %zu", i, count);
    }
    return refuse(E_GE, "the model has %zu outputs, the dataset %zu", count, run->output->count);
}

int run_dynamic(const Run *run)
{
    const Inout *inout = run->model->inout;

    if (run->input->count < inout->inputs.count)
        return refuse(E_PARAM, "the model has %zu inputs, the dataset %zu", inout->inputs.count,
                      run->input->count);
    int status = check_outputs(run);
    if (status != E_NONE)
        return status;
    if (run->model->program.kind == PROGRAM_ONNX)
        return run_dynamic_onnx(run);
    status = run->looked ? E_NONE : alias_check(run);
    return status != E_NONE ? status : run_compute(run);
}
