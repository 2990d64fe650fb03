/*
 * bundle_models: the sub-models of a bundle, one at a time.
 */
#include <stdlib.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "file/files.h"
#include "memory/host_memory.h"
#include "model/bundle.h"
#include "model/config.h"
#include "model/load_options.h"
#include "model/models.h"

aclError aclmdlBundleGetModelNum(uint32_t bundleId, size_t *modelNum)
{
    ENTER(aclmdlBundleGetModelNum, "bundleId=%u, modelNum=%p", bundleId, (void *)modelNum);
    NOT_NULL(modelNum);
    models_lock();
    const Bundle *bundle = bundle_find(bundleId);
    if (bundle != NULL)
        *modelNum = bundle->model_count;
    models_unlock();
    LEAVE(bundle != NULL ? E_NONE : E_BUNDLE_ID);
}

static int model_id_at(uint32_t bundleId, size_t index, uint32_t *modelId)
{
    const Bundle *bundle = bundle_find(bundleId);

    if (bundle == NULL)
        return E_BUNDLE_ID;
    if (!bundle->listed)
        return refuse(E_NOT_SUPPORTED,
                      "bundle %u was only initialised; "
                      "aclmdlBundleLoadModel gives ids",
                      bundleId);
    if (index >= bundle->listed_ids.count)
        return refuse(E_PARAM, "index %zu, the bundle has %zu models", index,
                      bundle->listed_ids.count);
    *modelId = bundle->listed_ids.id[index];
    return E_NONE;
}

aclError aclmdlBundleGetModelId(uint32_t bundleId, size_t index, uint32_t *modelId)
{
    ENTER(aclmdlBundleGetModelId, "bundleId=%u, index=%zu, modelId=%p", bundleId, index,
          (void *)modelId);
    NOT_NULL(modelId);
    models_lock();
    int status = model_id_at(bundleId, index, modelId);
    models_unlock();
    LEAVE(status);
}

/* Reads a bundle's file again when it kept no bytes; the status is raw. */
static int find_bytes(const Bundle *bundle, unsigned char **again, Bytes *bytes)
{
    *bytes = bundle->file;
    if (bytes->data != NULL || bundle->path == NULL)
        return E_NONE;
    int status = file_read(bundle->path, again, &bytes->size);
    bytes->data = *again;
    return status;
}

static int load_model_from(Bundle *bundle, Bytes bytes, size_t index, const LoadOptions *memory,
                           uint32_t *modelId)
{
    BundleFile file = {0};
    int status = bundle_file_parse(bytes, &file);

    if (status == E_NONE && index >= file.count)
        status = refuse(E_PARAM, "index %zu, the bundle has %zu models", index, file.count);
    if (status == E_NONE)
        status = bundle_load_part(bundle, &file, index, memory, modelId);
    bundle_file_free(&file);
    return status;
}

static int load_model(uint32_t bundleId, size_t index, const LoadOptions *memory, uint32_t *modelId)
{
    unsigned char *again = NULL;
    Bytes bytes;

    models_lock();
    Bundle *bundle = bundle_find(bundleId);
    int status = bundle != NULL ? find_bytes(bundle, &again, &bytes) : E_BUNDLE_ID;
    if (status == E_NONE)
        status = load_model_from(bundle, bytes, index, memory, modelId);
    models_unlock();
    free(again);
    return status;
}

aclError aclmdlBundleLoadModel(uint32_t bundleId, size_t index, uint32_t *modelId)
{
    ENTER(aclmdlBundleLoadModel, "bundleId=%u, index=%zu, modelId=%p", bundleId, index,
          (void *)modelId);
    NOT_NULL(modelId);
    LEAVE(load_model(bundleId, index, &(LoadOptions){0}, modelId));
}

aclError aclmdlBundleLoadModelWithMem(uint32_t bundleId, size_t index, void *workPtr,
                                      size_t workSize, void *weightPtr, size_t weightSize,
                                      uint32_t *modelId)
{
    ENTER(aclmdlBundleLoadModelWithMem,
          "bundleId=%u, index=%zu, workPtr=%p, "
          "workSize=%zu, weightPtr=%p, weightSize=%zu, modelId=%p",
          bundleId, index, workPtr, workSize, weightPtr, weightSize, (void *)modelId);
    NOT_NULL(modelId);
    LoadOptions memory = {.work = {workPtr, workSize, false},
                          .weights = {weightPtr, weightSize, false}};
    LEAVE(load_model(bundleId, index, &memory, modelId));
}

aclError aclmdlBundleLoadModelWithConfig(uint32_t bundleId, size_t index,
                                         aclmdlConfigHandle *handle, uint32_t *modelId)
{
    ENTER(aclmdlBundleLoadModelWithConfig,
          "bundleId=%u, index=%zu, "
          "handle=%p, modelId=%p",
          bundleId, index, (void *)handle, (void *)modelId);
    LoadOptions memory = {0};
    int status = config_memory(handle, &memory);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    LEAVE(load_model(bundleId, index, &memory, modelId));
}

static int unload_model(uint32_t bundleId, uint32_t modelId)
{
    Bundle *bundle = bundle_find(bundleId);

    if (bundle == NULL)
        return E_BUNDLE_ID;
    size_t at = ids_find(&bundle->loaded_ids, modelId);
    if (at == bundle->loaded_ids.count)
        return refuse(E_PARAM,
                      "model %u is no loaded sub-model of bundle "
                      "%u",
                      modelId, bundleId);
    int status = model_unload(model_find(modelId));
    if (status == E_NONE)
        ids_remove(&bundle->loaded_ids, at);
    return status;
}

aclError aclmdlBundleUnloadModel(uint32_t bundleId, uint32_t modelId)
{
    ENTER(aclmdlBundleUnloadModel, "bundleId=%u, modelId=%u", bundleId, modelId);
    models_lock();
    int status = unload_model(bundleId, modelId);
    models_unlock();
    LEAVE(status);
}
