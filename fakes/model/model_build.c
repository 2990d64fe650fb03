#include "model/model_build.h"

#include <stdlib.h>

#include "aipp/image.h"
#include "file/aipp_gear.h"
#include "base/codes.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/program_check.h"
#include "memory/memory.h"
#include "model/external.h"
#include "model/gear_run.h"
#include "model/model_engine.h"
#include "model/model_memory.h"
#include "model/models.h"
#include "runtime/context.h"
#include "stream/order.h"

static int parse(Bytes file, Om *om, Model *model)
{
    int status = om_parse(file, om);

    if (status != E_NONE)
        return status;
    model->dynamic = om->dynamic;
    model->inout = inout_parse(om->part[PART_INOUT]);
    if (model->inout == NULL)
        return GE_FAILED;
    status = program_parse(om, model->inout, &model->program);
    for (size_t i = 0; status == E_NONE && i < model->program.aipps.count; i++)
        status = aipp_record_fits(program_aipp(&model->program, i));
    return status;
}

/* Device memory ran out: the two executors say it differently. */
static int refuse_memory(const Model *model, const char *what, size_t size)
{
    return refuse(model->dynamic ? GE_FAILED : E_GE_MEMORY,
                  "device %d has no %zu bytes for the model's %s", model->device, size, what);
}

/* The user's memory if some was given, else ours; none if none is needed. */
static int take_area(const Model *model, const Area *given, size_t need, const char *what,
                     Area *area)
{
    if (given->address != NULL) {
        if (given->size < need)
            return refuse(E_GE_PARAM,
                          "the model needs %zu bytes of %s, "
                          "%zu were given",
                          need, what, given->size);
        if (device_bytes(given->address, given->size, what) == NULL)
            return violation_status();
        *area = (Area){given->address, given->size, false};
        return E_NONE;
    }
    if (need == 0)
        return E_NONE;
    void *address = device_alloc(model->device, need, need, PAGE_HUGE, OWNER_LIBRARY);
    if (address == NULL)
        return refuse_memory(model, what, need);
    *area = (Area){address, need, true};
    return E_NONE;
}

/* A task may still compute with what lies there. */
static int fill_weights(const Area *area, Bytes weights)
{
    int status =
        order_check_host(CLAIM_MEMORY, area->address, weights.size, true, "the load writes");

    if (status != E_NONE)
        return status;
    memcpy(device_bytes(area->address, weights.size, "weights"), weights.data, weights.size);
    device_written(area->address, weights.size);
    return E_NONE;
}

/* A model with dynamic shapes finds its work memory as it runs. */
static int take_memory(Model *model, const LoadOptions *options, Bytes weights)
{
    static const Area none;
    const Area *work = model->dynamic ? &none : &options->work;
    size_t work_size = model->dynamic ? 0 : model->program.work_size;
    int status = take_area(model, work, work_size, "work memory", &model->work);

    if (status == E_NONE)
        status = take_area(model, &options->weights, weights.size, "weights", &model->weights);
    if (status != E_NONE || weights.size == 0)
        return status;
    return fill_weights(&model->weights, weights);
}

static int take_variables(Model *model)
{
    size_t count = model->program.variables.count;

    model->variable = calloc(count + 1, sizeof *model->variable);
    if (model->variable == NULL)
        return refuse(GE_FAILED, "no memory for %zu variables", count);
    int status = variables_bind(model->variables, &model->program, model->device, model->variable);
    return status == E_GE_MEMORY && model->dynamic ? GE_FAILED : status;
}

static int take_blobs(Model *model)
{
    model->input = calloc(model->inout->inputs.count + 1, sizeof *model->input);
    model->output = calloc(model->inout->outputs.count + 1, sizeof *model->output);
    if (model->inout->gears.count > 0 && !model->dynamic)
        model->gear = gear_run_new(model->inout);
    if (model->input != NULL && model->output != NULL &&
        (model->gear != NULL || model->inout->gears.count == 0 || model->dynamic))
        return E_NONE;
    return refuse(GE_FAILED, "no memory for the model's tensors");
}

/* Room for what AIPP makes in the largest gear. */
static int take_front(Model *model)
{
    size_t count = model->program.aipps.count;

    if (count == 0)
        return E_NONE;
    model->fed = calloc(model->inout->inputs.count, sizeof *model->fed);
    model->front = calloc(count, sizeof *model->front);
    model->front_dims = calloc(4 * count, sizeof *model->front_dims);
    bool there = model->fed != NULL && model->front != NULL && model->front_dims != NULL;
    for (size_t i = 0; there && i < count; i++) {
        AippRecord largest =
            aipp_in_largest(program_aipp(&model->program, i), &model->inout->gears);
        model->front[i] = calloc((size_t)largest.dims[0], aipp_tensor_bytes(&largest));
        there = model->front[i] != NULL;
    }
    return there ? E_NONE : refuse(GE_FAILED, "no memory for what AIPP makes");
}

static int build(Bytes file, const LoadOptions *options, Model *model)
{
    Om om;
    int status = parse(file, &om, model);

    model->variables =
        options->variables != NULL ? variables_share(options->variables) : variables_new();
    if (status == E_NONE && model->variables == NULL)
        status = refuse(GE_FAILED, "no memory for a model");
    if (status == E_NONE)
        status = context_needed();
    if (status != E_NONE)
        return status;
    model->context = context_current();
    model->device = context_device();
    status = take_memory(model, options, om.part[PART_WEIGHTS]);
    if (status == E_NONE)
        status = external_take(model, options);
    if (status == E_NONE)
        status = take_variables(model);
    if (status == E_NONE)
        status = model_open_engine(model);
    if (status == E_NONE)
        status = model_lent_take(model);
    if (status == E_NONE)
        status = take_front(model);
    return status == E_NONE ? take_blobs(model) : status;
}

static void area_free(const Area *area)
{
    if (area->owned)
        device_release(area->address);
}

/* Gives back all that a model has whose last hold ended; not the struct. */
static void strip(Model *model)
{
    if (model->own_stream != NULL)
        stream_close(model->own_stream);
    engine_close(model->engine);
    model_lent_free(model);
    free(model->now.claim);
    gear_run_free(model->gear);
    variables_drop(model->variables);
    area_free(&model->work);
    area_free(&model->weights);
    for (size_t i = 0; model->external != NULL && i < model->program.externals.count; i++)
        area_free(&model->external[i]);
    free(model->external);
    free(model->constant);
    for (size_t i = 0; model->front != NULL && i < model->program.aipps.count; i++)
        free(model->front[i]);
    free(model->front);
    free(model->front_dims);
    free(model->fed);
    program_free(&model->program);
    inout_drop(model->inout);
    free(model->variable);
    free(model->input);
    free(model->output);
}

int model_build(Bytes file, const LoadOptions *options, Model **model)
{
    Model *made = calloc(1, sizeof *made);

    if (made == NULL)
        return refuse(GE_FAILED, "no memory for a model");
    made->holders = 1;
    made->strip = strip;
    made->state = MODEL_IDLE;
    made->bundle = options->bundle;
    made->loaded = call_origin();
    int status = build(file, options, made);
    if (status == E_NONE) {
        made->memory_epoch = device_memory_epoch();
        *model = made;
        return E_NONE;
    }
    model_let_go(made);
    return status;
}
