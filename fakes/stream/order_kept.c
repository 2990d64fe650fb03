#include "stream/order_kept.h"

#include <stdatomic.h>

#include "memory/uses.h"
#include "stream/order_shared.h"

enum { KEPT_MAX = 4096 };       /* of a program that never waits */

/* Tasks with claims, on all streams: mostly none, and nothing to look at. */
static atomic_int standing;

void order_count(const Task *task, int change)
{
    if (task->claims > 0)
        atomic_fetch_add(&standing, change);
}

bool order_standing(void)
{
    return atomic_load(&standing) > 0;
}

static void drop_first(Stream *stream)
{
    Task *task = stream->kept.first;

    stream->kept.first = task->next;
    if (task->next == NULL)
        stream->kept.last = NULL;
    stream->kept_count--;
    order_count(task, -1);
    task_free(task);
}

void order_synced(Stream *stream, uint64_t seq)
{
    if (seq > stream->synced)
        stream->synced = seq;
    while (stream->kept.first != NULL && stream->kept.first->seq <= stream->synced)
        drop_first(stream);
}

/* A tick of a clock, as far as tasks up to seq had waited for it. */
typedef struct Known {
    const Clock *clock;
    uint64_t seq;
} Known;

static void learn(Stream *stream, void *to)
{
    const Known *known = to;

    for (size_t i = 0; i < known->clock->count; i++) {
        const Tick *tick = &known->clock->tick[i];
        if (tick->stream == stream->serial && tick->since <= known->seq)
            order_synced(stream, tick->seq);
    }
}

void order_synced_clock(const Clock *clock, uint64_t seq)
{
    for (size_t i = 0; i < clock->count; i++) {
        const Tick *tick = &clock->tick[i];
        if (tick->stream & CLOCK_SHARED && tick->since <= seq)
            order_know(tick->stream, tick->seq);
    }
    streams_each(learn, &(Known){clock, seq});
}

void order_keep(Stream *stream, Task *task)
{
    task_settle(task);
    task->next = NULL;
    if (task->claims == 0 || task->seq <= stream->synced || stream->stopping) {
        order_count(task, -1);
        task_free(task);
        return;
    }
    if (stream->kept.last != NULL)
        stream->kept.last->next = task;
    else
        stream->kept.first = task;
    stream->kept.last = task;
    if (++stream->kept_count > KEPT_MAX)
        drop_first(stream);
}

void order_forget(Stream *stream)
{
    while (stream->kept.first != NULL)
        drop_first(stream);
}

static void learn_gone(Stream *stream, void *to)
{
    uint64_t seq = 0;

    for (const Task *task = stream->kept.first; task != NULL; task = task->next)
        if (task->shared && uses_is_over((uintptr_t)task))
            seq = task->seq;
    if (seq == 0)
        return;
    *(bool *)to = true;
    order_synced(stream, seq);
    order_synced_clock(&stream->clock, seq);
}

bool order_learn_gone(void)
{
    bool learnt = false;

    if (uses_any())
        streams_each(learn_gone, &learnt);
    return learnt;
}
