/*
 * gear_set: aclmdlSetDynamicBatchSize, -HWSize and aclmdlSetInputDynamicDims.
 *
 * The three differ in what they are given and in one order: a batch or a
 * resolution needs room in its buffer before the model is asked, dims after.
 */
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "model/gear_run.h"
#include "model/models.h"
#include "run/dataset.h"
#include "runtime/context.h"

/* The numbers go to the device in 8 bytes each where they fit, else in 4. */
static int copy_values(const Gear *gear, const DataBuffer *buffer)
{
    size_t size = buffer->size >= gear->width * 8 ? 8 : 4;
    int status = context_needed();

    if (status != E_NONE)
        return status;
    unsigned char *bytes = device_bytes(buffer->data, gear->width * size, GEAR_INPUT);
    if (bytes == NULL)
        return violation_status();
    for (size_t i = 0; i < gear->width; i++)
        memcpy(bytes + i * size, &gear->value[i], size);
    return E_NONE;
}

static int check_room(const DataBuffer *buffer, size_t width)
{
    if (buffer->size >= width * 4)
        return E_NONE;
    return refuse(E_GE_GEAR_LENGTH,
                  "the buffer has %zu bytes, a gear of %zu "
                  "values needs %zu",
                  buffer->size, width, width * 4);
}

/* Asks the model: the wish sticks to the dataset whatever it says. */
static int choose(const Model *model, uint32_t modelId, const GearWish *wish,
                  const DataBuffer *buffer)
{
    size_t gear;

    if (model == NULL || model->dynamic)
        return refuse(E_GE_MODEL_ID, "%u is no loaded static model", modelId);
    int status = gear_of_wish(model->inout, wish, &gear);
    if (status != E_NONE)
        return status;
    const Gear *found = &model->inout->gears.gear[gear];
    atomic_store(&model->gear->chosen, gear);
    status = check_room(buffer, found->width);
    return status == E_NONE ? copy_values(found, buffer) : status;
}

static int set_gear(uint32_t modelId, const aclmdlDataset *handle, size_t index,
                    const GearWish *wish)
{
    Dataset *dataset = NULL;
    const DataBuffer *buffer = NULL;
    int status = dataset_need(handle, "dataset", &dataset);

    if (status == E_NONE)
        status = dataset_memory(dataset, index, &buffer);
    if (status != E_NONE)
        return status;
    dataset->wish = *wish;
    if (wish->kind != GEARS_DIMS)
        status = check_room(buffer, wish->width);
    if (status != E_NONE)
        return status;
    Model *model = model_hold(modelId);
    status = choose(model, modelId, wish, buffer);
    model_let_go(model);
    return status;
}

aclError aclmdlSetDynamicBatchSize(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                   uint64_t batchSize)
{
    ENTER(aclmdlSetDynamicBatchSize,
          "modelId=%u, dataset=%p, index=%zu, "
          "batchSize=%llu",
          modelId, (void *)dataset, index, (unsigned long long)batchSize);
    if (batchSize == 0)
        LEAVE(refuse(E_PARAM, "batchSize is 0"));
    GearWish wish = {GEARS_BATCH, 1, {batchSize}};
    LEAVE(set_gear(modelId, dataset, index, &wish));
}

aclError aclmdlSetDynamicHWSize(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                uint64_t height, uint64_t width)
{
    ENTER(aclmdlSetDynamicHWSize,
          "modelId=%u, dataset=%p, index=%zu, "
          "height=%llu, width=%llu",
          modelId, (void *)dataset, index, (unsigned long long)height, (unsigned long long)width);
    if (height == 0 || width == 0)
        LEAVE(refuse(E_PARAM,
                     "height is %llu and width %llu, neither may "
                     "be 0",
                     (unsigned long long)height, (unsigned long long)width));
    GearWish wish = {GEARS_HW, 2, {height, width}};
    LEAVE(set_gear(modelId, dataset, index, &wish));
}

aclError aclmdlSetInputDynamicDims(uint32_t modelId, aclmdlDataset *dataset, size_t index,
                                   const aclmdlIODims *dims)
{
    ENTER(aclmdlSetInputDynamicDims,
          "modelId=%u, dataset=%p, index=%zu, "
          "dims=%p",
          modelId, (void *)dataset, index, (const void *)dims);
    GearWish wish = {.kind = GEARS_DIMS};
    NOT_NULL(dims);
    if (dims->dimCount == 0 || dims->dimCount > GEAR_WIDTH_MAX)
        LEAVE(refuse(E_PARAM, "dims has %zu dims, not 1..128", dims->dimCount));
    wish.width = dims->dimCount;
    for (size_t i = 0; i < wish.width; i++)
        wish.value[i] = (uint64_t)dims->dims[i];
    LEAVE(set_gear(modelId, dataset, index, &wish));
}
