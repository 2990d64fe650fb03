/*
 * execute: the parts of an execution that its functions share.
 */
#ifndef FAKE_EXECUTE_H
#define FAKE_EXECUTE_H

#include "model/run.h"
#include "runtime/stream.h"

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
int execute_find(const Wanted *wanted, Run *run);

/* Executes at once, on the calling thread; then run is what it was. */
int execute_now(Call *call, const Wanted *wanted, Run *run);

/*
 * Holds a static model to its mode, which its first execution chooses: 0, or
 * 500002 for the other.
 */
int execute_mode(Model *model, ExecuteMode mode);

/*
 * Queues an execution on a stream: 0, or what is wrong with its arguments,
 * or with the order in which it would run.
 */
int execute_queue(const Wanted *wanted, const Run *run, Stream *stream);

/*
 * The timeout of synchronous executions on this thread, in milliseconds;
 * -1: none. It is what the last aclmdlExecuteV2 here had.
 */
int32_t execute_timeout(void);
void execute_set_timeout(int32_t timeout_ms);

#endif
