/*
 * order_future: orders by marks that are yet to come.
 *
 * A stream may wait for an event that nobody has recorded. What it queues
 * behind that wait is held until the record comes, and comes after whatever
 * the record will come after, which nobody knows yet. So the mark goes into
 * the stream's clock as a future: a tick of no stream. Whether what is held
 * races with anything is judged when the record arrives; until then neither
 * it nor what would be in conflict with it is complained about. To free or
 * destroy what it uses is wrong all the same.
 *
 * All is guarded by the streams' lock.
 */
#ifndef FAKE_ORDER_FUTURE_H
#define FAKE_ORDER_FUTURE_H

#include "stream/stream.h"

/*
 * A stream waits, in its last task, for a mark to come. future names the
 * mark in clocks; it is 0 for the first who waits, and given a number.
 */
void future_await(uint64_t *future, Stream *stream);

/*
 * The mark was queued, and means clock: every clock that had the future has
 * that instead, and what it held is judged. The future is 0 then.
 */
void future_arrive(uint64_t *future, const Clock *clock);

#endif
