/*
 * order: which task may touch which memory while others are at work.
 *
 * A task is over for the host when the host has waited for it, and for
 * another stream when that stream has waited for an event behind it. Until
 * then its claims stand, whether or not the worker is already done: a
 * program must not depend on how fast a device is.
 */
#ifndef FAKE_ORDER_H
#define FAKE_ORDER_H

#include "stream/order_kept.h"
#include "stream/stream.h"

/*
 * Checks the claims of a task that is about to be queued: 0, or the status
 * of a violation. Other processes that have its memory see it from here on, until
 * it is freed. The lock is held.
 */
int order_check_task(const Stream *stream, Task *task);

/*
 * What other processes have waited for is over here, too: before a key is closed, and
 * with it goes what tells that.
 */
void order_learn(void);

/*
 * Complains about tasks of a stream that waited for a mark, from since on,
 * which has come. The lock is held.
 */
void order_check_released(const Stream *stream, uint64_t since);

/*
 * Checks the claims of a run that is made at once, on no stream, and lets
 * them stand until it ends: what other threads do meanwhile is checked
 * against them. 0, or the status of a violation; then nothing stands. Takes
 * the lock.
 */
int order_begin(Task *task);
void order_end(Task *task);

/*
 * Checks a claim of the host itself: 0, or the status of a violation, which
 * says what the running call does to it ("frees").
 */
int order_check_host(ClaimKind kind, const void *start, size_t size, bool writes, const char *does);

/* The same of rows. */
int order_check_rows(ClaimKind kind, const Rows *rows, bool writes, const char *does);

/* Is the end of memory or of a model in conflict with a task? As above. */
int order_check_end(ClaimKind kind, const void *start, size_t size, const char *what);

/*
 * Notes the end of a dataset or data buffer that a task was given. The call
 * that queued the task has read it, so nothing breaks here; but the interface
 * wants it kept until then.
 */
void order_note_end(ClaimKind kind, const void *handle);

#endif
