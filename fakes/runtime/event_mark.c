/*
 * event_mark: what streams do with events: come by a mark, take marks back,
 * wait for one.
 */
#include "call/message.h"
#include "call/violations.h"
#include "runtime/event.h"
#include "runtime/order_future.h"
#include "runtime/shared_marks.h"
#include "stream/order_shared.h"

/*
 * Settled at once, for this order of threads:
 *
 *  1. T1, the stream's, reaches the mark.
 *  2. T2 sees the mark reached and destroys the event.
 *  3. T1 counts the task as over.
 */
static void record_fail(Task *task, Stream *stream, int status)
{
    const Mark *mark = (const Mark *)task;

    streams_lock();
    event_reach(mark->event, mark->number, status, stream->due_ns);
    task_settle(task);
    streams_unlock();
}

static int record_run(Task *task, Stream *stream)
{
    record_fail(task, stream, E_NONE);
    return E_NONE;
}

static const TaskKind recording = {.run = record_run, .fail = record_fail, .settle = mark_settle};

/* What is over when a stream has come to its last task. */
static void take_clock(Event *event, const Stream *stream)
{
    clock_clear(&event->clock);
    clock_merge(&event->clock, &stream->clock, 0);
    clock_raise(&event->clock, (Tick){stream->serial, stream->last, 0});
}

/*
 * A record that stands behind a wait for itself, on its own stream or over
 * others, is never reached: on a device neither ends. Here it is refused,
 * and the waits go on with a failure.
 */
static int check_cycle(Event *event, const Stream *stream)
{
    if (event->future == 0 || clock_of(&stream->clock, event->future) == 0)
        return E_NONE;
    int status = violate(V_EVENT_CYCLE, "stream %p", stream->handle);
    event->marks++;
    event->reset = event->marks;
    event->cleared = event->marks;
    future_arrive(&event->future, &(Clock){0});
    event_reach(event, event->marks, E_RT_INTERNAL, stream->due_ns);
    return status;
}

/* The number of a mark that other processes see, with what is over before it. */
static uint64_t next_shared(const Event *event, const Stream *stream)
{
    Clock shared = {0};

    order_clock_share(stream, &shared);
    uint64_t number = shared_next(event->share, &shared);
    clock_clear(&shared);
    return number;
}

/* Streams that wait for this mark already learn what it means. */
static int record(Event *event, Stream *stream)
{
    int status = check_cycle(event, stream);

    if (status != E_NONE)
        return status;
    uint64_t number = event->share != NULL ? next_shared(event, stream) : event->marks + 1;
    status = event_submit(event, stream, number, MARK_RECORD, &recording);
    if (status != E_NONE && event->share != NULL)
        shared_reach(event->share, number, status);
    if (status != E_NONE)
        return status;
    event->marks = number;
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

static const TaskKind resetting = {.run = reset_run, .settle = mark_settle};

static int reset(Event *event, Stream *stream)
{
    int status = event_check_unshared(event);

    if (status != E_NONE)
        return status;
    event->reset = event->marks;
    return event_submit(event, stream, event->marks, MARK_RESET, &resetting);
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream)
{
    ENTER(aclrtResetEvent, "event=%p, stream=%p", event, stream);
    LEAVE(event_on_stream(event, stream, reset));
}

/* What is behind a record that failed may not be there to be used. */
static int wait_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;
    int status = E_NONE;

    streams_lock();
    while (!event_passed(mark->event, mark->number) && !stream->stopping)
        event_await(mark->event, 0);
    if (stream->due_ns < mark->event->due_ns)
        stream->due_ns = mark->event->due_ns;
    if (!stream->stopping)
        status = event_outcome(mark->event, mark->number);
    streams_unlock();
    if (status != E_NONE)
        refuse(status, "the event that was waited for failed to be recorded");
    return status;
}

/* The tasks behind it still come after the mark. */
static void wait_fail(Task *task, Stream *stream, int status)
{
    (void)status;
    wait_run(task, stream);
}

static const TaskKind waiting = {.run = wait_run, .fail = wait_fail, .settle = mark_settle};

static int check_recorded(const Event *event)
{
    if (event->marks > 0 || (event->flags & (EVENT_SYNC | EVENT_EXTERNAL)) != 0)
        return E_NONE;
    return refuse(E_RT_PARAM, "the event was never recorded; only one that "
                              "is made with ACL_EVENT_SYNC may be waited for before");
}

/*
 * Of several processes' event: nothing is waited for that is complete, but a record that
 * failed, or whose process ended, fails the stream that waits, then or later. What was over
 * before the record is in order with the stream from here on.
 */
static int wait_shared(Event *event, Stream *stream)
{
    Clock shared = {0};
    uint64_t number = shared_last_clock(event->share, &shared);
    int status = E_NONE;

    if (!shared_passed(event->share, number) || shared_outcome(event->share, number) != E_NONE)
        status = event_submit(event, stream, number, MARK_WAIT, &waiting);
    if (status == E_NONE && number > 0 && event->marks == number)
        clock_merge(&stream->clock, &event->clock, stream->last);
    else if (status == E_NONE)
        order_clock_learn(&stream->clock, &shared, stream->last);
    clock_clear(&shared);
    return status;
}

static int wait(Event *event, Stream *stream)
{
    if (event->share != NULL)
        return wait_shared(event, stream);

    bool recorded = event->marks > event->reset;
    uint64_t number = recorded ? event->marks : event->marks + 1;
    int status = check_recorded(event);

    if (status == E_NONE)
        status = event_submit(event, stream, number, MARK_WAIT, &waiting);
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
