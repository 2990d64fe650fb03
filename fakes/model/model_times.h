/*
 * model_times: how long each operator of a model takes.
 *
 * ONNX Runtime measures a session whole, from its making to its end, so the
 * times of one run need a session of their own. It computes on the run's inputs
 * and into memory of its own; the run itself comes afterwards and is not slower
 * for it.
 */
#ifndef FAKE_MODEL_TIMES_H
#define FAKE_MODEL_TIMES_H

#include "model/model.h"

/* One operator, as ONNX Runtime ran it: what it fused has one name. */
typedef struct OpTime {
    const char *name;
    const char *type;
    uint64_t start_ns;          /* of now_ns() */
    uint64_t ns;
} OpTime;

/*
 * Runs an onnx program once on these inputs and tells each operator's time, in
 * the order in which they ran: 0, or a status after a message.
 */
int model_times(const Model *model, const Blob *inputs,
                void (*tell)(const OpTime *time, const void *to), const void *to);

#endif
