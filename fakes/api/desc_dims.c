/*
 * desc_dims: aclmdlIODims, the shapes that a description gives.
 *
 * Names in the struct may be others than the tensors' (desc_names.c).
 */
#include <string.h>

#include "api/desc.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "model/gear_run.h"
#include "model/models.h"
#include "runtime/initialised.h"

enum { DIMS_MAX = 128 };

/* A checked tensor of a getter with a status: 0, or that. */
static int need_at(const aclmdlDesc *handle, Direction direction, size_t index, Desc **desc,
                   const TensorInfo **info)
{
    int status = desc_need(handle, desc);

    if (status != E_NONE)
        return status;
    const TensorList *list = desc_list(*desc, direction);
    if (index >= list->count)
        return refuse(E_PARAM, "index %zu, the model has %zu %s", index, list->count,
                      direction == INPUT ? "inputs" : "outputs");
    *info = &list->tensor[index];
    return E_NONE;
}

static int dims_in(aclmdlIODims *to, const int64_t *dims, size_t rank)
{
    if (rank > DIMS_MAX)
        return refuse(E_OVER_LIMIT,
                      "the tensor has %zu dims, aclmdlIODims "
                      "takes 128",
                      rank);
    to->dimCount = rank;
    if (rank > 0)
        memcpy(to->dims, dims, rank * sizeof *dims);
    return E_NONE;
}

static int get_dims(const aclmdlDesc *handle, Direction direction, size_t index, bool second,
                    aclmdlIODims *dims)
{
    Desc *desc = NULL;
    const TensorInfo *info = NULL;

    if (handle == NULL)
        return refuse(E_PARAM, "modelDesc is NULL");
    int status = argument_check(dims, "dims");
    if (status == E_NONE)
        status = need_at(handle, direction, index, &desc, &info);
    if (status != E_NONE)
        return status;
    desc_name(desc, direction, index, dims->name);
    if (second && info->rank_v2 > 0)
        return dims_in(dims, info->dims_v2, info->rank_v2);
    return dims_in(dims, info->dims, info->rank);
}

aclError aclmdlGetInputDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims)
{
    ENTER(aclmdlGetInputDims, "modelDesc=%p, index=%zu, dims=%p", (const void *)modelDesc, index,
          (void *)dims);
    LEAVE(get_dims(modelDesc, INPUT, index, false, dims));
}

aclError aclmdlGetInputDimsV2(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims)
{
    ENTER(aclmdlGetInputDimsV2, "modelDesc=%p, index=%zu, dims=%p", (const void *)modelDesc, index,
          (void *)dims);
    LEAVE(get_dims(modelDesc, INPUT, index, true, dims));
}

aclError aclmdlGetOutputDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims)
{
    ENTER(aclmdlGetOutputDims, "modelDesc=%p, index=%zu, dims=%p", (const void *)modelDesc, index,
          (void *)dims);
    LEAVE(get_dims(modelDesc, OUTPUT, index, false, dims));
}

/* The dims in the gear that a model accepted last, if ever it did. */
static int gear_dims(const aclmdlDesc *handle, const Desc *desc, const Model *model, size_t index,
                     aclmdlIODims *dims)
{
    size_t gear =
        model->gear != NULL ? atomic_load(&model->gear->chosen) : model->inout->gears.count;

    if (gear == model->inout->gears.count)
        return get_dims(handle, OUTPUT, index, false, dims);
    const GearShape *shape = gears_shape(&model->inout->gears, gear, index);
    if (shape == NULL)
        return refuse(E_FAILURE,
                      "the model does not tell the shape of "
                      "output %zu in gear %zu",
                      index, gear);
    desc_name(desc, OUTPUT, index, dims->name);
    return dims_in(dims, shape->dims, shape->rank);
}

/* A dynamic model is refused before the index is looked at. */
static int cur_dims(const aclmdlDesc *handle, Desc *desc, const Model *model, size_t index,
                    aclmdlIODims *dims)
{
    const TensorInfo *info = NULL;

    if (model != NULL && model->dynamic)
        return refuse(E_NOT_SUPPORTED,
                      "model %u has dynamic shapes; its "
                      "outputs' shapes are in the output dataset after a run",
                      desc->model);
    int status = need_at(handle, OUTPUT, index, &desc, &info);
    if (status == E_NONE)
        status = engine_needed();
    if (status != E_NONE)
        return status;
    if (model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", desc->model);
    return gear_dims(handle, desc, model, index, dims);
}

aclError aclmdlGetCurOutputDims(const aclmdlDesc *modelDesc, size_t index, aclmdlIODims *dims)
{
    ENTER(aclmdlGetCurOutputDims, "modelDesc=%p, index=%zu, dims=%p", (const void *)modelDesc,
          index, (void *)dims);
    Desc *desc = NULL;
    int status = desc_need(modelDesc, &desc);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dims);
    Model *model = model_hold(desc->model);
    status = cur_dims(modelDesc, desc, model, index, dims);
    model_let_go(model);
    LEAVE(status);
}

static int set_ranges(const TensorInfo *info, aclmdlIODimsRange *range)
{
    bool stored = !tensor_is_fixed(info) && info->range_count > 0;

    if (info->rank > DIMS_MAX || (stored && info->range_count != info->rank))
        return refuse(E_INTERNAL, "the tensor has %zu dims and %zu ranges", info->rank,
                      info->range_count);
    range->rangeCount = info->rank;
    for (size_t i = 0; i < info->rank; i++) {
        range->range[i][0] = stored ? info->ranges[2 * i] : info->dims[i];
        range->range[i][1] = stored ? info->ranges[2 * i + 1] : info->dims[i];
    }
    return E_NONE;
}

aclError aclmdlGetInputDimsRange(const aclmdlDesc *modelDesc, size_t index,
                                 aclmdlIODimsRange *dimsRange)
{
    ENTER(aclmdlGetInputDimsRange, "modelDesc=%p, index=%zu, dimsRange=%p", (const void *)modelDesc,
          index, (void *)dimsRange);
    Desc *desc = NULL;
    const TensorInfo *info = NULL;
    int status = desc_need(modelDesc, &desc);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dimsRange);
    if (desc->inout != NULL && desc->inout->gears.count > 0) {
        dimsRange->rangeCount = 0;
        LEAVE(E_NONE);
    }
    status = need_at(modelDesc, INPUT, index, &desc, &info);
    LEAVE(status != E_NONE ? status : set_ranges(info, dimsRange));
}
