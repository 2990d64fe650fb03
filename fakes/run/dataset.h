/*
 * dataset: aclDataBuffer, and aclmdlDataset, a row of them.
 *
 * A data buffer is an address and a size, and owns neither. A dataset keeps
 * the handles of buffers that are not its own, and per slot a tensor
 * description that is: it stays until it is replaced, cleared, or the
 * dataset dies.
 */
#ifndef FAKE_DATASET_H
#define FAKE_DATASET_H

#include "base/acl.h"
#include "file/gears.h"
#include "run/tensor_desc.h"

typedef struct DataBuffer {
    void *data;
    size_t size;
} DataBuffer;

typedef struct DatasetSlot {
    aclDataBuffer *buffer;
    aclTensorDesc *desc;        /* owned; NULL: none */
    const TensorDesc *said;     /* its body, which lives as long */
    uint64_t kept;              /* of the bytes that it kept; 0: none yet */
} DatasetSlot;

typedef struct Dataset {
    DatasetSlot *slot;          /* owned */
    size_t count;
    size_t room;
    DataBuffer *frozen;         /* of a snapshot (snapshot.h): the buffers */
    GearWish wish;
} Dataset;

/* The dataset behind an argument that must not be NULL; a status if not. */
int dataset_need(const aclmdlDataset *handle, const char *argument, Dataset **dataset);

/* The buffer in a slot, or NULL after a violation: it was destroyed. */
DataBuffer *dataset_buffer(const Dataset *dataset, size_t index, const char *argument);

/* The buffer in a slot that is there and has memory: 0, or a status. */
int dataset_memory(const Dataset *dataset, size_t index, const DataBuffer **buffer);

/* As dataset_buffer(), in silence. */
DataBuffer *dataset_peek(const Dataset *dataset, size_t index);

/* The description of a slot, or NULL. */
const TensorDesc *dataset_desc(const Dataset *dataset, size_t index);

/* Replaces the description of a slot; takes desc over. */
void dataset_set_desc(Dataset *dataset, size_t index, aclTensorDesc *desc);

/* The same for a slot of a dataset that no run has seen. */
void slot_describe(DatasetSlot *slot, aclTensorDesc *desc);

#endif
