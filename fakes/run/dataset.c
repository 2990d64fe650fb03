#include "run/dataset.h"

#include <stdlib.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/objects.h"
#include "run/changes.h"
#include "stream/order.h"
#include "stream/stream.h"

static void release(void *body)
{
    Dataset *dataset = body;

    free(dataset->slot);
}

aclmdlDataset *aclmdlCreateDataset(void)
{
    ENTER_AS(aclmdlCreateDataset, NULL, NO_ARGS);
    void *handle = NULL;
    if (object_new(KIND_DATASET, sizeof(Dataset), release, NULL, &handle) == NULL)
        call.status = E_BAD_ALLOC;
    return handle;
}

/* False after a violation. The streams' lock is held: see snapshot_give_back. */
static bool dataset_end(const aclmdlDataset *handle)
{
    const Dataset *dataset = object_peek(handle, KIND_DATASET);

    if (!object_destroy(handle, KIND_DATASET, "dataset"))
        return false;
    for (size_t i = 0; i < dataset->count; i++)
        object_kill(dataset->slot[i].desc);
    changes_note();
    return true;
}

aclError aclmdlDestroyDataset(const aclmdlDataset *dataset)
{
    ENTER(aclmdlDestroyDataset, "dataset=%p", (const void *)dataset);
    if (dataset == NULL)
        LEAVE(refuse(E_PARAM, "dataset is NULL"));
    order_note_end(CLAIM_DATASET, dataset);
    streams_lock();
    bool ended = dataset_end(dataset);
    streams_unlock();
    LEAVE(ended ? E_NONE : violation_status());
}

int dataset_need(const aclmdlDataset *handle, const char *argument, Dataset **dataset)
{
    if (handle == NULL)
        return refuse(E_PARAM, "%s is NULL", argument);
    *dataset = object_find(handle, KIND_DATASET, argument);
    return *dataset != NULL ? E_NONE : violation_status();
}

static bool slots_grow(Dataset *dataset)
{
    if (dataset->count < dataset->room)
        return true;
    size_t room = dataset->room == 0 ? 4 : dataset->room * 2;
    DatasetSlot *slot = realloc(dataset->slot, room * sizeof *slot);
    if (slot == NULL)
        return false;
    dataset->slot = slot;
    dataset->room = room;
    return true;
}

aclError aclmdlAddDatasetBuffer(aclmdlDataset *dataset, aclDataBuffer *dataBuffer)
{
    ENTER(aclmdlAddDatasetBuffer, "dataset=%p, dataBuffer=%p", (void *)dataset, (void *)dataBuffer);
    Dataset *found = NULL;
    int status = dataset_need(dataset, "dataset", &found);
    if (status != E_NONE)
        LEAVE(status);
    if (dataBuffer == NULL)
        LEAVE(refuse(E_PARAM, "dataBuffer is NULL"));
    if (object_find(dataBuffer, KIND_DATA_BUFFER, "dataBuffer") == NULL)
        LEAVE(violation_status());
    if (!slots_grow(found))
        LEAVE(refuse(E_BAD_ALLOC, "no memory for another buffer"));
    found->slot[found->count++] = (DatasetSlot){.buffer = dataBuffer};
    changes_note();
    LEAVE(E_NONE);
}

aclError aclmdlSetDatasetTensorDesc(aclmdlDataset *dataset, aclTensorDesc *tensorDesc, size_t index)
{
    ENTER(aclmdlSetDatasetTensorDesc, "dataset=%p, tensorDesc=%p, index=%zu", (void *)dataset,
          (void *)tensorDesc, index);
    Dataset *found = NULL;
    aclTensorDesc *copy = NULL;
    int status = dataset_need(dataset, "dataset", &found);
    if (status != E_NONE)
        LEAVE(status);
    if (index >= found->count)
        LEAVE(refuse(E_PARAM, "index %zu, the dataset has %zu buffers", index, found->count));
    if (tensorDesc != NULL) {
        const TensorDesc *desc = object_find(tensorDesc, KIND_TENSOR_DESC, "tensorDesc");
        if (desc == NULL)
            LEAVE(violation_status());
        copy = tensor_desc_copy(desc, dataset);
        if (copy == NULL)
            LEAVE(refuse(E_BAD_ALLOC, "no memory for a description"));
    }
    dataset_set_desc(found, index, copy);
    LEAVE(E_NONE);
}

aclTensorDesc *aclmdlGetDatasetTensorDesc(const aclmdlDataset *dataset, size_t index)
{
    ENTER_AS(aclmdlGetDatasetTensorDesc, NULL, "dataset=%p, index=%zu", (const void *)dataset,
             index);
    const Dataset *found = dataset == NULL ? NULL : object_find(dataset, KIND_DATASET, "dataset");
    return found != NULL && index < found->count ? found->slot[index].desc : NULL;
}

size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset *dataset)
{
    ENTER_AS(aclmdlGetDatasetNumBuffers, 0, "dataset=%p", (const void *)dataset);
    const Dataset *found = dataset == NULL ? NULL : object_find(dataset, KIND_DATASET, "dataset");
    return found != NULL ? found->count : 0;
}

aclDataBuffer *aclmdlGetDatasetBuffer(const aclmdlDataset *dataset, size_t index)
{
    ENTER_AS(aclmdlGetDatasetBuffer, NULL, "dataset=%p, index=%zu", (const void *)dataset, index);
    const Dataset *found = dataset == NULL ? NULL : object_find(dataset, KIND_DATASET, "dataset");
    return found != NULL && index < found->count ? found->slot[index].buffer : NULL;
}

DataBuffer *dataset_peek(const Dataset *dataset, size_t index)
{
    return dataset->frozen != NULL ? &dataset->frozen[index]
                                   : object_peek(dataset->slot[index].buffer, KIND_DATA_BUFFER);
}

DataBuffer *dataset_buffer(const Dataset *dataset, size_t index, const char *argument)
{
    const aclDataBuffer *handle = dataset->slot[index].buffer;
    DataBuffer *buffer = dataset_peek(dataset, index);
    char text[HISTORY_SIZE];

    if (buffer == NULL)
        violate(V_DEAD_BUFFER, "%s %zu, data buffer %p, %s", argument, index, (const void *)handle,
                object_history(handle, text));
    return buffer;
}

int dataset_memory(const Dataset *dataset, size_t index, const DataBuffer **buffer)
{
    if (index >= dataset->count)
        return refuse(E_PARAM, "index %zu, the dataset has %zu buffers", index, dataset->count);
    *buffer = dataset_buffer(dataset, index, "dataset");
    if (*buffer == NULL)
        return violation_status();
    if ((*buffer)->data == NULL)
        return refuse(E_PARAM, "buffer %zu of the dataset has no memory", index);
    return E_NONE;
}

const TensorDesc *dataset_desc(const Dataset *dataset, size_t index)
{
    return dataset->slot[index].said;
}

void slot_describe(DatasetSlot *slot, aclTensorDesc *desc)
{
    slot->desc = desc;
    slot->said = desc != NULL ? object_peek(desc, KIND_TENSOR_DESC) : NULL;
}

void dataset_set_desc(Dataset *dataset, size_t index, aclTensorDesc *desc)
{
    if (dataset->slot[index].desc != desc)
        changes_note();
    object_kill(dataset->slot[index].desc);
    slot_describe(&dataset->slot[index], desc);
    dataset->slot[index].kept = 0;
}
