/*
 * event_mark: what streams do with events: come by a mark, take marks back,
 * wait for one.
 */
#include "event.h"
#include "order.h"
#include "order_future.h"

/* Of two streams that record one event the later mark may be reached first. */
static int record_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;

    streams_lock();
    if (mark->event->reached < mark->number) {
        mark->event->reached = mark->number;
        mark->event->due_ns = stream->due_ns;
    }
    streams_signal();
    streams_unlock();
    return E_NONE;
}

/* What is over when a stream has come to its last task. */
static void take_clock(Event *event, const Stream *stream)
{
    clock_clear(&event->clock);
    clock_merge(&event->clock, &stream->clock, 0);
    clock_raise(&event->clock, (Tick){stream->serial, stream->last, 0});
}

/* Who waited for this mark before it was queued is told what it means. */
static int record(Event *event, Stream *stream)
{
    int status = event_submit(event, stream, event->marks + 1, record_run,
                              false);

    if (status != E_NONE)
        return status;
    event->marks++;
    take_clock(event, stream);
    future_arrive(&event->future, &event->clock);
    return E_NONE;
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream)
{
    ENTER(aclrtRecordEvent, "event=%p, stream=%p", event, stream);
    LEAVE(event_on_stream(event, stream, record));
}

static int reset_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;

    (void)stream;
    streams_lock();
    if (mark->event->cleared < mark->number)
        mark->event->cleared = mark->number;
    streams_unlock();
    return E_NONE;
}

static int reset(Event *event, Stream *stream)
{
    event->reset = event->marks;
    return event_submit(event, stream, event->marks, reset_run, false);
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream)
{
    ENTER(aclrtResetEvent, "event=%p, stream=%p", event, stream);
    LEAVE(event_on_stream(event, stream, reset));
}

static int wait_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;

    streams_lock();
    while (mark->event->reached < mark->number && !stream->stopping)
        streams_await(0);
    if (stream->due_ns < mark->event->due_ns)
        stream->due_ns = mark->event->due_ns;
    streams_unlock();
    return E_NONE;
}

static int wait(Event *event, Stream *stream)
{
    bool recorded = event->marks > event->reset;
    uint64_t number = recorded ? event->marks : event->marks + 1;
    int status = event_submit(event, stream, number, wait_run, true);

    if (status == E_NONE && recorded)
        clock_merge(&stream->clock, &event->clock, stream->last);
    else if (status == E_NONE)
        future_await(&event->future, stream);
    return status;
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event)
{
    ENTER(aclrtStreamWaitEvent, "stream=%p, event=%p", stream, event);
    LEAVE(event_on_stream(event, stream, wait));
}
