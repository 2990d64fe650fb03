/*
 * The threads that move the large weights of a transfer. Each thread asks for
 * the next share until none is left or a thread has failed. The caller's
 * thread is one of them. Each of the others sets the device's context, has a
 * part of the staging buffer to itself, and is gone when the call returns.
 * Counters and results are noted under the pool's mutex.
 */

#include "update/pool.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"
#include "numbers/ab_convert.h"
#include "update/ab_transfer.h"
#include "update/send.h"
#include "update/share.h"
#include "update/stage.h"

enum { SHARE_LEAST = 1 << 20, SHARE_MOST = 16 << 20, SHARES_EACH = 4 };

/* The threads of one transfer, and what they have left to do. */
typedef struct pool {
    const transfer *transfer;
    pthread_mutex_t mutex;
    share next;        /* where to go on; nbytes is the size of a share */
    size_t failedItem; /* the first that failed; count if none has */
    int64_t result;
} pool;

/* One thread of a pool, and its part of the staging buffer. */
typedef struct worker {
    pool *pool;
    pthread_t thread;
    char *staging;
    size_t stagingSize;
} worker;

/* Takes the next share. Returns 0 when there is none, or somebody failed. */
static int pool_take(pool *p, share *next)
{
    const transfer *t = p->transfer;
    int found = 0;
    pthread_mutex_lock(&p->mutex);
    while (!found && p->result == 0 && p->next.item < t->count) {
        const staged *w = &t->stage->weights[t->changed[p->next.item]];
        size_t left = w->nbytes - p->next.start;
        if (staged_is_small(w) || left == 0) {
            p->next.item++;
            p->next.start = 0;
            continue;
        }
        *next = p->next;
        next->nbytes = left < p->next.nbytes ? left : p->next.nbytes;
        p->next.start += next->nbytes;
        found = 1;
    }
    pthread_mutex_unlock(&p->mutex);
    return found;
}

/*
 * Notes a failure of this thread. The library tells the text of a failure to
 * the thread that failed; so where this thread is not the caller's (foreign),
 * the text is kept as well.
 */
static void pool_fail(pool *p, size_t item, int64_t result, int foreign)
{
    pthread_mutex_lock(&p->mutex);
    if (p->result == 0 || item < p->failedItem) {
        ab_stage *stage = p->transfer->stage;
        const char *text = NULL;
        if (foreign && aclGetRecentErrMsg != NULL) {
            text = aclGetRecentErrMsg();
        }
        stage->foreign = foreign;
        snprintf(stage->detail, DETAIL_SIZE, "%s", text == NULL ? "" : text);
        p->failedItem = item;
        p->result = result;
    }
    pthread_mutex_unlock(&p->mutex);
}

/* Adds what a share's move counted; the caller has no counts where no move does. */
static void pool_count(pool *p, size_t item, const ab_counts *more)
{
    if (p->transfer->counts == NULL) {
        return;
    }
    ab_counts *sum = &p->transfer->counts[item];
    pthread_mutex_lock(&p->mutex);
    sum->overflow += more->overflow;
    sum->underflow += more->underflow;
    sum->subnormal += more->subnormal;
    sum->nan += more->nan;
    sum->nonfinite += more->nonfinite;
    pthread_mutex_unlock(&p->mutex);
}

/* Moves shares until none is left, the context being set. */
static void worker_run(worker *self, int foreign)
{
    share s;
    while (pool_take(self->pool, &s)) {
        ab_counts counts = {0, 0, 0, 0, 0};
        aclError status =
            share_move(self->pool->transfer, &s, self->staging, self->stagingSize, &counts);
        pool_count(self->pool, s.item, &counts);
        if (status != ACL_SUCCESS) {
            pool_fail(self->pool, s.item, failure(AB_STEP_COPY_IN, s.item, status), foreign);
        }
    }
}

/* What another thread than the caller's does. */
static void *worker_main(void *argument)
{
    worker *self = argument;
    ab_visit visit;
    aclrtContext ours = self->pool->transfer->stage->engine->context;
    int64_t result = ab_context_enter(ours, &visit);
    if (result == 0) {
        worker_run(self, 1);
        ab_context_leave(&visit);
    }
    if (result != 0) {
        pool_fail(self->pool, self->pool->transfer->count, result, 1);
    }
    return NULL;
}

/* The bytes of the large weights. */
static size_t transfer_large_nbytes(const transfer *t)
{
    size_t total = 0;
    for (size_t i = 0; i < t->count; i++) {
        const staged *w = &t->stage->weights[t->changed[i]];
        total += staged_is_small(w) ? 0 : w->nbytes;
    }
    return total;
}

/*
 * How many bytes a thread takes at once: all of a weight if it is alone, else
 * little enough that all end together. A multiple of START.
 */
static size_t share_size(size_t total, size_t threads)
{
    size_t size = total / threads / SHARES_EACH;
    if (threads == 1) {
        return SIZE_MAX;
    }
    size = size < SHARE_LEAST ? SHARE_LEAST : size;
    return (size < SHARE_MOST ? size : SHARE_MOST) & ~(size_t)(START - 1);
}

/* Shares the staging buffer among the threads of a pool. */
static void workers_equip(worker *workers, size_t threads, pool *p)
{
    const transfer *t = p->transfer;
    size_t part = t->stagingSize / threads & ~(size_t)(START - 1);
    for (size_t i = 0; i < threads; i++) {
        workers[i].pool = p;
        workers[i].staging = t->staging + i * part;
        workers[i].stagingSize = part < AB_STAGE_CHUNK ? part : AB_STAGE_CHUNK;
    }
}

/* Moves the large weights. A thread that cannot be had is done without. */
int64_t transfer_large(const transfer *t, size_t threads)
{
    worker workers[AB_STAGE_MAX_THREADS];
    pool p = {.transfer = t, .failedItem = t->count};
    size_t total = transfer_large_nbytes(t), started = 1;
    if (total == 0) {
        return 0;
    }
    threads = total < threads * SHARE_LEAST ? 1 : threads;
    p.next.nbytes = share_size(total, threads);
    pthread_mutex_init(&p.mutex, NULL);
    workers_equip(workers, threads, &p);
    while (started < threads &&
           pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) == 0) {
        started++;
    }
    worker_run(&workers[0], 0);
    while (--started > 0) {
        pthread_join(workers[started].thread, NULL);
    }
    pthread_mutex_destroy(&p.mutex);
    return p.result;
}
