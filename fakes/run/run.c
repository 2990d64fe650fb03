#include "run/run.h"

#include <stdio.h>

#include "base/now.h"
#include "call/message.h"
#include "call/record.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/memory.h"
#include "model/engine_callback.h"
#include "model/model_memory.h"
#include "model/model_times.h"
#include "run/aipp_feed.h"
#include "run/changes.h"
#include "run/update.h"

/* May the elements of a tensor be loaded from this address? */
static bool aligned(const unsigned char *bytes, int data_type)
{
    size_t size = element_size(data_type);

    return size == 0 || (uintptr_t)bytes % (size > 8 ? 8 : size) == 0;
}

/* Says what is wrong with the memory behind a buffer. */
static int complain_bytes(const DataBuffer *buffer, const Blob *blob, size_t room, const char *what,
                          size_t index)
{
    char argument[32];
    char text[HISTORY_SIZE];

    snprintf(argument, sizeof argument, "%s %zu", what, index);
    if (blob->bytes == NULL)
        return device_complain(buffer->data, argument);
    device_history(buffer->data, text);
    if (room < blob->size)
        return violate(V_SHORT_BUFFER, "%s at %p: %zu bytes left of %zu, %s", argument,
                       buffer->data, room, blob->size, text);
    return violate(V_MISALIGNED, "%s at %p, %s", argument, buffer->data, text);
}

int run_bytes(const DataBuffer *buffer, size_t need, Blob *blob, const char *what, size_t index)
{
    size_t room = 0;

    blob->size = need;
    if (need == 0)
        return E_NONE;
    blob->bytes = device_peek(buffer->data, &room);
    if (blob->bytes != NULL && room >= need && aligned(blob->bytes, blob->data_type))
        return E_NONE;
    return complain_bytes(buffer, blob, room, what, index);
}

int run_give_memory(const Model *model, DataBuffer *buffer, size_t need)
{
    size_t size = need > 0 ? need : 1;
    void *address = device_alloc(model->device, size, size + 32, PAGE_NORMAL, OWNER_USER);

    if (address == NULL)
        return refuse(E_RT_MEMORY,
                      "device %d has no %zu bytes for an "
                      "output",
                      model->device, size);
    *buffer = (DataBuffer){address, size};
    changes_note();
    return E_NONE;
}

Blob run_blob(const TensorInfo *info)
{
    return (Blob){NULL, info->size, memory_dims(info), memory_rank(info), info->data_type};
}

int run_refuse_size(const char *what, size_t i, size_t given, size_t need)
{
    return refuse(E_GE, "%s %zu has %zu bytes, the model needs %zu", what, i, given, need);
}

int run_describe(const Run *run, size_t i, const int64_t *dims, size_t rank)
{
    const TensorInfo *info = &run->model->inout->outputs.tensor[i];
    aclTensorDesc *desc =
        tensor_desc_new(info->data_type, info->format, dims, rank, run->output_handle);

    dataset_set_desc(run->output, i, desc);
    return desc != NULL ? E_NONE : E_BAD_ALLOC;
}

/* An operator's time, for whoever takes a model's operators. */
static void tell_op(const OpTime *time, const void *to)
{
    const Model *model = to;

    record_tell(&(Record){
        .kind = RECORD_OP,
        .seq = call_origin().seq,
        .device = model->device,
        .model = model->id,
        .start_ns = time->start_ns,
        .ns = time->ns,
        .text = time->name,
        .type = time->type,
    });
}

/*
 * Without times the run is what it was: that a file system is full is no
 * failure of a device.
 */
static void tell_engine(const Model *model, const Blob *inputs)
{
    int status = model_times(model, inputs, tell_op, model);

    if (status != E_NONE)
        message_add("model %u runs without times of its operators", model->id);
}

static int run_engine(const Run *run, bool told)
{
    const Blob *inputs = run->input_blob;
    int status = aipp_feed(run->model, run->gear, &inputs);

    if (status != E_NONE)
        return status;
    if (told)
        tell_engine(run->model, inputs);
    model_check_variables(run->model);
    return engine_run(run->model->engine, inputs, run->output_blob);
}

static int run_program(const Run *run, bool told)
{
    Model *model = run->model;

    switch (model->program.kind) {
    case PROGRAM_ONNX:
        return run_engine(run, told);
    case PROGRAM_ASSIGN:
        return update_run(model, run->input);
    case PROGRAM_CALLBACK:
        return callback_run(model, run->input_blob, run->output_blob);
    default:
        return E_NONE;
    }
}

/* A program that is no graph is one operator. */
static int run_told(const Run *run)
{
    static const char *const types[] = {
        [PROGRAM_ASSIGN] = "Assign", [PROGRAM_NULL] = "NoOp", [PROGRAM_CALLBACK] = "Callback"};
    Model *model = run->model;
    uint64_t start = now_ns();

    if (model->program.kind == PROGRAM_ONNX)
        return run_program(run, true);
    int status = run_program(run, false);
    const char *type = types[model->program.kind];
    tell_op(&(OpTime){type, type, start, now_ns() - start}, model);
    return status;
}

int run_compute(const Run *run)
{
    Model *model = run->model;

    if (run->looks)
        return model->program.kind == PROGRAM_ASSIGN ? update_look(model, run->input) : E_NONE;
    Record about = {.kind = RECORD_OP, .device = model->device, .model = model->id};
    return record_wanted(&about) ? run_told(run) : run_program(run, false);
}
