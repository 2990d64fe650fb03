#include "stream/order_shared.h"

#include <stdlib.h>

#include "base/stamp.h"

enum {
    KNOWN_MAX = 1024,           /* ticks of other processes that the host remembers */
    SHARED_MAX = 250            /* ticks that cross with an event */
};

static Clock known;             /* what this host knows of other processes' streams */

static uint64_t name_of(uint64_t serial)
{
    return CLOCK_SHARED | process_stamp() | (serial & UINT32_MAX);
}

static bool is_ours(uint64_t name)
{
    return (name & ~(uint64_t)UINT32_MAX) == (CLOCK_SHARED | process_stamp());
}

/*
 * A future stands for what nobody knows yet. So that nothing is told that was in
 * order, all of this process counts as over there from now on. Where there are too
 * many ticks, all so far does.
 */
static void share_tick(Clock *shared, const Tick *tick)
{
    if (tick->stream & CLOCK_FUTURE)
        clock_raise(shared, (Tick){name_of(0), UINT64_MAX - 1, 0});
    else if (shared->count >= SHARED_MAX)
        clock_raise(shared, (Tick){name_of(0), streams_last_seq(), 0});
    else if (tick->stream & CLOCK_SHARED)
        clock_raise(shared, (Tick){tick->stream, tick->seq, 0});
    else
        clock_raise(shared, (Tick){name_of(tick->stream), tick->seq, 0});
}

void order_clock_share(const Stream *stream, Clock *shared)
{
    share_tick(shared, &(Tick){stream->serial, stream->last, 0});
    for (size_t i = 0; i < stream->clock.count; i++)
        share_tick(shared, &stream->clock.tick[i]);
}

void order_clock_learn(Clock *clock, const Clock *shared, uint64_t since)
{
    for (size_t i = 0; i < shared->count; i++) {
        Tick tick = shared->tick[i];
        if (is_ours(tick.stream))
            tick.stream &= UINT32_MAX;
        tick.since = since;
        if (tick.stream != 0)
            clock_raise(clock, tick);
    }
}

void order_know(uint64_t stream, uint64_t seq)
{
    if (clock_of(&known, stream) >= seq)
        return;
    if (known.count >= KNOWN_MAX)
        clock_clear(&known);
    clock_raise(&known, (Tick){stream, seq, 0});
    uses_over(stream & ~CLOCK_SHARED, seq);
}

static bool knows(const Clock *clock, const User *user)
{
    uint64_t name = CLOCK_SHARED | user->stream;

    return clock_of(clock, name) >= user->seq ||
           clock_of(clock, name & ~(uint64_t)UINT32_MAX) >= user->seq;
}

static bool is_over(const User *user, const void *to)
{
    const Stream *stream = to;

    return knows(&known, user) || (stream != NULL && knows(&stream->clock, user));
}

bool order_find_shared(const Stream *stream, const UseOf *of, size_t count, bool ends,
                       SharedUse *found, size_t *which)
{
    UsesQuery query = {of, count, ends, is_over, stream};

    return uses_find(&query, found, which);
}

/* The next task of the process is this one: the lock is held. */
void order_lay(const Stream *stream, Task *task, bool held)
{
    User user = {.tag = (uintptr_t)task,
                 .stream = name_of(stream != NULL ? stream->serial : 0) & ~CLOCK_SHARED,
                 .seq = stream != NULL ? streams_last_seq() + 1 : UINT64_MAX,
                 .held = held,
                 .made = task->made};
    UseOf *of = calloc(task->claims + 1, sizeof *of);

    if (of == NULL)
        return;
    for (size_t i = 0; i < task->claims; i++)
        of[i] = (UseOf){task->claim[i].rows, task->claim[i].writes};
    task->shared = uses_add(&user, of, task->claims);
    free(of);
}
