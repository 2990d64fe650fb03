/*
 * One executable graph: its model id, device buffers and datasets.
 */
#ifndef AB_ENGINE_CALLS_H
#define AB_ENGINE_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "gate/ab_gate.h"
#include "infer/ab_gear.h"

typedef struct ab_engine ab_engine;

ab_engine *ab_engine_new(ab_gate *gate, int reads, uint32_t modelId, aclrtContext context,
                         int onHost, const aclmdlDataset *input, const ab_tensor *in,
                         size_t inCount, aclmdlDataset *output, const ab_tensor *out,
                         size_t outCount);
int ab_engine_join(ab_gate *gate, size_t count, ab_engine *const *engines);
void ab_engine_time(ab_engine *engine, aclrtStream stream, int timeoutMs);
int ab_engine_drained(const ab_engine *engine);

#endif
