/*
 * shared_marks: the marks of events that several processes record and wait for.
 *
 * The processes share how many marks were queued, how far the streams came, and
 * what is over when they come by the last one; all else of an event is each
 * process's own. As the runtime has it, such an
 * event is complete before its first record, and a stream that waits for a
 * complete one does not wait (facts 10.3).
 *
 * A process cannot wake another one's threads: who waits looks again each
 * millisecond, and sees also that the process which was to record has ended.
 */
#ifndef FAKE_SHARED_MARKS_H
#define FAKE_SHARED_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/share.h"

/* Makes the block of an event; NULL: no memory, or no file descriptor. */
Share *shared_marks_make(void);

/*
 * Opens the block of a handle's key: 0, or a status. It is of another process,
 * which is still there. The streams' lock is held: nobody here records an event
 * that is being opened.
 */
int shared_marks_open(const char *key, Share **share);

/*
 * The number of the mark that is queued now, behind what a clock tells; and of the last that was.
 * Clocks here are those of all processes (stream/order_shared.h).
 */
uint64_t shared_next(const Share *share, const Clock *clock);
uint64_t shared_last(const Share *share);

/* The number of the last mark, and into a clock what was over before it. */
uint64_t shared_last_clock(const Share *share, Clock *clock);

/* A stream of this process came by a mark, or never will. */
void shared_reach(const Share *share, uint64_t number, int status);

/* Is a mark reached by whoever queued it, or will it never be? */
bool shared_passed(const Share *share, uint64_t number);

/* What became of a mark that is passed: 0, or a failure. */
int shared_outcome(const Share *share, uint64_t number);

#endif
