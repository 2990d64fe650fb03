#include "api/desc.h"

#include <stdlib.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/files.h"
#include "file/om.h"
#include "memory/objects.h"
#include "model/models.h"
#include "runtime/initialised.h"

static void release(void *body)
{
    Desc *desc = body;

    inout_drop(desc->inout);
}

aclmdlDesc *aclmdlCreateDesc(void)
{
    ENTER_AS(aclmdlCreateDesc, NULL, NO_ARGS);
    void *handle = NULL;
    if (object_new(KIND_MODEL_DESC, sizeof(Desc), release, NULL, &handle) == NULL)
        call.status = E_BAD_ALLOC;
    return handle;
}

aclError aclmdlDestroyDesc(aclmdlDesc *modelDesc)
{
    ENTER(aclmdlDestroyDesc, "modelDesc=%p", (void *)modelDesc);
    if (modelDesc == NULL)
        LEAVE(refuse(E_PARAM, "modelDesc is NULL"));
    if (!object_destroy(modelDesc, KIND_MODEL_DESC, "modelDesc"))
        LEAVE(violation_status());
    LEAVE(E_NONE);
}

int desc_need(const aclmdlDesc *handle, Desc **desc)
{
    if (handle == NULL)
        return refuse(E_PARAM, "modelDesc is NULL");
    *desc = object_find(handle, KIND_MODEL_DESC, "modelDesc");
    return *desc != NULL ? E_NONE : violation_status();
}

/* Replaces what a description says; takes the share over. */
static void fill(Desc *desc, Inout *inout, uint32_t model)
{
    inout_drop(desc->inout);
    desc->inout = inout;
    desc->model = model;
}

aclError aclmdlGetDesc(aclmdlDesc *modelDesc, uint32_t modelId)
{
    ENTER(aclmdlGetDesc, "modelDesc=%p, modelId=%u", (void *)modelDesc, modelId);
    Desc *desc = NULL;
    int status = desc_need(modelDesc, &desc);
    if (status != E_NONE)
        LEAVE(status);
    status = engine_needed();
    if (status != E_NONE)
        LEAVE(status);
    fill(desc, NULL, 0);
    Model *model = model_hold(modelId);
    if (model == NULL)
        LEAVE(refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId));
    fill(desc, inout_share(model->inout), modelId);
    model_let_go(model);
    LEAVE(E_NONE);
}

static int fill_from(Desc *desc, Bytes model)
{
    Om om;

    int status = engine_needed();
    if (status != E_NONE)
        return status;
    fill(desc, NULL, 0);
    status = om_open(model, &om);
    if (status != E_NONE)
        return ge_status(status);
    Inout *inout = inout_parse(om.part[PART_INOUT]);
    if (inout == NULL)
        return E_GE;
    if (inout->gears.misread) {
        inout_drop(inout);
        return refuse(E_GE, "the texts in MODEL_INOUT_INFO are so short that "
                            "CANN takes them for damaged: n texts need 4n - 4 "
                            "characters between them");
    }
    fill(desc, inout, 0);
    return E_NONE;
}

aclError aclmdlGetDescFromFile(aclmdlDesc *modelDesc, const char *modelPath)
{
    ENTER(aclmdlGetDescFromFile, "modelDesc=%p, modelPath=%p", (void *)modelDesc,
          (const void *)modelPath);
    Route route;
    Desc *desc = NULL;
    unsigned char *data = NULL;
    size_t size = 0;
    int status = route_path(modelPath, &route);
    if (status == E_NONE)
        status = desc_need(modelDesc, &desc);
    if (status == E_NONE && route.om2)
        status = refuse_om2();
    if (status == E_NONE)
        status = ge_status(file_read(modelPath, &data, &size));
    if (status == E_NONE)
        status = fill_from(desc, (Bytes){data, size});
    free(data);
    LEAVE(status);
}

aclError aclmdlGetDescFromMem(aclmdlDesc *modelDesc, const void *model, size_t modelSize)
{
    ENTER(aclmdlGetDescFromMem, "modelDesc=%p, model=%p, modelSize=%zu", (void *)modelDesc, model,
          modelSize);
    Route route;
    Desc *desc = NULL;
    int status = route_memory(model, modelSize, &route);
    if (status == E_NONE)
        status = desc_need(modelDesc, &desc);
    if (status == E_NONE && route.om2)
        status = refuse_om2();
    if (status == E_NONE)
        status = fill_from(desc, (Bytes){model, modelSize});
    LEAVE(status);
}

const TensorList *desc_list(const Desc *desc, Direction direction)
{
    static const TensorList none;

    if (desc->inout == NULL)
        return &none;
    return direction == INPUT ? &desc->inout->inputs : &desc->inout->outputs;
}

const TensorList *desc_look(const aclmdlDesc *handle, Direction direction)
{
    static const Desc nothing;
    const Desc *desc = handle == NULL ? NULL : object_find(handle, KIND_MODEL_DESC, "modelDesc");

    return desc_list(desc != NULL ? desc : &nothing, direction);
}

const TensorInfo *desc_look_at(const aclmdlDesc *handle, Direction direction, size_t index)
{
    const TensorList *list = desc_look(handle, direction);

    return index < list->count ? &list->tensor[index] : NULL;
}

bool tensor_is_fixed(const TensorInfo *info)
{
    for (size_t i = 0; i < info->rank; i++)
        if (info->dims[i] < 0)
            return false;
    return true;
}
