/*
 * order_future: orders by marks that are yet to come.
 *
 * A stream may wait for an event that is not recorded yet:
 *
 *     1. stream A waits for event E, and gets task a behind that wait
 *     2. stream B gets task b, which touches the same memory as a
 *     3. stream B records E: a comes after b, so there was no race
 *
 * After step 2 nobody knows yet what a comes after. So the wait goes into A's
 * clock as a future: a tick of no stream. Task a is held, and neither a nor b
 * is complained about. In step 3 the future becomes the clock of the record,
 * and the tasks that were held are judged by that. To free or destroy what a
 * held task uses is wrong all the same.
 *
 * All is guarded by the streams' lock.
 */
#ifndef FAKE_ORDER_FUTURE_H
#define FAKE_ORDER_FUTURE_H

#include "stream/stream.h"

/*
 * A stream waits, in its last task, for a mark to come. future names the
 * mark in clocks; it is 0 for the first wait, which gives it a number.
 */
void future_await(uint64_t *future, Stream *stream);

/*
 * The mark was queued, and means clock: every clock that had the future has
 * that instead, and what it held is judged. The future is 0 then.
 */
void future_arrive(uint64_t *future, const Clock *clock);

#endif
