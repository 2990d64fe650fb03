/*
 * order_shared: the order of what tasks of several processes do with memory that
 * they share.
 *
 * In rows beside the memory (memory/uses.h), and in clocks that cross from
 * process to process with events, a stream has a name that all know. What is
 * over for a process is what its host has waited for, in whatever way: then the
 * rows count no more, and nobody complains. What orders two tasks of two processes whose
 * hosts wait for nothing is an event of both.
 *
 *     1. P1 queues a write on stream a, and records event E
 *     2. P2 lets stream b wait for E: b's clock knows a as far as step 1
 *     3. P2 queues a read on b: in order with P1's row, which stands still
 *     4. P2's host waits for b, and so knows all that b's clock knows: the row of
 *        P1 is marked, and P1, which finds it so, knows that stream a got so far
 *
 * All is guarded by the streams' lock.
 */
#ifndef FAKE_ORDER_SHARED_H
#define FAKE_ORDER_SHARED_H

#include "memory/uses.h"
#include "stream/stream.h"

/* What is over before a record that comes next on a stream, as all processes know it. */
void order_clock_share(const Stream *stream, Clock *shared);

/* A clock of this process learns from one of all, as of the task since. */
void order_clock_learn(Clock *clock, const Clock *shared, uint64_t since);

/* The host knows that a stream of any process, a tick's, got as far as seq. */
void order_know(uint64_t stream, uint64_t seq);

/* Lays rows for a task that is about to be queued; NULL: that runs at once, on no stream. */
void order_lay(const Stream *stream, Task *task, bool held);

/* Of ranges, one that another process's task is at work on; NULL: for the host. */
bool order_find_shared(const Stream *stream, const UseOf *of, size_t count, bool ends,
                       SharedUse *found, size_t *which);

#endif
