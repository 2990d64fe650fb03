/*
 * aipp: the files that load here have no AIPP, and that is an answer.
 */
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "model/models.h"
#include "runtime/initialised.h"

#define NO_INPUT UINT32_MAX     /* what GE begins with: attached to none */

/* Asks the model. */
static int find_type(uint32_t modelId, size_t index)
{
    int status = E_NONE;
    Model *model = model_hold(modelId);

    if (model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
    if (index >= model->inout->inputs.count)
        status = refuse(E_GE_PARAM,
                        "index %zu is not one of the %zu inputs "
                        "of model %u",
                        index, model->inout->inputs.count, modelId);
    model_let_go(model);
    return status;
}

aclError aclmdlGetAippType(uint32_t modelId, size_t index, aclmdlInputAippType *type,
                           size_t *dynamicAttachedDataIndex)
{
    ENTER(aclmdlGetAippType,
          "modelId=%u, index=%zu, type=%p, "
          "dynamicAttachedDataIndex=%p",
          modelId, index, (void *)type, (void *)dynamicAttachedDataIndex);
    NOT_NULL(type);
    NOT_NULL(dynamicAttachedDataIndex);
    int status = engine_needed();
    if (status == E_NONE)
        status = find_type(modelId, index);
    if (status != E_NONE)
        LEAVE(status);
    *type = ACL_DATA_WITHOUT_AIPP;
    *dynamicAttachedDataIndex = NO_INPUT;
    LEAVE(E_NONE);
}
