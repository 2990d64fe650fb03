/*
 * snapshot: a dataset as it was when an execution was queued.
 *
 * The call that queues has read dataset and buffers, and they are the
 * program's again: the program may change or destroy them while the run
 * waits. The run looks at the copy. What the run learns about its outputs goes
 * back into the dataset when the run is done, under the streams' lock, so that
 * the dataset is not destroyed meanwhile.
 */
#ifndef FAKE_SNAPSHOT_H
#define FAKE_SNAPSHOT_H

#include "run/dataset.h"

/* A copy, whose descriptions belong to handle; NULL after a message. */
Dataset *snapshot_take(const Dataset *dataset, const aclmdlDataset *handle);

/*
 * Gives the descriptions, and the addresses of outputs that had none, to the
 * dataset, if it is still alive and has as many slots.
 */
void snapshot_give_back(Dataset *snapshot, const aclmdlDataset *handle);

/* Frees a copy; NULL is nothing. */
void snapshot_free(Dataset *snapshot);

#endif
