/*
 * model_engine: what computes a model.
 */
#ifndef FAKE_MODEL_ENGINE_H
#define FAKE_MODEL_ENGINE_H

#include "model/model.h"

/* Opens the engine that the model's program needs: 0, or a raw status. */
int model_open_engine(Model *model);

/*
 * Makes another engine of an onnx program: 0, or a raw status. times is as
 * engine_open() has it.
 */
int model_make_engine(const Model *model, const char *times, Engine **engine);

/* Makes a new engine if the weights were written: 0, or a status. */
int model_renew(Model *model);

#endif
