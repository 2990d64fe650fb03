/*
 * update: programs that assign variables, of init and of update graphs.
 */
#ifndef FAKE_UPDATE_H
#define FAKE_UPDATE_H

#include "model/model.h"
#include "run/dataset.h"

/*
 * Runs a program of kind assign. In strict mode every input is looked at
 * before the first variable changes, so a refused update changes nothing.
 * 0, or the status of a violation.
 */
int update_run(Model *model, const Dataset *input);

/* The look alone: 0 in faithful mode, else what the run would refuse. */
int update_look(Model *model, const Dataset *input);

#endif
