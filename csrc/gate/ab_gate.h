/*
 * The gate: inferences share it, a commit has it alone.
 *
 * Every engine call answers with one int64_t:
 *     >= 0        the epoch of the weights that were read or written
 *     -1 - epoch  done, but some variable has never been written
 *     below       failed; -(index << 40 | step << 32 | aclError); see ab_answer
 */
#ifndef AB_GATE_CALLS_H
#define AB_GATE_CALLS_H

#include <stdint.h>

#include "acl/acl_types.h"

typedef struct ab_gate ab_gate;

/* Where an answer for a failure has its parts; a step has 8 bits. */
enum ab_answer { AB_STEP_SHIFT = 32, AB_INDEX_SHIFT = 40, AB_STEP_MASK = 0xFF };

enum ab_step {
    AB_STEP_GET_CONTEXT = 1,
    AB_STEP_SET_CONTEXT,
    AB_STEP_COPY_IN,
    AB_STEP_EXECUTE,
    AB_STEP_COPY_OUT,
    AB_STEP_SET_BUFFER,
    AB_STEP_SET_DESC,
    AB_STEP_BUSY,
    AB_STEP_CLOSED,
    AB_STEP_POISONED,
    AB_STEP_FORKED,
    AB_STEP_SET_BATCH,
    AB_STEP_SET_HW,
    AB_STEP_SET_DIMS,
    AB_STEP_NEW_DESC,
    AB_STEP_GET_DIM,
    AB_STEP_ALLOCATE,
    AB_STEP_FREE,
    AB_STEP_GET_DESC,
    AB_STEP_SAVE,
    AB_STEP_PUT_BACK,
    AB_STEP_EXECUTE_ASYNC,
    AB_STEP_SYNCHRONIZE,
    AB_STEP_STREAM_QUERY,
    AB_STEP_STREAM_WAIT,
    AB_STEP_RECORD,
    AB_STEP_QUEUE_IN,
    AB_STEP_QUEUE_OUT,
    AB_STEP_RUNNING,
    AB_STEP_HUNG,
    AB_STEP_HELD,
    /* the library answered what cannot be, which stands for the aclError */
    AB_STEP_BAD_RANK,
    AB_STEP_BAD_SIZE,
    AB_STEP_BAD_MEMORY,
    AB_STEP_BAD_OUTPUT
};

ab_gate *ab_gate_new(int defined);
void ab_gate_free(ab_gate *gate);
int64_t ab_gate_epoch(ab_gate *gate);
int64_t ab_gate_check(ab_gate *gate);
int ab_gate_is_poisoned(ab_gate *gate);
int ab_gate_is_torn(ab_gate *gate);
int64_t ab_gate_close(ab_gate *gate);
int64_t ab_gate_shut(ab_gate *gate, int waitMs);
int64_t ab_gate_hold(ab_gate *gate, int waitMs);
void ab_gate_release(ab_gate *gate);
int64_t ab_gate_publish(ab_gate *gate, int defines);
void ab_gate_revert(ab_gate *gate, int defined);
void ab_gate_retract(ab_gate *gate);

#endif
