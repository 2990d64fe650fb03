/*
 * load: ordinary models, each with variables of its own.
 */
#include <stdlib.h>

#include "acl.h"
#include "calls.h"
#include "files.h"
#include "host_memory.h"
#include "message.h"
#include "models.h"

static int load(Bytes file, uint32_t *modelId)
{
    static const LoadOptions nothing_given;

    models_lock();
    int status = model_load(file, &nothing_given, modelId);
    models_unlock();
    return ge_status(status);
}

aclError aclmdlLoadFromFile(const char *modelPath, uint32_t *modelId)
{
    ENTER(aclmdlLoadFromFile, "modelPath=%p, modelId=%p",
          (const void *)modelPath, (void *)modelId);
    Route route;
    unsigned char *data = NULL;
    size_t size = 0;
    int status = route_path(modelPath, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    if (route.om2)
        LEAVE(refuse_om2());
    status = ge_status(file_read(modelPath, &data, &size));
    if (status == E_NONE)
        status = load((Bytes){data, size}, modelId);
    free(data);
    LEAVE(status);
}

aclError aclmdlLoadFromMem(const void *model, size_t modelSize,
                           uint32_t *modelId)
{
    ENTER(aclmdlLoadFromMem, "model=%p, modelSize=%zu, modelId=%p", model,
          modelSize, (void *)modelId);
    Route route;
    int status = route_memory(model, modelSize, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    if (route.om2)
        LEAVE(refuse_om2());
    if (modelSize < OM_HEADER)
        LEAVE(refuse(E_PARAM, "modelSize is %zu, a header has 256 bytes",
                     modelSize));
    LEAVE(load((Bytes){model, modelSize}, modelId));
}

static int unload(uint32_t modelId)
{
    Model *model = model_find(modelId);

    if (model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
    if (model->bundle != 0)
        return refuse(E_PARAM, "model %u belongs to bundle %u; use "
                      "aclmdlBundleUnloadModel", modelId, model->bundle);
    return model_unload(model);
}

aclError aclmdlUnload(uint32_t modelId)
{
    ENTER(aclmdlUnload, "modelId=%u", modelId);
    models_lock();
    int status = unload(modelId);
    models_unlock();
    LEAVE(status);
}
