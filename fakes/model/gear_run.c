#include "model/gear_run.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"

static size_t all_dims(const TensorList *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += memory_rank(&list->tensor[i]);
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
        return refuse(E_GE_GEAR,
                      "the model has no gears: it takes one shape "
                      "(compile it with %s)",
                      wish->kind == GEARS_BATCH ? "dynamic_batch"
                      : wish->kind == GEARS_HW  ? "dynamic_hw"
                                                : "dynamic_dims");
    if (wish->kind != inout->gears.kind)
        return refuse(E_GE_GEAR, "the model's gears are %s", kinds[inout->gears.kind]);
    return refuse(E_GE_GEAR,
                  "the model has no gear of these %zu values, the "
                  "first of them %llu",
                  wish->width, (unsigned long long)(wish->width > 0 ? wish->value[0] : 0));
}

int gear_of_wish(const Inout *inout, const GearWish *wish, size_t *gear)
{
    GearWish own = *wish;

    if (wish->kind == GEARS_DIMS && !keep_open(inout, &own))
        return refuse(E_GE_GEAR_LENGTH,
                      "the %zu dims do not fit those of "
                      "the model's inputs",
                      wish->width);
    *gear = inout->gears.count;
    if (wish->kind == inout->gears.kind)
        *gear = gears_find(&inout->gears, own.value, own.width);
    if (*gear < inout->gears.count)
        return E_NONE;
    return refuse_gear(inout, &own);
}
