/*
 * event: marks in streams.
 *
 * Recording queues a mark; the event is complete when the last mark that was
 * queued is reached, and stays so until it is recorded or reset again. Marks
 * count up, so a wait knows which one it is for: the last one queued before
 * it or, when there is none (since the event was made or reset), the next.
 *
 * Guarded by the streams' lock. Who holds an Event counts as a reference:
 * the object behind the user's handle, and every task.
 */
#include <stdlib.h>

#include "acl.h"
#include "device.h"
#include "host_memory.h"
#include "message.h"
#include "objects.h"
#include "order.h"
#include "settings.h"
#include "trace.h"
#include "violations.h"

enum {
    FLAGS = 0x7B,               /* all that there are */
    TIME_LINE = 8,
    FLAGS_BY_DEFAULT = 0x1 | TIME_LINE
};

typedef struct Event {
    unsigned references;
    uint32_t flags;
    uint64_t marks;             /* queued */
    uint64_t reached;           /* the last mark that a stream came by */
    uint64_t reset;             /* marks up to this one were taken back, */
    uint64_t cleared;           /* and here the stream was that far, too */
    uint64_t time_ns;           /* at which it was reached */
    unsigned pending;           /* tasks that record it or wait for it */
    unsigned waits;             /* those that wait */
    Clock clock;                /* what is over when the last mark is */
} Event;

typedef struct Body {
    Event *event;
} Body;

typedef struct Mark {
    Task task;
    Event *event;
    uint64_t mark;
    bool waits;
} Mark;

static void event_release(Event *event)
{
    if (--event->references > 0)
        return;
    clock_clear(&event->clock);
    free(event);
}

static void body_release(void *body)
{
    streams_lock();
    event_release(((Body *)body)->event);
    streams_unlock();
}

static void mark_release(Task *task)
{
    Mark *mark = (Mark *)task;

    mark->event->pending--;
    if (mark->waits)
        mark->event->waits--;
    event_release(mark->event);
    streams_signal();
}

static int create(aclrtEvent *handle, uint32_t flags)
{
    int status = context_needed();
    if (status != E_NONE)
        return status;
    if ((flags & ~(uint32_t)FLAGS) != 0)
        return refuse(E_RT_PARAM, "flag 0x%x has bits outside 0x%x", flags,
                      FLAGS);
    Event *event = calloc(1, sizeof *event);
    Body *body = event == NULL ? NULL
                               : object_new(KIND_EVENT, sizeof *body,
                                            body_release, NULL, handle);
    if (body == NULL) {
        free(event);
        return refuse(E_BAD_ALLOC, "no memory for an event");
    }
    *event = (Event){.references = 1, .flags = flags};
    body->event = event;
    return E_NONE;
}

aclError aclrtCreateEvent(aclrtEvent *event)
{
    ENTER(aclrtCreateEvent, "event=%p", (void *)event);
    NOT_NULL(event);
    LEAVE(create(event, FLAGS_BY_DEFAULT));
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag)
{
    ENTER(aclrtCreateEventWithFlag, "event=%p, flag=0x%x", (void *)event,
          flag);
    NOT_NULL(event);
    LEAVE(create(event, flag));
}

/* The event of an argument: 0, 100000 or, after a violation, 107017. */
static int need(aclrtEvent handle, const char *argument, Event **event)
{
    if (handle == NULL)
        return refuse(E_PARAM, "%s is NULL", argument);
    const Body *body = object_find(handle, KIND_EVENT, argument);
    if (body == NULL)
        return E_RT_HANDLE;
    *event = body->event;
    return E_NONE;
}

aclError aclrtDestroyEvent(aclrtEvent event)
{
    ENTER(aclrtDestroyEvent, "event=%p", event);
    if (event == NULL)
        LEAVE(refuse(E_PARAM, "event is NULL"));
    const Body *body = object_peek(event, KIND_EVENT);
    streams_lock();
    unsigned pending = body != NULL ? body->event->pending : 0;
    streams_unlock();
    int status = E_NONE;
    if (pending > 0)
        status = violate(V_EVENT_IN_USE, "event %p, %u tasks", event,
                         pending);
    if (status != E_NONE && settings.strict)
        LEAVE(status);
    LEAVE(object_destroy(event, KIND_EVENT, "event") ? E_NONE : E_RT_HANDLE);
}

/* A task that carries an event; NULL after a message. The lock is held. */
static Mark *mark_new(Event *event, int (*run)(Task *task, Stream *stream),
                      bool waits)
{
    Mark *mark = task_new(sizeof *mark, run, mark_release);

    if (mark == NULL)
        return NULL;
    mark->event = event;
    mark->waits = waits;
    event->references++;
    event->pending++;
    event->waits += waits;
    return mark;
}

/* Of two streams that record one event the later mark may be reached first. */
static int record_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;

    (void)stream;
    streams_lock();
    if (mark->event->reached < mark->mark) {
        mark->event->reached = mark->mark;
        mark->event->time_ns = trace_now();
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

static int record(Event *event, Stream *stream)
{
    streams_lock();
    Mark *mark = mark_new(event, record_run, false);
    int status = mark != NULL ? E_NONE : E_BAD_ALLOC;
    if (status == E_NONE) {
        mark->mark = event->marks + 1;
        status = stream_submit_locked(stream, &mark->task);
    }
    if (status == E_NONE) {
        event->marks++;
        take_clock(event, stream);
    }
    streams_unlock();
    return status;
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream)
{
    ENTER(aclrtRecordEvent, "event=%p, stream=%p", event, stream);
    Event *found = NULL;
    Stream *where = NULL;
    int status = need(event, "event", &found);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &where);
    LEAVE(status != E_NONE ? status : record(found, where));
}

static int reset_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;

    (void)stream;
    streams_lock();
    if (mark->event->cleared < mark->mark)
        mark->event->cleared = mark->mark;
    streams_unlock();
    return E_NONE;
}

static int reset(Event *event, Stream *stream)
{
    streams_lock();
    Mark *mark = mark_new(event, reset_run, false);
    int status = mark != NULL ? E_NONE : E_BAD_ALLOC;
    if (status == E_NONE) {
        mark->mark = event->marks;
        event->reset = event->marks;
        status = stream_submit_locked(stream, &mark->task);
    }
    streams_unlock();
    return status;
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream)
{
    ENTER(aclrtResetEvent, "event=%p, stream=%p", event, stream);
    Event *found = NULL;
    Stream *where = NULL;
    int status = need(event, "event", &found);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &where);
    LEAVE(status != E_NONE ? status : reset(found, where));
}

static int wait_run(Task *task, Stream *stream)
{
    const Mark *mark = (const Mark *)task;

    streams_lock();
    while (mark->event->reached < mark->mark && !stream->stopping)
        streams_await(0);
    streams_unlock();
    return E_NONE;
}

static int wait(Stream *stream, Event *event)
{
    streams_lock();
    bool recorded = event->marks > event->reset;
    Mark *mark = mark_new(event, wait_run, true);
    int status = mark != NULL ? E_NONE : E_BAD_ALLOC;
    if (status == E_NONE) {
        mark->mark = recorded ? event->marks : event->marks + 1;
        status = stream_submit_locked(stream, &mark->task);
    }
    if (status == E_NONE && recorded)
        clock_merge(&stream->clock, &event->clock, stream->last);
    streams_unlock();
    return status;
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event)
{
    ENTER(aclrtStreamWaitEvent, "stream=%p, event=%p", stream, event);
    Event *found = NULL;
    Stream *where = NULL;
    int status = need(event, "event", &found);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &where);
    LEAVE(status != E_NONE ? status : wait(where, found));
}

/* Is the last mark reached, and not taken back? The lock is held. */
static bool is_complete(const Event *event)
{
    return event->marks > event->cleared && event->reached == event->marks;
}

/* Looks; the host learns from a complete event what is over. */
static int look(aclrtEvent handle, bool *complete)
{
    Event *event = NULL;
    int status = need(handle, "event", &event);

    if (status != E_NONE)
        return status;
    streams_lock();
    *complete = is_complete(event);
    if (*complete)
        order_synced_clock(&event->clock, 0);
    streams_unlock();
    return E_NONE;
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus *status)
{
    ENTER(aclrtQueryEvent, "event=%p, status=%p", event, (void *)status);
    bool complete = false;
    NOT_NULL(status);
    int result = look(event, &complete);
    if (result == E_NONE)
        *status = complete ? ACL_EVENT_STATUS_COMPLETE
                           : ACL_EVENT_STATUS_NOT_READY;
    LEAVE(result);
}

aclError aclrtQueryEventStatus(aclrtEvent event,
                               aclrtEventRecordedStatus *status)
{
    ENTER(aclrtQueryEventStatus, "event=%p, status=%p", event,
          (void *)status);
    bool complete = false;
    NOT_NULL(status);
    int result = look(event, &complete);
    if (result == E_NONE)
        *status = complete ? ACL_EVENT_RECORDED_STATUS_COMPLETE
                           : ACL_EVENT_RECORDED_STATUS_NOT_READY;
    LEAVE(result);
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event,
                                   aclrtEventWaitStatus *status)
{
    ENTER(aclrtQueryEventWaitStatus, "event=%p, status=%p", event,
          (void *)status);
    Event *found = NULL;
    NOT_NULL(status);
    int result = need(event, "event", &found);
    if (result != E_NONE)
        LEAVE(result);
    streams_lock();
    bool waited = found->waits == 0;
    streams_unlock();
    *status = waited ? ACL_EVENT_WAIT_STATUS_COMPLETE
                     : ACL_EVENT_WAIT_STATUS_NOT_READY;
    LEAVE(E_NONE);
}

/* Waits for the mark that was last when the call came. */
static int synchronise(aclrtEvent handle, int32_t timeout_ms)
{
    uint64_t until = deadline_of(timeout_ms);
    Event *event = NULL;
    int status = need(handle, "event", &event);

    if (status != E_NONE)
        return status;
    streams_lock();
    uint64_t mark = event->marks;
    bool recorded = mark > event->reset;
    event->references++;
    while (recorded && event->reached < mark && event->pending > 0 &&
           streams_await(until))
        continue;
    if (recorded && event->reached < mark && event->pending == 0)
        status = refuse(E_RT_STREAM_ABORT, "the stream that was to record "
                        "the event was ended");
    else if (recorded && event->reached < mark)
        status = refuse(E_RT_EVENT_TIMEOUT, "the event is not reached after "
                        "%d ms", timeout_ms);
    else if (recorded && event->marks == mark)
        order_synced_clock(&event->clock, 0);
    event_release(event);
    streams_unlock();
    if (!recorded)
        status = violate(V_EVENT_NOT_RECORDED, "event %p", handle);
    return recorded || settings.strict ? status : E_NONE;
}

aclError aclrtSynchronizeEvent(aclrtEvent event)
{
    ENTER(aclrtSynchronizeEvent, "event=%p", event);
    LEAVE(synchronise(event, -1));
}

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout)
{
    ENTER(aclrtSynchronizeEventWithTimeout, "event=%p, timeout=%d", event,
          timeout);
    if (timeout < -1)
        LEAVE(refuse(E_RT_PARAM, "timeout %d is less than -1", timeout));
    LEAVE(synchronise(event, timeout));
}

/* When an event was reached: 0, or 107006. The lock is held. */
static int time_of(const Event *event, const char *argument, uint64_t *ns)
{
    if ((event->flags & TIME_LINE) == 0)
        return refuse(E_RT_TIMESTAMP, "%s was made without "
                      "ACL_EVENT_TIME_LINE", argument);
    if (!is_complete(event))
        return refuse(E_RT_TIMESTAMP, "%s is not recorded and complete",
                      argument);
    *ns = event->time_ns;
    return E_NONE;
}

aclError aclrtEventElapsedTime(float *ms, aclrtEvent startEvent,
                               aclrtEvent endEvent)
{
    ENTER(aclrtEventElapsedTime, "ms=%p, startEvent=%p, endEvent=%p",
          (void *)ms, startEvent, endEvent);
    Event *start = NULL;
    Event *end = NULL;
    uint64_t from = 0;
    uint64_t to = 0;
    NOT_NULL(ms);
    int status = need(startEvent, "startEvent", &start);
    if (status == E_NONE)
        status = need(endEvent, "endEvent", &end);
    if (status != E_NONE)
        LEAVE(status);
    streams_lock();
    status = time_of(start, "startEvent", &from);
    if (status == E_NONE)
        status = time_of(end, "endEvent", &to);
    streams_unlock();
    if (status == E_NONE && to < from)
        status = refuse(E_RT_REVERSAL, "endEvent came %llu ns before "
                        "startEvent", (unsigned long long)(from - to));
    if (status == E_NONE)
        *ms = (float)((double)(to - from) / 1e6);
    LEAVE(status);
}
