/*
 * bundle_load: the functions that make bundles and end them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/files.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "model/bundle.h"
#include "model/models.h"

enum { ALIGNMENT = 32 };

/* Where a bundle comes from, as its caller gave it. */
typedef struct Given {
    const char *path;           /* NULL: from memory */
    const void *model;
    size_t size;
    bool load;                  /* every sub-model, or none */
    void *variables;            /* varWeightPtr */
    size_t variables_size;
} Given;

/*
 * Loads every sub-model. When one fails the others are unloaded, but the
 * bundle stays, as one that was only initialised: so does ACL.
 */
static int load_all(Bundle *bundle, const BundleFile *file)
{
    const LoadOptions beside = {.path = bundle->path};

    for (size_t i = 0; i < file->count; i++) {
        uint32_t id = 0;
        int status = bundle_load_part(bundle, file, i, &beside, &id);
        if (status == E_NONE && ids_add(&bundle->listed_ids, id))
            continue;
        bundle->listed_ids.count = 0;
        bundle_unload_parts(bundle);
        return status != E_NONE ? status : E_BAD_ALLOC;
    }
    bundle->listed = true;
    return E_NONE;
}

/* Points a new bundle at its bytes: 0, or a raw status. */
static int take_bytes(Bundle *bundle, const Given *given)
{
    bundle->file = (Bytes){given->model, given->size};
    if (given->path == NULL)
        return E_NONE;
    bundle->path = strdup(given->path);
    int status = bundle->path == NULL ? E_GE_MEMORY
                                      : file_read(given->path, &bundle->copy, &bundle->file.size);
    bundle->file.data = bundle->copy;
    return status;
}

/* A bundle that was loaded from a file can find it again: drops the copy. */
static void drop_bytes(Bundle *bundle)
{
    free(bundle->copy);
    bundle->copy = NULL;
    bundle->file = (Bytes){0};
}

static int take_variables(Bundle *bundle, const Given *given, const BundleFile *file)
{
    if (given->variables == NULL)
        return E_NONE;
    if (given->variables_size < file->variable_size)
        return refuse(E_PARAM,
                      "the variables need %llu bytes, varWeightSize "
                      "is %zu",
                      (unsigned long long)file->variable_size, given->variables_size);
    if (device_bytes(given->variables, given->variables_size, "varWeightPtr") == NULL)
        return violation_status();
    if ((uintptr_t)given->variables % ALIGNMENT != 0)
        return violate(V_MISALIGNED, "varWeightPtr %p", given->variables);
    bundle->variables->area = given->variables;
    bundle->variables->area_size = given->variables_size;
    return E_NONE;
}

/* Gives a parsed bundle its place among the living, and loads what it shall. */
static int begin(Bundle *bundle, const Given *given, const BundleFile *file, uint32_t *id)
{
    int status = E_NONE;

    bundle->model_count = file->count;
    bundle_enter(bundle);
    *id = bundle->id;
    if (given->load)
        status = load_all(bundle, file);
    if (given->load && given->path != NULL)
        drop_bytes(bundle);
    return status;
}

static int bundle_make(const Given *given, uint32_t *id)
{
    BundleFile file = {0};
    Bundle *bundle = calloc(1, sizeof *bundle);

    if (bundle == NULL)
        return refuse(E_BAD_ALLOC, "no memory for a bundle");
    bundle->made = call_origin();
    bundle->variables = variables_new();
    int status = bundle->variables != NULL ? take_bytes(bundle, given)
                                           : refuse(E_BAD_ALLOC, "no memory for a bundle");
    if (status != E_NONE && given->load)
        status = ge_status(status);
    if (status == E_NONE)
        status = bundle_file_parse(bundle->file, &file);
    if (status == E_NONE)
        status = take_variables(bundle, given, &file);
    if (status != E_NONE)
        bundle_free(bundle);
    else
        status = begin(bundle, given, &file, id);
    bundle_file_free(&file);
    return status;
}

/* What all four makers of bundles have in common. */
static int bundle_open(const Given *given, uint32_t *bundleId)
{
    Route route;
    int status = given->path != NULL || given->model == NULL
                     ? route_path(given->path, &route)
                     : route_memory(given->model, given->size, &route);

    if (status == E_NONE && route.om2)
        status = refuse_om2();
    if (status == E_NONE)
        status = argument_check(bundleId, "bundleId");
    if (status != E_NONE)
        return status;
    models_lock();
    status = bundle_make(given, bundleId);
    models_unlock();
    return status;
}

aclError aclmdlBundleLoadFromFile(const char *modelPath, uint32_t *bundleId)
{
    ENTER(aclmdlBundleLoadFromFile, "modelPath=%p, bundleId=%p", (const void *)modelPath,
          (void *)bundleId);
    LEAVE(bundle_open(&(Given){.path = modelPath, .load = true}, bundleId));
}

aclError aclmdlBundleLoadFromMem(const void *model, size_t modelSize, uint32_t *bundleId)
{
    ENTER(aclmdlBundleLoadFromMem, "model=%p, modelSize=%zu, bundleId=%p", model, modelSize,
          (void *)bundleId);
    NOT_NULL(model);
    LEAVE(bundle_open(&(Given){.model = model, .size = modelSize, .load = true}, bundleId));
}

aclError aclmdlBundleInitFromFile(const char *modelPath, void *varWeightPtr, size_t varWeightSize,
                                  uint32_t *bundleId)
{
    ENTER(aclmdlBundleInitFromFile,
          "modelPath=%p, varWeightPtr=%p, "
          "varWeightSize=%zu, bundleId=%p",
          (const void *)modelPath, varWeightPtr, varWeightSize, (void *)bundleId);
    LEAVE(bundle_open(
        &(Given){.path = modelPath, .variables = varWeightPtr, .variables_size = varWeightSize},
        bundleId));
}

aclError aclmdlBundleInitFromMem(const void *model, size_t modelSize, void *varWeightPtr,
                                 size_t varWeightSize, uint32_t *bundleId)
{
    ENTER(aclmdlBundleInitFromMem,
          "model=%p, modelSize=%zu, "
          "varWeightPtr=%p, varWeightSize=%zu, bundleId=%p",
          model, modelSize, varWeightPtr, varWeightSize, (void *)bundleId);
    NOT_NULL(model);
    LEAVE(bundle_open(&(Given){.model = model,
                               .size = modelSize,
                               .variables = varWeightPtr,
                               .variables_size = varWeightSize},
                      bundleId));
}

/* A bundle with a model that cannot be unloaded stays for another try. */
static int unload(uint32_t bundleId)
{
    Bundle *bundle = bundle_find(bundleId);

    if (bundle == NULL)
        return E_BUNDLE_ID;
    int status = bundle_unload_parts(bundle);
    if (status == E_NONE)
        bundle_forget(bundle);
    return status;
}

aclError aclmdlBundleUnload(uint32_t bundleId)
{
    ENTER(aclmdlBundleUnload, "bundleId=%u", bundleId);
    models_lock();
    int status = unload(bundleId);
    models_unlock();
    LEAVE(status);
}
