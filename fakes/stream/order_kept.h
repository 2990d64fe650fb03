/*
 * order_kept: tasks that are done, and whose claims stand until somebody has waited for
 * them.
 */
#ifndef FAKE_ORDER_KEPT_H
#define FAKE_ORDER_KEPT_H

#include "stream/stream.h"

/* The host knows that a stream is done up to seq. The lock is held. */
void order_synced(Stream *stream, uint64_t seq);

/* The host knows what a clock knows. The lock is held. */
void order_synced_clock(const Clock *clock, uint64_t seq);

/* A task is done; its claims stand. The lock is held. */
void order_keep(Stream *stream, Task *task);

/* A task with claims was queued, or goes. */
void order_count(const Task *task, int change);

/* Has any task claims that stand? */
bool order_standing(void);

/*
 * A task of this process whose rows are marked was waited for elsewhere. Was anything learnt? The
 * lock is held.
 */
bool order_learn_gone(void);

/* Forgets all claims of a stream that ended. The lock is held. */
void order_forget(Stream *stream);

#endif
