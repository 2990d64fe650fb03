/*
 * A second id of a graph, run behind its callers: on streams, with timeouts.
 *
 * A call that waits answers AB_STEP_BUSY when nothing was begun in time, and
 * AB_STEP_RUNNING when what was begun is not over.
 */
#ifndef AB_RUNNER_CALLS_H
#define AB_RUNNER_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "gate/ab_gate.h"
#include "infer/ab_gear.h"

enum { AB_SLOTS_MAX = 64 };

typedef struct ab_runner ab_runner;

/* A slot holds one run: where it is queued, and the memory it goes through. */
typedef struct ab_slot {
    aclrtStream stream;
    aclrtEvent executed;
    const aclmdlDataset *input;
    aclmdlDataset *output;
    ab_tensor *tensors;
    void *const *host;
} ab_slot;

ab_runner *ab_runner_new(ab_gate *gate, size_t graph, uint32_t modelId, aclrtContext context,
                         int onHost, size_t inCount, size_t outCount);
int ab_runner_add(ab_runner *runner, const ab_slot *slot);
int64_t ab_runner_wait(ab_runner *runner, int waitMs);
int ab_runner_hung(ab_runner *runner);
int ab_runner_idle(ab_runner *runner);

#endif
