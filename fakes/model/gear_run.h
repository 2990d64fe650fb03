/*
 * gear_run: which gear a loaded model runs in.
 *
 * A user names a gear with aclmdlSetDynamicBatchSize and its two sisters:
 * the dataset remembers the wish, the model the last one that it accepted,
 * and the numbers go into the device memory of the input
 * "ascend_mbatch_shape_data". A run believes that memory alone, as the
 * device does; what a strict run finds the dataset to wish must agree.
 */
#ifndef FAKE_GEAR_RUN_H
#define FAKE_GEAR_RUN_H

#include <stdatomic.h>

#include "model/model.h"

struct GearRun {
    atomic_size_t chosen;       /* the last gear accepted; count: none yet */
    size_t current;             /* of the blobs below; count: none yet */
    size_t input_index;         /* of GEAR_INPUT; the inputs' count: none */
    Blob *input;                /* owned; as the current gear has them */
    Blob *output;
    int64_t *dims;              /* owned; of all inputs, in a row */
};

/* For a model that has gears; NULL without memory. */
GearRun *gear_run_new(const Inout *inout);

void gear_run_free(GearRun *gear);

/*
 * Which gear a wish names: 0, or 145012 where its numbers do not fit the
 * model's inputs, or 145013 where they are no gear of it.
 */
int gear_of_wish(const Inout *inout, const GearWish *wish, size_t *gear);

#endif
