/*
 * event_host: what the host learns from events: whether a mark was reached,
 * and when.
 */
#include "base/now.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "runtime/event.h"
#include "runtime/shared_marks.h"
#include "stream/order.h"
#include "stream/order_shared.h"

/* The last mark, and what is over before it: the host knows that once the mark is reached. */
static uint64_t last_mark(const Event *event, Clock *clock)
{
    Clock shared = {0};

    uint64_t mark = event->share != NULL ? shared_last_clock(event->share, &shared) : event->marks;
    if (mark == event->marks)
        clock_merge(clock, &event->clock, 0);
    else
        order_clock_learn(clock, &shared, 0);
    clock_clear(&shared);
    return mark;
}

/*
 * Looks; the host learns from a complete event what is over. The older
 * function does not take events of several processes.
 */
static int look(aclrtEvent handle, bool old, bool *complete)
{
    Event *event = NULL;
    Clock clock = {0};

    streams_lock();
    int status = event_need(handle, "event", &event);
    if (status == E_NONE && old)
        status = event_check_unshared(event);
    if (status == E_NONE) {
        last_mark(event, &clock);
        *complete = event_is_complete(event);
        if (*complete)
            order_synced_clock(&clock, 0);
    }
    clock_clear(&clock);
    streams_unlock();
    return status;
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus *status)
{
    ENTER(aclrtQueryEvent, "event=%p, status=%p", event, (void *)status);
    bool complete = false;
    NOT_NULL(status);
    int result = look(event, true, &complete);
    if (result == E_NONE)
        *status = complete ? ACL_EVENT_STATUS_COMPLETE : ACL_EVENT_STATUS_NOT_READY;
    LEAVE(result);
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus *status)
{
    ENTER(aclrtQueryEventStatus, "event=%p, status=%p", event, (void *)status);
    bool complete = false;
    NOT_NULL(status);
    int result = look(event, false, &complete);
    if (result == E_NONE)
        *status =
            complete ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
    LEAVE(result);
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus *status)
{
    ENTER(aclrtQueryEventWaitStatus, "event=%p, status=%p", event, (void *)status);
    Event *found = NULL;
    NOT_NULL(status);
    int result = event_need(event, "event", &found);
    if (result == E_NONE)
        result = event_check_unshared(found);
    if (result != E_NONE)
        LEAVE(result);
    streams_lock();
    bool waited = found->waits == 0;
    streams_unlock();
    *status = waited ? ACL_EVENT_WAIT_STATUS_COMPLETE : ACL_EVENT_WAIT_STATUS_NOT_READY;
    LEAVE(E_NONE);
}

/*
 * The host has seen that a mark is reached: 0, or why it will not be. The event's own clock,
 * where it has the mark still, tells what futures have become meanwhile.
 */
static int seen(const Event *event, uint64_t mark, const Clock *clock)
{
    int status = event_outcome(event, mark);

    if (status == E_RT_STREAM_ABORT)
        return refuse(status, "the stream that was to record the event was "
                              "ended, or the process that it was of");
    order_synced_clock(event->marks == mark ? &event->clock : clock, 0);
    return status == E_NONE ? E_NONE : refuse(status, "the record of the event failed");
}

/* Waits for the mark that was last when the call came. */
static int synchronise(aclrtEvent handle, int32_t timeout_ms)
{
    uint64_t until = deadline_of(timeout_ms);
    Event *event = NULL;
    Clock clock = {0};

    streams_lock();
    int status = event_need(handle, "event", &event);
    if (status != E_NONE) {
        streams_unlock();
        return status;
    }
    bool shared = event->share != NULL;
    uint64_t mark = last_mark(event, &clock);
    bool recorded = mark > event->reset;
    event->references++;
    while (recorded && !event_passed(event, mark) && event_await(event, until))
        continue;
    if (recorded && !event_passed(event, mark))
        status = refuse(E_RT_EVENT_TIMEOUT,
                        "the event is not reached after "
                        "%d ms",
                        timeout_ms);
    else if (recorded)
        status = seen(event, mark, &clock);
    clock_clear(&clock);
    event_release(event);
    streams_unlock();
    if (!recorded && !shared)
        status = violate(V_EVENT_NOT_RECORDED, "event %p", handle);
    return recorded || shared || settings.strict ? status : E_NONE;
}

aclError aclrtSynchronizeEvent(aclrtEvent event)
{
    ENTER(aclrtSynchronizeEvent, "event=%p", event);
    LEAVE(synchronise(event, -1));
}

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout)
{
    ENTER(aclrtSynchronizeEventWithTimeout, "event=%p, timeout=%d", event, timeout);
    if (timeout < -1)
        LEAVE(refuse(E_RT_PARAM, "timeout %d is less than -1", timeout));
    LEAVE(synchronise(event, timeout));
}

/* When an event was reached: 0, or 107006. The lock is held. */
static int time_of(const Event *event, const char *argument, uint64_t *ns)
{
    if (event_check_unshared(event) != E_NONE)
        return E_RT_NOT_SUPPORTED;
    if ((event->flags & EVENT_TIME_LINE) == 0)
        return refuse(E_RT_TIMESTAMP,
                      "%s was made without "
                      "ACL_EVENT_TIME_LINE",
                      argument);
    if (!event_is_complete(event))
        return refuse(E_RT_TIMESTAMP, "%s is not recorded and complete", argument);
    *ns = event->due_ns;
    return E_NONE;
}

aclError aclrtEventElapsedTime(float *ms, aclrtEvent startEvent, aclrtEvent endEvent)
{
    ENTER(aclrtEventElapsedTime, "ms=%p, startEvent=%p, endEvent=%p", (void *)ms, startEvent,
          endEvent);
    Event *start = NULL;
    Event *end = NULL;
    uint64_t from = 0;
    uint64_t to = 0;
    NOT_NULL(ms);
    int status = event_need(startEvent, "startEvent", &start);
    if (status == E_NONE)
        status = event_need(endEvent, "endEvent", &end);
    if (status != E_NONE)
        LEAVE(status);
    streams_lock();
    status = time_of(start, "startEvent", &from);
    if (status == E_NONE)
        status = time_of(end, "endEvent", &to);
    streams_unlock();
    if (status == E_NONE && to < from)
        status = refuse(E_RT_REVERSAL,
                        "endEvent came %llu ns before "
                        "startEvent",
                        (unsigned long long)(from - to));
    if (status == E_NONE)
        *ms = (float)((double)(to - from) / 1e6);
    LEAVE(status);
}
