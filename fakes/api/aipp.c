/*
 * aipp: what a loaded model says of AIPP in front of its inputs.
 */
#include <string.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "file/aipp_gear.h"
#include "file/numeric.h"
#include "memory/host_memory.h"
#include "model/models.h"
#include "runtime/initialised.h"

#define NO_INPUT UINT32_MAX     /* what GE begins with: attached to none */

enum { SHAPES_MAX = 128 };      /* of aclAippInfo */

/* A model that has the input: held, and 0; or a status, and *model is NULL. */
static int hold_model(uint32_t modelId, size_t index, Model **model)
{
    int status = engine_needed();

    *model = NULL;
    if (status != E_NONE)
        return status;
    *model = model_hold(modelId);
    if (*model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
    size_t count = (*model)->inout->inputs.count;
    if (index < count)
        return E_NONE;
    model_let_go(*model);
    *model = NULL;
    return refuse(E_PARAM, "index %zu is not one of the %zu inputs of model %u", index, count,
                  modelId);
}

static void find_type(const Model *model, size_t index, aclmdlInputAippType *type, size_t *attached)
{
    *type = ACL_DATA_WITHOUT_AIPP;
    *attached = NO_INPUT;
    for (size_t i = 0; i < model->program.aipps.count; i++) {
        const AippRecord *record = program_aipp(&model->program, i);
        if (record->parameters == index) {
            *type = ACL_DYNAMIC_AIPP_NODE;
        } else if (record->input == index) {
            bool dynamic = record->mode == AIPP_DYNAMIC;
            *type = dynamic ? ACL_DATA_WITH_DYNAMIC_AIPP : ACL_DATA_WITH_STATIC_AIPP;
            *attached = record->parameters;
        }
    }
}

aclError aclmdlGetAippType(uint32_t modelId, size_t index, aclmdlInputAippType *type,
                           size_t *dynamicAttachedDataIndex)
{
    ENTER(aclmdlGetAippType,
          "modelId=%u, index=%zu, type=%p, "
          "dynamicAttachedDataIndex=%p",
          modelId, index, (void *)type, (void *)dynamicAttachedDataIndex);
    Model *model = NULL;
    NOT_NULL(dynamicAttachedDataIndex);
    NOT_NULL(type);
    int status = hold_model(modelId, index, &model);
    if (status != E_NONE)
        LEAVE(status);
    find_type(model, index, type, dynamicAttachedDataIndex);
    model_let_go(model);
    LEAVE(E_NONE);
}

/* The numbers of a static configuration; those of a dynamic one are 0. */
static void tell_configuration(const AippRecord *record, aclAippInfo *info)
{
    const AippNumbers *number = &record->number;
    int32_t *matrix = &info->matrixR0C0;

    info->inputFormat = (aclAippInputFormat)record->input_format;
    info->srcImageSizeW = number->src_image_size_w;
    info->srcImageSizeH = number->src_image_size_h;
    info->cropSwitch = (int8_t)number->crop;
    info->loadStartPosW = number->load_start_pos_w;
    info->loadStartPosH = number->load_start_pos_h;
    info->cropSizeW = number->crop_size_w;
    info->cropSizeH = number->crop_size_h;
    info->resizeSwitch = (int8_t)number->resize;
    info->resizeOutputW = number->resize_output_w;
    info->resizeOutputH = number->resize_output_h;
    info->paddingSwitch = (int8_t)number->padding;
    info->leftPaddingSize = number->left_padding_size;
    info->rightPaddingSize = number->right_padding_size;
    info->topPaddingSize = number->top_padding_size;
    info->bottomPaddingSize = number->bottom_padding_size;
    info->cscSwitch = (int8_t)number->csc_switch;
    info->rbuvSwapSwitch = (int8_t)number->rbuv_swap_switch;
    info->axSwapSwitch = (int8_t)number->ax_swap_switch;
    info->singleLineMode = (int8_t)number->single_line_mode;
    _Static_assert(offsetof(aclAippInfo, meanChn3) - offsetof(aclAippInfo, matrixR0C0) ==
                       18 * sizeof(int32_t),
                   "matrix, biases and means lie in a row");
    memcpy(matrix, number->matrix, 19 * sizeof *matrix);
    memcpy(&info->minChn0, record->real.min, sizeof record->real.min);
    memcpy(&info->varReciChn0, record->real.var_reci, sizeof record->real.var_reci);
}

static int tell_dims(const AippRecord *record, const char *name, aclmdlIODims *dims, size_t *size)
{
    if (strlen(name) >= sizeof dims->name)
        return refuse(E_FAILURE, "the name \"%.40s...\" does not fit in 127 characters", name);
    strcpy(dims->name, name);
    dims->dimCount = 4;
    memcpy(dims->dims, record->dims, sizeof record->dims);
    *size = (size_t)record->dims[0] * aipp_tensor_bytes(record);
    return E_NONE;
}

/* The graph's tensor in each gear, or once; AIPP makes it as the graph takes it. */
static int tell_shapes(const Model *model, const AippRecord *record, aclAippInfo *info)
{
    const Gears *gears = &model->inout->gears;
    const char *name = model->inout->inputs.tensor[record->input].name;
    int status = E_NONE;

    info->shapeCount = gears->count > 0 ? gears->count : 1;
    info->srcFormat = record->nhwc ? ACL_FORMAT_NHWC : ACL_FORMAT_NCHW;
    info->srcDatatype = (aclDataType)record->data_type;
    info->srcDimNum = 4;
    if (info->shapeCount > SHAPES_MAX)
        return refuse(E_GE, "the model has %zu gears, 128 can be told", info->shapeCount);
    for (size_t i = 0; status == E_NONE && i < info->shapeCount; i++) {
        AippRecord own = aipp_in_gear(record, gears, i);
        aclAippDims *dims = &info->outDims[i];
        status = tell_dims(&own, name, &dims->srcDims, &dims->srcSize);
        if (status == E_NONE)
            status = tell_dims(&own, "features", &dims->aippOutdims, &dims->aippOutSize);
    }
    return status;
}

/* The input with the parameters has a configuration, and no shape of an image. */
static int tell(const Model *model, size_t index, aclAippInfo *info)
{
    for (size_t i = 0; i < model->program.aipps.count; i++) {
        const AippRecord *record = program_aipp(&model->program, i);
        if (record->input != index && record->parameters != index)
            continue;
        tell_configuration(record, info);
        if (record->input == index)
            return tell_shapes(model, record, info);
        info->shapeCount = 1;
    }
    return refuse(E_GE_NO_AIPP, "no AIPP makes what input %zu takes", index);
}

aclError aclmdlGetFirstAippInfo(uint32_t modelId, size_t index, aclAippInfo *aippInfo)
{
    ENTER(aclmdlGetFirstAippInfo, "modelId=%u, index=%zu, aippInfo=%p", modelId, index,
          (void *)aippInfo);
    Model *model = NULL;
    NOT_NULL(aippInfo);
    int status = hold_model(modelId, index, &model);
    if (status != E_NONE)
        LEAVE(status);
    status = tell(model, index, aippInfo);
    model_let_go(model);
    LEAVE(status);
}
