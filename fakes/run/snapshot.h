/*
 * snapshot: a dataset as it was when an execution was queued.
 *
 * The call that queues has read dataset and buffers, and they are the
 * program's again. T1 is the program, T2 the stream's thread:
 *
 *     1. T1 queues an execution, which copies the dataset
 *     2. T1 changes or destroys the dataset
 *     3. T2 runs, and looks at the copy
 *     4. T2 takes the streams' lock, and writes into the dataset, if it is
 *        still alive, what the run learnt about its outputs
 *
 * To destroy a dataset takes the same lock, so step 2 does not come into
 * step 4.
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
