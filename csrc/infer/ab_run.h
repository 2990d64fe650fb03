/*
 * One run of a graph, as every way to run it is told: a call, a binding, a
 * request.
 */
#ifndef AB_RUN_CALLS_H
#define AB_RUN_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_engine.h"
#include "infer/ab_gear.h"

enum { AB_RANK_MAX = 128 };

/*
 * An array on the host, or on the device, where the graph itself reads or
 * writes it. Of an input of a dynamic graph the dims count, too.
 */
typedef struct ab_array {
    void *data; /* NULL, on the device: an output of a dynamic graph, for the library to allocate */
    size_t nbytes;
    int rank;
    int onDevice;
    const int64_t *dims;
} ab_array;

/*
 * What an output of a dynamic graph turned out to be; data is for ab_host_free.
 * One that was left on the device has a place there instead: the array that was
 * given, or memory that the library allocated, for aclrtFree.
 */
typedef struct ab_output {
    char *data;
    void *device;
    int isAllocated;
    size_t nbytes;
    size_t rank;
    int64_t dims[AB_RANK_MAX];
} ab_output;

/*
 * One run: an array for each input, and for each output either the array to
 * write or, in a dynamic graph, the place that tells what was made.
 */
typedef struct ab_run {
    const ab_gear *gear; /* NULL: the graph has none */
    const ab_array *in;
    const ab_array *out;
    ab_output *made; /* NULL: the graph is not dynamic */
    size_t readyCount;
    const aclrtEvent *ready; /* for whoever has the device wait; else they were waited for */
} ab_run;

/*
 * An engine together with the run of one binding. entered: a run has passed the gate
 * since the caller set it to 0, and may use the arrays.
 */
typedef struct ab_plan {
    ab_engine *engine;
    const ab_run *run;
    int closed;
    int entered;
} ab_plan;

int ab_plan_close(ab_plan *plan, int waitMs);
void ab_host_free(char *data);

#endif
