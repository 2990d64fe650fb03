/*
 * load: ordinary models, each with variables of its own.
 */
#include "model/load.h"

#include <stdlib.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "file/files.h"
#include "memory/host_memory.h"
#include "model/load_options.h"
#include "model/model_load.h"
#include "model/models.h"

static int load(Bytes file, const LoadOptions *options, uint32_t *id)
{
    models_lock();
    int status = model_load(file, options, id);
    models_unlock();
    return ge_status(status);
}

int load_file(const char *path, const LoadOptions *options, uint32_t *id)
{
    LoadOptions all = *options;
    unsigned char *data = NULL;
    size_t size = 0;
    int status = ge_status(file_read(path, &data, &size));

    all.path = path;
    if (status == E_NONE && size < OM_HEADER)
        status = refuse(E_GE_DATA_SIZE,
                        "\"%s\" has %zu bytes, a header has "
                        "256",
                        path, size);
    if (status == E_NONE)
        status = load((Bytes){data, size}, &all, id);
    free(data);
    return status;
}

int load_memory(const void *model, size_t size, const LoadOptions *options, uint32_t *id)
{
    if (size < OM_HEADER)
        return refuse(E_PARAM, "the model has %zu bytes, a header has 256", size);
    return load((Bytes){model, size}, options, id);
}

aclError aclmdlLoadFromFileWithMem(const char *modelPath, uint32_t *modelId, void *workPtr,
                                   size_t workSize, void *weightPtr, size_t weightSize)
{
    ENTER(aclmdlLoadFromFileWithMem,
          "modelPath=%p, modelId=%p, workPtr=%p, "
          "workSize=%zu, weightPtr=%p, weightSize=%zu",
          (const void *)modelPath, (void *)modelId, workPtr, workSize, weightPtr, weightSize);
    Route route;
    LoadOptions memory = {.work = {workPtr, workSize, false},
                          .weights = {weightPtr, weightSize, false}};
    int status = route_path(modelPath, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    LEAVE(route.om2 ? refuse_om2() : load_file(modelPath, &memory, modelId));
}

aclError aclmdlLoadFromMemWithMem(const void *model, size_t modelSize, uint32_t *modelId,
                                  void *workPtr, size_t workSize, void *weightPtr,
                                  size_t weightSize)
{
    ENTER(aclmdlLoadFromMemWithMem,
          "model=%p, modelSize=%zu, modelId=%p, "
          "workPtr=%p, workSize=%zu, weightPtr=%p, weightSize=%zu",
          model, modelSize, (void *)modelId, workPtr, workSize, weightPtr, weightSize);
    Route route;
    LoadOptions memory = {.work = {workPtr, workSize, false},
                          .weights = {weightPtr, weightSize, false}};
    int status = route_memory(model, modelSize, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    if (route.om2)
        LEAVE(refuse_om2());
    LEAVE(load_memory(model, modelSize, &memory, modelId));
}

aclError aclmdlLoadFromFile(const char *modelPath, uint32_t *modelId)
{
    ENTER(aclmdlLoadFromFile, "modelPath=%p, modelId=%p", (const void *)modelPath, (void *)modelId);
    Route route;
    int status = route_path(modelPath, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    LEAVE(route.om2 ? refuse_om2() : load_file(modelPath, &(LoadOptions){0}, modelId));
}

aclError aclmdlLoadFromMem(const void *model, size_t modelSize, uint32_t *modelId)
{
    ENTER(aclmdlLoadFromMem, "model=%p, modelSize=%zu, modelId=%p", model, modelSize,
          (void *)modelId);
    Route route;
    int status = route_memory(model, modelSize, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    if (route.om2)
        LEAVE(refuse_om2());
    LEAVE(load_memory(model, modelSize, &(LoadOptions){0}, modelId));
}

static int unload(uint32_t modelId)
{
    Model *model = model_find(modelId);

    if (model == NULL)
        return refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
    if (model->bundle != 0)
        return refuse(E_PARAM,
                      "model %u belongs to bundle %u; use "
                      "aclmdlBundleUnloadModel",
                      modelId, model->bundle);
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
