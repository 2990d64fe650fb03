/*
 * model_engine: what computes a model.
 */
#ifndef FAKE_MODEL_ENGINE_H
#define FAKE_MODEL_ENGINE_H

#include "model/model.h"

/* Opens the engine that the model's program needs: 0, or a raw status. */
int model_open_engine(Model *model);

/* Makes a new engine if the weights were written: 0, or a status. */
int model_renew(Model *model);

#endif
