/*
 * model_build: a loaded model, put together from a file.
 */
#ifndef FAKE_MODEL_BUILD_H
#define FAKE_MODEL_BUILD_H

#include "model/load_options.h"

/*
 * Parses a model, finds the memory it needs and opens its engine. The order
 * is ACL's: a broken file is reported before a missing context. 0, or a raw
 * status with nothing kept. The end of the
 * last hold takes the model apart.
 */
int model_build(Bytes file, const LoadOptions *options, Model **model);

#endif
