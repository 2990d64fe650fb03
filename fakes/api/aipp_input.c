/*
 * aipp_input: parameters of dynamic AIPP, to the input that takes them.
 */
#include <string.h>

#include "aipp/image.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/aipp_gear.h"
#include "memory/memory.h"
#include "memory/written.h"
#include "model/models.h"
#include "run/dataset.h"
#include "runtime/context.h"
#include "runtime/initialised.h"
#include "stream/order.h"

/* The record whose parameters an input takes: 0, or 100000. */
static int find_record(const Model *model, size_t index, const AippRecord **record)
{
    const TensorList *inputs = &model->inout->inputs;

    if (index >= inputs->count)
        return refuse(E_PARAM, "index %zu is not one of the %zu inputs of model %u", index,
                      inputs->count, model->id);
    for (size_t i = 0; i < model->program.aipps.count; i++) {
        *record = program_aipp(&model->program, i);
        if ((*record)->parameters == index)
            return E_NONE;
    }
    if (tensor_index(inputs, AIPP_INPUT) == inputs->count)
        return refuse(E_PARAM, "model %u has no dynamic AIPP: no input " AIPP_INPUT, model->id);
    return refuse(E_PARAM,
                  "input %zu takes no AIPP parameters; aclmdlGetInputIndexByName finds "
                  "\"" AIPP_INPUT "\"",
                  index);
}

/* As ACL compares them: whichever gear runs, with the largest. */
static int check_set(const AippRecord *record, const Gears *gears, const AippSet *set)
{
    AippRecord largest = aipp_in_largest(record, gears);
    uint64_t size = aipp_source_bytes(&set->head, set->batch);

    if (size > record->max_src_image_size)
        return refuse(E_PARAM, "the images have %llu bytes; the model's max_src_image_size is %u",
                      (unsigned long long)size, record->max_src_image_size);
    int status = aipp_fits(&set->head, set->part, set->batch, &largest);
    return status == E_NONE ? aipp_check(&set->head, set->part, set->batch) : status;
}

static int copy_set(const AippSet *set, const DataBuffer *buffer)
{
    size_t parts = set->batch * sizeof *set->part;
    size_t need = sizeof set->head + parts;

    if (buffer->size < need)
        return refuse(E_GE_GEAR_LENGTH,
                      "the buffer has %zu bytes, parameters of %llu images need %zu", buffer->size,
                      (unsigned long long)set->batch, need);
    int status = context_needed();
    if (status != E_NONE)
        return status;
    unsigned char *bytes = device_bytes(buffer->data, need, AIPP_INPUT);
    if (bytes == NULL)
        return violation_status();
    status = order_check_host(CLAIM_MEMORY, buffer->data, need, true, "the setter writes");
    if (status != E_NONE)
        return status;
    memcpy(bytes, &set->head, sizeof set->head);
    memcpy(bytes + sizeof set->head, set->part, parts);
    device_written(buffer->data, need);
    return E_NONE;
}

static int set_input(const Model *model, const Dataset *dataset, size_t index, const AippSet *set)
{
    const AippRecord *record = NULL;
    const DataBuffer *buffer = NULL;
    int status = find_record(model, index, &record);

    if (status == E_NONE)
        status = check_set(record, &model->inout->gears, set);
    if (status == E_NONE)
        status = dataset_memory(dataset, index, &buffer);
    return status == E_NONE ? copy_set(set, buffer) : status;
}

/* A loaded model, held: 0, or a status. */
static int hold_model(uint32_t modelId, Model **model)
{
    int status = engine_needed();

    if (status != E_NONE)
        return status;
    *model = model_hold(modelId);
    return *model != NULL ? E_NONE : refuse(E_GE_MODEL_ID, "%u is no loaded model", modelId);
}

aclError aclmdlSetInputAIPP(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                            const aclmdlAIPP *aippParmsSet)
{
    ENTER(aclmdlSetInputAIPP, "modelId=%u, dataset=%p, index=%zu, aippParmsSet=%p", modelId,
          (void *)dataset, index, (const void *)aippParmsSet);
    Dataset *data = NULL;
    AippSet *set = NULL;
    Model *model = NULL;
    int status = dataset_need(dataset, "dataset", &data);
    if (status == E_NONE)
        status = aipp_set_need(aippParmsSet, &set);
    if (status == E_NONE)
        status = hold_model(modelId, &model);
    if (status == E_NONE)
        status = set_input(model, data, index, set);
    model_let_go(model);
    LEAVE(status);
}

/* The input that takes the parameters of an image's: 0, or a status. */
static int find_parameters(const Model *model, size_t index, size_t *parameters)
{
    if (index >= model->inout->inputs.count)
        return refuse(E_PARAM, "index %zu is not one of the %zu inputs of model %u", index,
                      model->inout->inputs.count, model->id);
    for (size_t i = 0; i < model->program.aipps.count; i++) {
        const AippRecord *record = program_aipp(&model->program, i);
        if (record->input == index && record->mode == AIPP_DYNAMIC) {
            *parameters = record->parameters;
            return E_NONE;
        }
    }
    return refuse(E_FAILURE, "no dynamic AIPP makes what input %zu takes", index);
}

aclError aclmdlSetAIPPByInputIndex(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                   const aclmdlAIPP *aippParmsSet)
{
    ENTER(aclmdlSetAIPPByInputIndex, "modelId=%u, dataset=%p, index=%zu, aippParmsSet=%p", modelId,
          (void *)dataset, index, (const void *)aippParmsSet);
    Dataset *data = NULL;
    AippSet *set = NULL;
    Model *model = NULL;
    size_t parameters = 0;
    int status = aipp_set_need(aippParmsSet, &set);
    if (status == E_NONE)
        status = dataset_need(dataset, "dataset", &data);
    if (status == E_NONE && index >= data->count)
        status = refuse(E_PARAM, "index %zu, the dataset has %zu buffers", index, data->count);
    if (status == E_NONE)
        status = hold_model(modelId, &model);
    if (status == E_NONE)
        status = find_parameters(model, index, &parameters);
    if (status == E_NONE)
        status = set_input(model, data, parameters, set);
    model_let_go(model);
    LEAVE(status);
}
