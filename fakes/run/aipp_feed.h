/*
 * aipp_feed: what the engine is given for inputs that AIPP stands in front of.
 */
#ifndef FAKE_AIPP_FEED_H
#define FAKE_AIPP_FEED_H

#include "model/model.h"

/*
 * Lets AIPP make tensors of the images among the inputs, and puts in *inputs
 * the blobs that the engine takes: 0, or the status of a violation where the
 * memory with the parameters holds none, or that with the images too few.
 * The gear is this run's, NULL without gears. Without AIPP it does nothing.
 */
int aipp_feed(const Model *model, const GearRun *gear, const Blob **inputs);

#endif
