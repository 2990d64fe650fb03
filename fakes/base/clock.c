#include "base/clock.h"

#include <stdlib.h>

static Tick *tick_of(const Clock *clock, uint64_t stream)
{
    for (size_t i = 0; i < clock->count; i++)
        if (clock->tick[i].stream == stream)
            return &clock->tick[i];
    return NULL;
}

uint64_t clock_of(const Clock *clock, uint64_t stream)
{
    const Tick *tick = tick_of(clock, stream);

    return tick != NULL ? tick->seq : 0;
}

static bool clock_grow(Clock *clock)
{
    if (clock->count < clock->room)
        return true;
    size_t room = clock->room == 0 ? 4 : clock->room * 2;
    Tick *tick = realloc(clock->tick, room * sizeof *tick);
    if (tick == NULL)
        return false;
    clock->tick = tick;
    clock->room = room;
    return true;
}

void clock_raise(Clock *clock, Tick tick)
{
    Tick *known = tick_of(clock, tick.stream);

    if (known != NULL && known->seq < tick.seq)
        *known = tick;
    if (known == NULL && clock_grow(clock))
        clock->tick[clock->count++] = tick;
}

void clock_merge(Clock *clock, const Clock *other, uint64_t since)
{
    for (size_t i = 0; i < other->count; i++)
        clock_raise(clock, (Tick){other->tick[i].stream, other->tick[i].seq, since});
}

uint64_t clock_held(const Clock *clock)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < clock->count; i++)
        if (clock->tick[i].stream & CLOCK_FUTURE && clock->tick[i].since < first)
            first = clock->tick[i].since;
    return first;
}

uint64_t clock_replace(Clock *clock, uint64_t future, const Clock *by)
{
    Tick *tick = tick_of(clock, future);

    if (tick == NULL)
        return 0;
    uint64_t since = tick->since;
    *tick = clock->tick[--clock->count];
    if (by != clock)
        clock_merge(clock, by, since);
    return since;
}

void clock_clear(Clock *clock)
{
    free(clock->tick);
    *clock = (Clock){0};
}
