/*
 * One run of a runner.
 */
#ifndef AB_REQUEST_CALLS_H
#define AB_REQUEST_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "infer/ab_run.h"
#include "serve/ab_runner.h"

/* One run: its inputs, where its outputs go, and its slot. */
typedef struct ab_request {
    ab_runner *runner;
    const ab_run *run; /* of its outputs the sizes from the start on, the data from the wait on */
    int waitMs;
    int last;
    size_t slot; /* from 1; 0: it has none */
} ab_request;

int64_t ab_request_start(ab_request *request);
int64_t ab_request_wait(ab_request *request);
int64_t ab_request_run(ab_request *request);
void ab_request_drop(ab_request *request);

#endif
