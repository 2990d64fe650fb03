/*
 * desc_tensors: what a description says of one tensor, and which tensor has
 * a name.
 */
#include "api/desc.h"
#include "call/calls.h"
#include "call/message.h"
#include "file/numeric.h"
#include "memory/host_memory.h"

size_t aclmdlGetNumInputs(aclmdlDesc *modelDesc)
{
    ENTER_AS(aclmdlGetNumInputs, 0, "modelDesc=%p", (void *)modelDesc);
    return desc_look(modelDesc, INPUT)->count;
}

size_t aclmdlGetNumOutputs(aclmdlDesc *modelDesc)
{
    ENTER_AS(aclmdlGetNumOutputs, 0, "modelDesc=%p", (void *)modelDesc);
    return desc_look(modelDesc, OUTPUT)->count;
}

/* Of a dynamic tensor the bytes of its largest shape, 0 without bounds. */
static size_t size_of(const TensorInfo *info)
{
    size_t bytes;

    if (info == NULL)
        return 0;
    if (tensor_is_fixed(info) || info->range_count == 0)
        return info->size;
    bytes = element_size(info->data_type);
    for (size_t i = 0; i < info->range_count; i++) {
        int64_t most = info->ranges[2 * i + 1];
        if (most <= 0 || !multiply(bytes, (size_t)most, &bytes))
            return 0;
    }
    return bytes;
}

size_t aclmdlGetInputSizeByIndex(aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetInputSizeByIndex, 0, "modelDesc=%p, index=%zu", (void *)modelDesc, index);
    return size_of(desc_look_at(modelDesc, INPUT, index));
}

size_t aclmdlGetOutputSizeByIndex(aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetOutputSizeByIndex, 0, "modelDesc=%p, index=%zu", (void *)modelDesc, index);
    return size_of(desc_look_at(modelDesc, OUTPUT, index));
}

const char *aclmdlGetInputNameByIndex(const aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetInputNameByIndex, "", "modelDesc=%p, index=%zu", (const void *)modelDesc,
             index);
    const TensorInfo *info = desc_look_at(modelDesc, INPUT, index);
    return info != NULL ? info->name : "";
}

const char *aclmdlGetOutputNameByIndex(const aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetOutputNameByIndex, "", "modelDesc=%p, index=%zu", (const void *)modelDesc,
             index);
    const TensorInfo *info = desc_look_at(modelDesc, OUTPUT, index);
    return info != NULL ? info->name : "";
}

aclFormat aclmdlGetInputFormat(const aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetInputFormat, ACL_FORMAT_UNDEFINED, "modelDesc=%p, index=%zu",
             (const void *)modelDesc, index);
    const TensorInfo *info = desc_look_at(modelDesc, INPUT, index);
    return info != NULL ? (aclFormat)info->format : ACL_FORMAT_UNDEFINED;
}

aclFormat aclmdlGetOutputFormat(const aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetOutputFormat, ACL_FORMAT_UNDEFINED, "modelDesc=%p, index=%zu",
             (const void *)modelDesc, index);
    const TensorInfo *info = desc_look_at(modelDesc, OUTPUT, index);
    return info != NULL ? (aclFormat)info->format : ACL_FORMAT_UNDEFINED;
}

aclDataType aclmdlGetInputDataType(const aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetInputDataType, ACL_DT_UNDEFINED, "modelDesc=%p, index=%zu",
             (const void *)modelDesc, index);
    const TensorInfo *info = desc_look_at(modelDesc, INPUT, index);
    return info != NULL ? (aclDataType)info->data_type : ACL_DT_UNDEFINED;
}

aclDataType aclmdlGetOutputDataType(const aclmdlDesc *modelDesc, size_t index)
{
    ENTER_AS(aclmdlGetOutputDataType, ACL_DT_UNDEFINED, "modelDesc=%p, index=%zu",
             (const void *)modelDesc, index);
    const TensorInfo *info = desc_look_at(modelDesc, OUTPUT, index);
    return info != NULL ? (aclDataType)info->data_type : ACL_DT_UNDEFINED;
}

static int index_by_name(const aclmdlDesc *handle, Direction direction, const char *name,
                         size_t *index)
{
    Desc *desc = NULL;
    int status = desc_need(handle, &desc);

    if (status == E_NONE)
        status = argument_check(name, "name");
    if (status == E_NONE)
        status = argument_check(index, "index");
    if (status != E_NONE)
        return status;
    const TensorList *list = desc_list(desc, direction);
    size_t found = tensor_index(list, name);
    if (found == list->count)
        return refuse(E_PARAM, "there is no %s \"%s\"", direction == INPUT ? "input" : "output",
                      name);
    *index = found;
    return E_NONE;
}

aclError aclmdlGetInputIndexByName(const aclmdlDesc *modelDesc, const char *name, size_t *index)
{
    ENTER(aclmdlGetInputIndexByName, "modelDesc=%p, name=%p, index=%p", (const void *)modelDesc,
          (const void *)name, (void *)index);
    LEAVE(index_by_name(modelDesc, INPUT, name, index));
}

aclError aclmdlGetOutputIndexByName(const aclmdlDesc *modelDesc, const char *name, size_t *index)
{
    ENTER(aclmdlGetOutputIndexByName, "modelDesc=%p, name=%p, index=%p", (const void *)modelDesc,
          (const void *)name, (void *)index);
    LEAVE(index_by_name(modelDesc, OUTPUT, name, index));
}
