#include "model/gear_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "runtime/memory.h"

static size_t all_dims(const TensorList *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += list->tensor[i].rank;
    return count;
}

GearRun *gear_run_new(const Inout *inout)
{
    GearRun *gear = calloc(1, sizeof *gear);

    if (gear == NULL)
        return NULL;
    atomic_store(&gear->chosen, inout->gears.count);
    gear->current = inout->gears.count;
    gear->input_index = tensor_index(&inout->inputs, GEAR_INPUT);
    gear->input = calloc(inout->inputs.count + 1, sizeof *gear->input);
    gear->output = calloc(inout->outputs.count + 1, sizeof *gear->output);
    gear->dims = calloc(all_dims(&inout->inputs) + 1, sizeof *gear->dims);
    if (gear->input != NULL && gear->output != NULL && gear->dims != NULL)
        return gear;
    gear_run_free(gear);
    return NULL;
}

void gear_run_free(GearRun *gear)
{
    if (gear == NULL)
        return;
    free(gear->input);
    free(gear->output);
    free(gear->dims);
    free(gear);
}

/* The open dims among those of a wish, in its place. False: they misfit. */
static bool keep_open(const Inout *inout, GearWish *wish)
{
    size_t at = 0;
    size_t kept = 0;

    for (size_t i = 0; i < inout->gears.order_count; i++) {
        size_t input = tensor_index(&inout->inputs, inout->gears.order[i]);
        if (input == inout->inputs.count)
            continue;
        const TensorInfo *info = &inout->inputs.tensor[input];
        for (size_t k = 0; k < info->rank; k++, at++) {
            if (at == wish->width)
                return false;
            if (info->dims[k] < 0)
                wish->value[kept++] = wish->value[at];
            else if ((uint64_t)info->dims[k] != wish->value[at])
                return false;
        }
    }
    bool all = at == wish->width;
    wish->width = kept;
    return all;
}

/* Says which gears the model has, where it has none of the kind wished for. */
static int refuse_gear(const Inout *inout, const GearWish *wish)
{
    static const char *const kinds[] = {
        [GEARS_BATCH] = "of batch sizes (aclmdlSetDynamicBatchSize)",
        [GEARS_HW] = "of heights and widths (aclmdlSetDynamicHWSize)",
        [GEARS_DIMS] = "of dims (aclmdlSetInputDynamicDims)"};

    if (inout->gears.count == 0)
        return refuse(E_GE_GEAR, "the model has no gears: it takes one shape "
                      "(compile it with %s)",
                      wish->kind == GEARS_BATCH ? "dynamic_batch"
                      : wish->kind == GEARS_HW  ? "dynamic_hw"
                                                : "dynamic_dims");
    if (wish->kind != inout->gears.kind)
        return refuse(E_GE_GEAR, "the model's gears are %s",
                      kinds[inout->gears.kind]);
    return refuse(E_GE_GEAR, "the model has no gear of these %zu values, the "
                  "first of them %llu", wish->width,
                  (unsigned long long)(wish->width > 0 ? wish->value[0] : 0));
}

int gear_of_wish(const Inout *inout, const GearWish *wish, size_t *gear)
{
    GearWish own = *wish;

    if (wish->kind == GEARS_DIMS && !keep_open(inout, &own))
        return refuse(E_GE_GEAR_LENGTH, "the %zu dims do not fit those of "
                      "the model's inputs", wish->width);
    *gear = inout->gears.count;
    if (wish->kind == inout->gears.kind)
        *gear = gears_find(&inout->gears, own.value, own.width);
    if (*gear < inout->gears.count)
        return E_NONE;
    return refuse_gear(inout, &own);
}

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
    const unsigned char *bytes = device_bytes(buffer->data, width * size,
                                              GEAR_INPUT);
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
        return violate(V_OTHER_GEAR, "model %u would run in gear %zu",
                       run->model->id, gear);
    return E_NONE;
}

/* Puts a gear's values where an input's dims are open; how many, in *used. */
static void set_dims(const TensorInfo *info, const Gear *gear, int64_t *dims,
                     size_t *used)
{
    for (size_t k = 0; k < info->rank; k++) {
        dims[k] = info->dims[k];
        if (dims[k] < 0 && gear->width > 0)
            dims[k] = (int64_t)gear->value[(*used)++ % gear->width];
    }
}

/*
 * A batch, or height and width, is the same for every input. The gear's own
 * input was read already, in whichever width its numbers have.
 */
static int fill_inputs(const Inout *inout, const Gear *gear, GearRun *to)
{
    int64_t *dims = to->dims;
    size_t used = 0;

    for (size_t i = 0; i < inout->inputs.count; i++) {
        const TensorInfo *info = &inout->inputs.tensor[i];
        Blob *blob = &to->input[i];
        if (inout->gears.kind != GEARS_DIMS)
            used = 0;
        set_dims(info, gear, dims, &used);
        *blob = (Blob){NULL, info->size, dims, info->rank, info->data_type};
        dims += info->rank;
        if (!tensor_bytes(blob->dims, blob->rank, blob->data_type,
                          &blob->size))
            return refuse(E_GE, "input %zu has no size in this gear", i);
    }
    if (to->input_index < inout->inputs.count)
        to->input[to->input_index].size = 0;
    if (inout->gears.kind == GEARS_DIMS && used != gear->width)
        return refuse(E_GE, "the gear has %zu values, the inputs %zu open "
                      "dims", gear->width, used);
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
        if (!tensor_bytes(blob->dims, blob->rank, blob->data_type,
                          &blob->size))
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
    status = fill_inputs(inout, &inout->gears.gear[gear], to);
    if (status == E_NONE)
        status = fill_outputs(inout, gear, to);
    if (status == E_NONE)
        to->current = gear;
    return status;
}
