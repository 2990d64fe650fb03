/*
 * model_build: a loaded model, put together from a file and taken apart.
 */
#ifndef FAKE_MODEL_BUILD_H
#define FAKE_MODEL_BUILD_H

#include "model/models.h"

/* The graph engine must be initialised to load a static model. */
int model_may_load(Bytes file);

/*
 * Parses a model, finds the memory it needs and opens its engine. The order
 * is ACL's: a broken file is reported before a missing context. 0, or a raw
 * status with nothing kept.
 */
int model_build(Bytes file, const LoadOptions *options, Model **model);

/* Makes a new engine if the weights were written: 0, or a status. */
int model_renew(Model *model);

/* Gives back everything that a model nobody holds has; not the struct. */
void model_strip(Model *model);

#endif
