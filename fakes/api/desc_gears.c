/*
 * desc_gears: the gears that a description tells of.
 *
 * Where a getter takes an index ACL looks at it only to insist on (size_t)-1,
 * or not at all. What is past the count in the user's struct is left alone.
 */
#include "api/desc.h"
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"

enum { GEARS_MAX = 128 };

static const Gears *gears_of(const Desc *desc)
{
    static const Gears none;

    return desc->inout != NULL ? &desc->inout->gears : &none;
}

/* The gears of one kind; none when the model has others. */
static int need_gears(const aclmdlDesc *handle, const void *to, const char *argument, GearKind kind,
                      const Gears **gears)
{
    static const Gears none;
    Desc *desc = NULL;
    int status = desc_need(handle, &desc);

    if (status == E_NONE)
        status = argument_check(to, argument);
    if (status != E_NONE)
        return status;
    *gears = gears_of(desc)->kind == kind ? gears_of(desc) : &none;
    if ((*gears)->count <= GEARS_MAX)
        return E_NONE;
    return refuse(E_OVER_LIMIT, "the model has %zu gears, 128 can be told", (*gears)->count);
}

aclError aclmdlGetDynamicBatch(const aclmdlDesc *modelDesc, aclmdlBatch *batch)
{
    ENTER(aclmdlGetDynamicBatch, "modelDesc=%p, batch=%p", (const void *)modelDesc, (void *)batch);
    const Gears *gears = NULL;
    int status = need_gears(modelDesc, batch, "batch", GEARS_BATCH, &gears);
    if (status != E_NONE)
        LEAVE(status);
    batch->batchCount = gears->count;
    for (size_t i = 0; i < gears->count; i++)
        batch->batch[i] = gears->gear[i].value[0];
    LEAVE(E_NONE);
}

aclError aclmdlGetDynamicHW(const aclmdlDesc *modelDesc, size_t index, aclmdlHW *hw)
{
    ENTER(aclmdlGetDynamicHW, "modelDesc=%p, index=%zu, hw=%p", (const void *)modelDesc, index,
          (void *)hw);
    const Gears *gears = NULL;
    int status = need_gears(modelDesc, hw, "hw", GEARS_HW, &gears);
    if (status != E_NONE)
        LEAVE(status);
    for (size_t i = 0; i < gears->count; i++)
        if (gears->gear[i].width != 2)
            LEAVE(refuse(E_FAILURE,
                         "gear %zu has %zu values, not a height "
                         "and a width",
                         i, gears->gear[i].width));
    hw->hwCount = gears->count;
    for (size_t i = 0; i < gears->count; i++)
        memcpy(hw->hw[i], gears->gear[i].value, sizeof hw->hw[i]);
    LEAVE(E_NONE);
}

static int check_index(size_t index)
{
    if (index == (size_t)-1)
        return E_NONE;
    return refuse(E_PARAM, "index is %zu, it must be -1", index);
}

aclError aclmdlGetInputDynamicGearCount(const aclmdlDesc *modelDesc, size_t index,
                                        size_t *gearCount)
{
    ENTER(aclmdlGetInputDynamicGearCount,
          "modelDesc=%p, index=%zu, "
          "gearCount=%p",
          (const void *)modelDesc, index, (void *)gearCount);
    const Gears *gears = NULL;
    int status = need_gears(modelDesc, gearCount, "gearCount", GEARS_DIMS, &gears);
    if (check_index(index) != E_NONE)
        LEAVE(E_PARAM);
    if (status == E_NONE)
        *gearCount = gears->count;
    LEAVE(status);
}

/* The dims of one input, the open ones from the gear. False: it ran out. */
static bool append_dims(const TensorInfo *info, const Gear *gear, size_t *used, aclmdlIODims *dims)
{
    for (size_t k = 0; k < info->rank; k++) {
        int64_t dim = info->dims[k];
        if (dims->dimCount == GEARS_MAX || (dim < 0 && *used == gear->width))
            return false;
        if (dim < 0)
            dim = (int64_t)gear->value[(*used)++];
        dims->dims[dims->dimCount++] = dim;
    }
    return true;
}

/* All inputs' dims in a gear, one behind the other in the user's order. */
static int show_gear(const Inout *inout, const Gear *gear, aclmdlIODims *dims)
{
    size_t used = 0;
    bool fits = true;

    dims->name[0] = '\0';
    dims->dimCount = 0;
    for (size_t i = 0; fits && i < inout->gears.order_count; i++) {
        size_t at = tensor_index(&inout->inputs, inout->gears.order[i]);
        if (at < inout->inputs.count)
            fits = append_dims(&inout->inputs.tensor[at], gear, &used, dims);
    }
    if (fits && used == gear->width)
        return E_NONE;
    return refuse(E_FAILURE,
                  "a gear has %zu values, which do not fit the "
                  "inputs' open dims",
                  gear->width);
}

aclError aclmdlGetInputDynamicDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims,
                                   size_t gearCount)
{
    ENTER(aclmdlGetInputDynamicDims,
          "modelDesc=%p, index=%zu, dims=%p, "
          "gearCount=%zu",
          (const void *)modelDesc, index, (void *)dims, gearCount);
    const Gears *gears = NULL;
    Desc *desc = NULL;
    int status = need_gears(modelDesc, dims, "dims", GEARS_DIMS, &gears);
    if (status == E_NONE)
        status = check_index(index);
    if (status != E_NONE)
        LEAVE(status);
    if (gearCount < gears->count)
        LEAVE(
            refuse(E_PARAM, "gearCount is %zu, the model has %zu gears", gearCount, gears->count));
    status = desc_need(modelDesc, &desc);
    for (size_t i = 0; status == E_NONE && i < gears->count; i++)
        status = show_gear(desc->inout, &gears->gear[i], &dims[i]);
    LEAVE(status);
}
