/* An engine, as the files see it that run one in their own way. */
#ifndef AB_ENGINE_H
#define AB_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "gate/gate.h"
#include "infer/ab_engine.h"
#include "infer/ab_gear.h"
#include "infer/line.h"
#include "infer/replicas.h"

struct ab_engine {
    reader reader;
    ab_gate *gate;
    replicas *replicas;       /* NULL: it is the only one */
    line *line;               /* of those who wait for it, or for any of its replicas */
    line ownLine;
    struct ab_shapes *shapes; /* of a dynamic graph */
    aclrtStream stream;       /* NULL: executes synchronously */
    int timeoutMs;
    aclrtContext context;
    uint32_t modelId;
    aclrtMemcpyKind toDevice;
    aclrtMemcpyKind fromDevice;
    const aclmdlDataset *input;
    aclmdlDataset *output;
    size_t inCount;
    size_t outCount;
    ab_tensor tensors[];
};

int64_t engine_take(ab_engine **engine, waiter *w);
void engine_forgo(const ab_engine *engine, waiter *w);
void engine_leave(ab_engine *engine);
int64_t engine_compute(const ab_engine *e);

#endif
