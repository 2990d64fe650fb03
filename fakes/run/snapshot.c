#include "run/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "call/message.h"
#include "memory/objects.h"
#include "run/changes.h"
#include "stream/stream.h"

void snapshot_free(Dataset *snapshot)
{
    if (snapshot == NULL)
        return;
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->slot != NULL)
            object_kill(snapshot->slot[i].desc);
    free(snapshot->slot);
    free(snapshot->frozen);
    free(snapshot);
}

static bool copy_slot(Dataset *to, const Dataset *from, size_t i, const aclmdlDataset *handle)
{
    const DataBuffer *buffer = dataset_buffer(from, i, "slot");
    const TensorDesc *desc = dataset_desc(from, i);

    to->slot[i].buffer = from->slot[i].buffer;
    if (buffer == NULL)
        return false;
    to->frozen[i] = *buffer;
    if (desc != NULL)
        slot_describe(&to->slot[i], tensor_desc_copy(desc, handle));
    return desc == NULL || to->slot[i].desc != NULL;
}

Dataset *snapshot_take(const Dataset *dataset, const aclmdlDataset *handle)
{
    Dataset *copy = malloc(sizeof *copy);
    size_t room = dataset->count + 1;
    bool whole = copy != NULL;

    if (copy != NULL) {
        *copy = *dataset;
        copy->slot = calloc(room, sizeof *copy->slot);
        copy->frozen = calloc(room, sizeof *copy->frozen);
        whole = copy->slot != NULL && copy->frozen != NULL;
    }
    for (size_t i = 0; whole && i < dataset->count; i++)
        whole = copy_slot(copy, dataset, i, handle);
    if (whole)
        return copy;
    snapshot_free(copy);
    refuse(E_BAD_ALLOC, "no memory for an execution to come");
    return NULL;
}

static void give_back_slot(Dataset *snapshot, Dataset *dataset, size_t i)
{
    DataBuffer *buffer = object_peek(dataset->slot[i].buffer, KIND_DATA_BUFFER);

    dataset_set_desc(dataset, i, snapshot->slot[i].desc);
    slot_describe(&snapshot->slot[i], NULL);
    if (buffer == NULL || buffer->data != NULL)
        return;
    *buffer = snapshot->frozen[i];
    changes_note();
}

void snapshot_give_back(Dataset *snapshot, const aclmdlDataset *handle)
{
    streams_lock();
    Dataset *dataset = object_peek(handle, KIND_DATASET);
    if (dataset != NULL && dataset->count == snapshot->count)
        for (size_t i = 0; i < snapshot->count; i++)
            give_back_slot(snapshot, dataset, i);
    streams_unlock();
}
