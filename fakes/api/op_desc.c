/*
 * op_desc: which operator failed, for an exception callback that asks.
 *
 * A graph here runs as one task, so its inputs and outputs are described as
 * the operator's. The operator's name is the one ONNX Runtime blamed, where
 * it blamed one, else "model_<id>".
 */
#include <string.h>

#include "base/acl.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "model/models.h"
#include "run/tensor_desc.h"
#include "stream/exception.h"

static int refuse_unknown(uint32_t device, uint32_t stream, uint32_t task)
{
    return refuse(E_GE,
                  "task %u of stream %u on device %u did not fail, or "
                  "was no execution",
                  task, stream, device);
}

/* Describes a list of tensors: NULL for none. */
static int describe(const TensorList *list, aclTensorDesc **first)
{
    const TensorInfo *info = list->tensor;

    *first = NULL;
    if (list->count == 0)
        return E_NONE;
    *first = tensor_desc_new(info->data_type, info->format, info->dims, info->rank, NULL);
    for (size_t i = 1; *first != NULL && i < list->count; i++) {
        info = &list->tensor[i];
        if (!tensor_desc_add(*first, tensor_desc_new(info->data_type, info->format, info->dims,
                                                     info->rank, *first)))
            return refuse(E_BAD_ALLOC, "no memory for a description");
    }
    return *first != NULL ? E_NONE : E_BAD_ALLOC;
}

aclError aclmdlCreateAndGetOpDesc(uint32_t deviceId, uint32_t streamId, uint32_t taskId,
                                  char *opName, size_t opNameLen, aclTensorDesc **inputDesc,
                                  size_t *numInputs, aclTensorDesc **outputDesc, size_t *numOutputs)
{
    ENTER(aclmdlCreateAndGetOpDesc, "deviceId=%u, streamId=%u, taskId=%u", deviceId, streamId,
          taskId);
    Failed failed;
    NOT_NULL(opName);
    NOT_NULL(inputDesc);
    NOT_NULL(numInputs);
    NOT_NULL(outputDesc);
    NOT_NULL(numOutputs);
    if (!exception_find(deviceId, streamId, taskId, &failed) || failed.model == 0)
        LEAVE(refuse_unknown(deviceId, streamId, taskId));
    if (opNameLen <= strlen(failed.operator_name))
        LEAVE(refuse(E_PARAM, "opNameLen %zu has no room for \"%s\"", opNameLen,
                     failed.operator_name));
    Model *model = model_hold(failed.model);
    if (model == NULL)
        LEAVE(refuse_unknown(deviceId, streamId, taskId));
    int status = describe(&model->inout->inputs, inputDesc);
    if (status == E_NONE)
        status = describe(&model->inout->outputs, outputDesc);
    *numInputs = model->inout->inputs.count;
    *numOutputs = model->inout->outputs.count;
    strcpy(opName, failed.operator_name);
    model_let_go(model);
    LEAVE(status);
}
