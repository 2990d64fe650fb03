/*
 * clock: what is known to be over, as far as events tell.
 *
 * A clock says of streams up to which of their tasks everything is done
 * before what the clock belongs to. A stream's clock grows when it waits for
 * an event; an event's clock is the one of the stream that recorded it. From
 * these alone follows whether two tasks on two streams are ordered, however
 * fast they happen to run: a race is seen even when it goes well.
 */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A tick of no stream: a mark that is yet to come (order_future.h). */
#define CLOCK_FUTURE (UINT64_C(1) << 63)

/* A tick of a stream as all processes know it (order_shared.h). */
#define CLOCK_SHARED (UINT64_C(1) << 62)

typedef struct Tick {
    uint64_t stream;            /* its serial number, or a future */
    uint64_t seq;               /* of its last task that is over */
    uint64_t since;             /* the task that waited for it */
} Tick;

typedef struct Clock {
    Tick *tick;                 /* owned */
    size_t count;
    size_t room;
} Clock;

/* The last task of a stream that a clock knows to be over; 0: none. */
uint64_t clock_of(const Clock *clock, uint64_t stream);

/*
 * Learns that a stream got as far as seq. Without memory nothing is learnt,
 * and an order that exists may later look like a race.
 */
void clock_raise(Clock *clock, Tick tick);

/* Learns all that another clock knows, as of the task since. */
void clock_merge(Clock *clock, const Clock *other, uint64_t since);

/* The first task that waits for a future; UINT64_MAX: none does. */
uint64_t clock_held(const Clock *clock);

/*
 * Puts what another clock knows in the place of a future. The task that
 * waited for it; 0: nothing changed, the future was not there.
 */
uint64_t clock_replace(Clock *clock, uint64_t future, const Clock *by);

/* Forgets everything. */
void clock_clear(Clock *clock);

#endif
