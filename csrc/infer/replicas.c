/*
 * The replicas of a graph that no run uses: a stack, so that a lone thread
 * goes on with the engine that it had before. A run takes one before it
 * comes to the gate, and gives it back after it left the engine's reader.
 *
 * The replicas have a reader for its mutex, its condition and because the gate
 * frees it. No run ever takes that reader.
 */

#include "infer/replicas.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate/gate.h"

struct replicas {
    reader reader;
    size_t count; /* of those that are free */
    ab_engine *idle[];
};

/* Engines of one gate, which frees the replicas; NULL without memory. */
replicas *replicas_new(ab_gate *gate, size_t count, ab_engine *const *engines)
{
    replicas *r = calloc(1, sizeof *r + count * sizeof(ab_engine *));
    if (r == NULL) {
        return NULL;
    }
    gate_add(gate, &r->reader, 0);
    r->count = count;
    memcpy(r->idle, engines, count * sizeof(ab_engine *));
    return r;
}

/* Takes a free engine, or waits for one until the deadline. NULL: none is free. */
ab_engine *replicas_take(replicas *r, const struct timespec *deadline)
{
    ab_engine *engine = NULL;
    int status = deadline == NULL;
    pthread_mutex_lock(&r->reader.mutex);
    while (r->count == 0 && status == 0) {
        status = pthread_cond_timedwait(&r->reader.changed, &r->reader.mutex, deadline);
    }
    if (r->count > 0) {
        engine = r->idle[--r->count];
    }
    pthread_mutex_unlock(&r->reader.mutex);
    return engine;
}

/* Gives an engine back. This function cannot fail. */
void replicas_give(replicas *r, ab_engine *engine)
{
    pthread_mutex_lock(&r->reader.mutex);
    r->idle[r->count++] = engine;
    pthread_cond_signal(&r->reader.changed);
    pthread_mutex_unlock(&r->reader.mutex);
}
