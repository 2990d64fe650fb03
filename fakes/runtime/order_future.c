#include "runtime/order_future.h"

#include "runtime/event.h"
#include "stream/order.h"

static uint64_t last;           /* future that was named */

/* A future, and what it turned out to be. */
typedef struct Arrival {
    uint64_t future;
    const Clock *clock;
} Arrival;

void future_await(uint64_t *future, Stream *stream)
{
    if (*future == 0)
        *future = CLOCK_FUTURE | ++last;
    clock_raise(&stream->clock, (Tick){*future, 1, stream->last});
}

static void arrive_in_event(Clock *clock, void *to)
{
    const Arrival *arrival = to;

    clock_replace(clock, arrival->future, arrival->clock);
}

static void arrive_in_stream(Stream *stream, void *to)
{
    const Arrival *arrival = to;
    uint64_t since = clock_replace(&stream->clock, arrival->future, arrival->clock);

    if (since != 0)
        order_check_released(stream, since);
}

void future_arrive(uint64_t *future, const Clock *clock)
{
    Arrival arrival = {*future, clock};

    if (*future == 0)
        return;
    *future = 0;
    events_each_clock(arrive_in_event, &arrival);
    streams_each(arrive_in_stream, &arrival);
}
