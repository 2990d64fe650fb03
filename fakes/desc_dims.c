/*
 * desc_dims: aclmdlIODims, the shapes that a description gives.
 *
 * The struct has room for names of 127 characters. A longer one is replaced
 * there, and only there, by one made of the model and the index.
 */
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "desc.h"
#include "gear_run.h"
#include "host_memory.h"
#include "init.h"
#include "message.h"
#include "models.h"
#include "objects.h"

enum { DIMS_MAX = 128, NAME_SIZE = 128 };

static bool name_taken(const Desc *desc, const char *name)
{
    const TensorList *inputs = desc_list(desc, INPUT);
    const TensorList *outputs = desc_list(desc, OUTPUT);

    return tensor_index(inputs, name) < inputs->count ||
           tensor_index(outputs, name) < outputs->count;
}

/*
 * The name that fits into aclmdlIODims: the tensor's own, or one made of the
 * model and the index, with a letter behind while another tensor has it.
 */
static void name_in(const Desc *desc, Direction direction, size_t index,
                    char name[NAME_SIZE])
{
    const char *own = desc_list(desc, direction)->tensor[index].name;

    if (strlen(own) < NAME_SIZE) {
        strcpy(name, own);
        return;
    }
    int length = snprintf(name, NAME_SIZE, "acl_modelId_%u_%s_%zu",
                          desc->model,
                          direction == INPUT ? "input" : "output", index);
    for (char letter = 'a'; letter <= 'z' && name_taken(desc, name); letter++)
        snprintf(name + length, NAME_SIZE - (size_t)length, "_%c", letter);
}

/* A checked tensor of a getter with a status: 0, or that. */
static int need_at(const aclmdlDesc *handle, Direction direction,
                   size_t index, Desc **desc, const TensorInfo **info)
{
    int status = desc_need(handle, desc);

    if (status != E_NONE)
        return status;
    const TensorList *list = desc_list(*desc, direction);
    if (index >= list->count)
        return refuse(E_PARAM, "index %zu, the model has %zu %s", index,
                      list->count, direction == INPUT ? "inputs" : "outputs");
    *info = &list->tensor[index];
    return E_NONE;
}

static int dims_in(aclmdlIODims *to, const int64_t *dims, size_t rank)
{
    if (rank > DIMS_MAX)
        return refuse(E_OVER_LIMIT, "the tensor has %zu dims, aclmdlIODims "
                      "takes 128", rank);
    to->dimCount = rank;
    if (rank > 0)
        memcpy(to->dims, dims, rank * sizeof *dims);
    return E_NONE;
}

static int get_dims(const aclmdlDesc *handle, Direction direction,
                    size_t index, bool second, aclmdlIODims *dims)
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
    name_in(desc, direction, index, dims->name);
    if (second && info->rank_v2 > 0)
        return dims_in(dims, info->dims_v2, info->rank_v2);
    return dims_in(dims, info->dims, info->rank);
}

aclError aclmdlGetInputDims(const aclmdlDesc *modelDesc, size_t index,
                            aclmdlIODims *dims)
{
    ENTER(aclmdlGetInputDims, "modelDesc=%p, index=%zu, dims=%p",
          (const void *)modelDesc, index, (void *)dims);
    LEAVE(get_dims(modelDesc, INPUT, index, false, dims));
}

aclError aclmdlGetInputDimsV2(const aclmdlDesc *modelDesc, size_t index,
                              aclmdlIODims *dims)
{
    ENTER(aclmdlGetInputDimsV2, "modelDesc=%p, index=%zu, dims=%p",
          (const void *)modelDesc, index, (void *)dims);
    LEAVE(get_dims(modelDesc, INPUT, index, true, dims));
}

aclError aclmdlGetOutputDims(const aclmdlDesc *modelDesc, size_t index,
                             aclmdlIODims *dims)
{
    ENTER(aclmdlGetOutputDims, "modelDesc=%p, index=%zu, dims=%p",
          (const void *)modelDesc, index, (void *)dims);
    LEAVE(get_dims(modelDesc, OUTPUT, index, false, dims));
}

/* The dims in the gear that a model accepted last, if ever it did. */
static int gear_dims(const aclmdlDesc *handle, const Desc *desc,
                     const Model *model, size_t index, aclmdlIODims *dims)
{
    size_t gear = model->gear != NULL ? atomic_load(&model->gear->chosen)
                                      : model->inout->gears.count;

    if (gear == model->inout->gears.count)
        return get_dims(handle, OUTPUT, index, false, dims);
    const GearShape *shape = gears_shape(&model->inout->gears, gear, index);
    if (shape == NULL)
        return refuse(E_FAILURE, "the model does not tell the shape of "
                      "output %zu in gear %zu", index, gear);
    name_in(desc, OUTPUT, index, dims->name);
    return dims_in(dims, shape->dims, shape->rank);
}

/* Asks the loaded model, which the lock keeps from being unloaded. */
static int cur_dims(const aclmdlDesc *handle, const Desc *desc, size_t index,
                    aclmdlIODims *dims)
{
    const Model *model = model_find(desc->model);

    if (model != NULL && model->dynamic)
        return refuse(E_NOT_SUPPORTED, "model %u has dynamic shapes; its "
                      "outputs' shapes are in the output dataset after a run",
                      desc->model);
    int status = engine_needed();
    if (status != E_NONE)
        return status;
    if (model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", desc->model);
    return gear_dims(handle, desc, model, index, dims);
}

aclError aclmdlGetCurOutputDims(const aclmdlDesc *modelDesc, size_t index,
                                aclmdlIODims *dims)
{
    ENTER(aclmdlGetCurOutputDims, "modelDesc=%p, index=%zu, dims=%p",
          (const void *)modelDesc, index, (void *)dims);
    Desc *desc = NULL;
    const TensorInfo *info = NULL;
    int status = desc_need(modelDesc, &desc);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dims);
    status = need_at(modelDesc, OUTPUT, index, &desc, &info);
    if (status != E_NONE)
        LEAVE(status);
    models_lock();
    status = cur_dims(modelDesc, desc, index, dims);
    models_unlock();
    LEAVE(status);
}

static int set_ranges(const TensorInfo *info, bool gears,
                      aclmdlIODimsRange *range)
{
    bool stored = !tensor_is_fixed(info) && info->range_count > 0;

    if (gears) {
        range->rangeCount = 0;
        return E_NONE;
    }
    if (info->rank > DIMS_MAX || (stored && info->range_count != info->rank))
        return refuse(E_INTERNAL, "the tensor has %zu dims and %zu ranges",
                      info->rank, info->range_count);
    range->rangeCount = info->rank;
    for (size_t i = 0; i < info->rank; i++) {
        range->range[i][0] = stored ? info->ranges[2 * i] : info->dims[i];
        range->range[i][1] = stored ? info->ranges[2 * i + 1]
                                    : info->dims[i];
    }
    return E_NONE;
}

aclError aclmdlGetInputDimsRange(const aclmdlDesc *modelDesc, size_t index,
                                 aclmdlIODimsRange *dimsRange)
{
    ENTER(aclmdlGetInputDimsRange, "modelDesc=%p, index=%zu, dimsRange=%p",
          (const void *)modelDesc, index, (void *)dimsRange);
    Desc *desc = NULL;
    const TensorInfo *info = NULL;
    int status = desc_need(modelDesc, &desc);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(dimsRange);
    status = need_at(modelDesc, INPUT, index, &desc, &info);
    if (status != E_NONE)
        LEAVE(status);
    LEAVE(set_ranges(info, desc->inout->gears.count > 0, dimsRange));
}

/* The tensor of one list whose shown name this is, or NULL. */
static const char *real_name(const Desc *desc, Direction direction,
                             const char *name)
{
    const TensorList *list = desc_list(desc, direction);
    char shown[NAME_SIZE];

    for (size_t i = 0; i < list->count; i++) {
        name_in(desc, direction, i, shown);
        if (strcmp(shown, name) == 0 ||
            strcmp(list->tensor[i].name, name) == 0)
            return list->tensor[i].name;
    }
    return NULL;
}

const char *aclmdlGetTensorRealName(const aclmdlDesc *modelDesc,
                                    const char *name)
{
    ENTER_AS(aclmdlGetTensorRealName, NULL, "modelDesc=%p, name=%p",
             (const void *)modelDesc, (const void *)name);
    const Desc *desc =
        modelDesc == NULL ? NULL : object_find(modelDesc, KIND_MODEL_DESC,
                                               "modelDesc");
    if (desc == NULL || name == NULL || host_check(name, "name") != E_NONE)
        return NULL;
    const char *input = real_name(desc, INPUT, name);
    return input != NULL ? input : real_name(desc, OUTPUT, name);
}
