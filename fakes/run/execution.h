/*
 * execution: what synchronous and asynchronous executions have in common.
 *
 * Which arguments are looked at first depends on the model: only the static
 * executor wants aclInit, and it counts outputs without memory before it
 * looks for the model.
 */
#ifndef FAKE_EXECUTION_H
#define FAKE_EXECUTION_H

#include "run/run.h"

/* The arguments of every execution. */
typedef struct Wanted {
    uint32_t model;
    const aclmdlDataset *input;
    aclmdlDataset *output;
} Wanted;

/*
 * Checks the arguments, in ACL's order, and finds what is behind them. The
 * caller lets run->model go, also where something is wrong.
 */
int execution_find(const Wanted *wanted, Run *run);

/*
 * Holds a static model to its mode, which its first execution chooses: 0, or
 * 500002 for the other.
 */
int execution_mode(Model *model, ExecuteMode mode);

/* Lets the model's executor check a run, or check it and run. */
int execution_look(const Run *run);

/* Runs a claimed model, whose memory is still there: 0, or a status. */
int execution_run(const Run *run);

#endif
