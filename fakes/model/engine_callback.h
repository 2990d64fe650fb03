/*
 * engine_callback: models that a function of the test's computes.
 *
 * aclfakeCallback() gives numbers to functions; a model carries the number,
 * and finds the function anew at each run. A run holds no lock: the function
 * may call AscendCL, and take as long as it likes.
 */
#ifndef FAKE_ENGINE_CALLBACK_H
#define FAKE_ENGINE_CALLBACK_H

#include "base/acl.h"
#include "model/model.h"

/*
 * Registers a function, or with NULL takes it back. False without memory.
 */
bool callback_set(uint64_t id, AclFakeFunction function, void *user);

/* 0, or the status of a load, when the number has no function. */
int callback_known(uint64_t id);

/* Lets the function compute with a run's blobs: 0, or a status. */
int callback_run(Model *model, const Blob *inputs, const Blob *outputs);

#endif
