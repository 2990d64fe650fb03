/*
 * snapshot: a dataset as it was when an execution was queued.
 *
 * The run looks at the copy, so whatever the program does to its dataset
 * meanwhile (and it must not do much) cannot lead it astray. What the run
 * learns about its outputs goes back into the dataset when it is done.
 */
#ifndef FAKE_SNAPSHOT_H
#define FAKE_SNAPSHOT_H

#include "dataset.h"

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
