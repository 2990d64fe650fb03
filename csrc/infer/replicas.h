/* Engines of one graph that is loaded several times. */
#ifndef AB_REPLICAS_H
#define AB_REPLICAS_H

#include <stddef.h>
#include <time.h>

#include "infer/ab_engine.h"

typedef struct replicas replicas;

replicas *replicas_new(ab_gate *gate, size_t count, ab_engine *const *engines);
ab_engine *replicas_take(replicas *r, const struct timespec *deadline);
void replicas_give(replicas *r, ab_engine *engine);

#endif
