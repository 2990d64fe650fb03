/*
 * model_load: a file becomes a loaded model.
 */
#ifndef FAKE_MODEL_LOAD_H
#define FAKE_MODEL_LOAD_H

#include "model/model_build.h"

/*
 * Loads one model; models_lock() is held. 0 and its id, or a status that is
 * still raw (ge_status() makes it public). Nothing is kept on failure.
 */
int model_load(Bytes file, const LoadOptions *options, uint32_t *id);

#endif
