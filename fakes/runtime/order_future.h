/*
 * order_future: orders by marks that are yet to come.
 *
 * A stream may wait for an event that is not recorded yet. Tasks behind that
 * wait are held until the record comes. They come after all that the record
 * comes after, which is not known yet. So the mark goes into the stream's
 * clock as a future: a tick of no stream. When the record arrives the held
 * tasks are judged: do they race with others? Until then neither the held
 * tasks nor tasks in conflict with them are complained about. To free or
 * destroy what a held task uses is wrong all the same.
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
