#include "run/gear_choose.h"

#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/memory.h"
#include "model/gear_run.h"

/* The gear whose numbers lie in the gear input, or the count. */
static int read_gear(const Run *run, size_t index, size_t *gear)
{
    const Gears *gears = &run->model->inout->gears;
    const DataBuffer *buffer = dataset_buffer(run->input, index, "input");
    size_t width = gears->gear[0].width;
    uint64_t value[GEAR_WIDTH_MAX] = {0};

    *gear = gears->count;
    if (buffer == NULL)
        return violation_status();
    size_t size = buffer->size >= width * 8 ? 8 : 4;
    if (width > GEAR_WIDTH_MAX || buffer->size < width * size)
        return E_NONE;
    const unsigned char *bytes = device_bytes(buffer->data, width * size, GEAR_INPUT);
    if (bytes == NULL)
        return violation_status();
    for (size_t i = 0; i < width; i++)
        memcpy(&value[i], bytes + i * size, size);
    *gear = gears_find(gears, value, width);
    return E_NONE;
}

/* Strict: there must be a gear, and the one that the dataset wishes for. */
static int check_gear(const Run *run, size_t gear)
{
    const Inout *inout = run->model->inout;
    const GearWish *wish = &run->input->wish;
    size_t wished = gear;

    if (!settings.strict)
        return E_NONE;
    if (gear == inout->gears.count)
        return violate(V_NO_GEAR, "model %u", run->model->id);
    if (wish->kind != GEARS_NONE &&
        (gear_of_wish(inout, wish, &wished) != E_NONE || wished != gear))
        return violate(V_OTHER_GEAR, "model %u would run in gear %zu", run->model->id, gear);
    return E_NONE;
}

/*
 * Puts a gear's values where the first so many dims of an input are open; how
 * many were put, in *used.
 */
static void set_dims(const TensorInfo *info, const Gear *gear, size_t rank, int64_t *dims,
                     size_t *used)
{
    for (size_t k = 0; k < memory_rank(info); k++) {
        dims[k] = memory_dims(info)[k];
        if (k < rank && dims[k] < 0 && gear->width > 0)
            dims[k] = (int64_t)gear->value[(*used)++ % gear->width];
    }
}

/*
 * A batch, or height and width, is the same for every input. The gear's own
 * input was read already, in whichever width its numbers have. Of images
 * that dynamic AIPP takes the gear says how many there are, not their size.
 */
static int fill_inputs(const Model *model, const Gear *gear, GearRun *to)
{
    const Inout *inout = model->inout;
    int64_t *dims = to->dims;
    size_t used = 0;

    for (size_t i = 0; i < inout->inputs.count; i++) {
        const TensorInfo *info = &inout->inputs.tensor[i];
        Blob *blob = &to->input[i];
        bool images = program_takes_any_image(&model->program, i);
        if (inout->gears.kind != GEARS_DIMS)
            used = 0;
        set_dims(info, gear, images ? 1 : memory_rank(info), dims, &used);
        *blob = (Blob){NULL, info->size, dims, memory_rank(info), info->data_type};
        dims += memory_rank(info);
        if (!images && !tensor_bytes(blob->dims, blob->rank, blob->data_type, &blob->size))
            return refuse(E_GE, "input %zu has no size in this gear", i);
    }
    if (to->input_index < inout->inputs.count)
        to->input[to->input_index].size = 0;
    if (inout->gears.kind == GEARS_DIMS && used != gear->width)
        return refuse(E_GE,
                      "the gear has %zu values, the inputs %zu open "
                      "dims",
                      gear->width, used);
    return E_NONE;
}

static int fill_outputs(const Inout *inout, size_t gear, GearRun *to)
{
    for (size_t i = 0; i < inout->outputs.count; i++) {
        const TensorInfo *info = &inout->outputs.tensor[i];
        const GearShape *shape = gears_shape(&inout->gears, gear, i);
        Blob *blob = &to->output[i];
        *blob = run_blob(info);
        if (shape == NULL)
            continue;
        blob->dims = shape->dims;
        blob->rank = shape->rank;
        if (!tensor_bytes(blob->dims, blob->rank, blob->data_type, &blob->size))
            return refuse(E_GE, "output %zu has no size in this gear", i);
    }
    return E_NONE;
}

/* On a device the last gear is what an unknown one runs in. */
int gear_choose(const Run *run)
{
    const Model *model = run->model;
    const Inout *inout = model->inout;
    GearRun *to = run->gear;
    size_t gear = inout->gears.count;
    int status = E_NONE;

    if (to->input_index < run->input->count)
        status = read_gear(run, to->input_index, &gear);
    if (status == E_NONE)
        status = check_gear(run, gear);
    if (status != E_NONE)
        return status;
    if (gear == inout->gears.count)
        gear--;
    if (gear == to->current)
        return E_NONE;
    to->current = inout->gears.count;
    if (model->engine != NULL && !run->looks)
        engine_forget(model->engine);
    status = fill_inputs(model, &inout->gears.gear[gear], to);
    if (status == E_NONE)
        status = fill_outputs(inout, gear, to);
    if (status == E_NONE)
        to->current = gear;
    return status;
}
