#include "runtime/event.h"

#include <stdlib.h>

#include "base/now.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "runtime/stream_need.h"

enum {
    FLAGS = 0x7B,               /* all that a program may ask for */
    FLAGS_BY_DEFAULT = 0x6 | EVENT_TIME_LINE    /* RT_EVENT_DEFAULT */
};

static Event *all;              /* guarded by the streams' lock */

typedef struct Body {
    Event *event;
} Body;

static void unlist(const Event *event)
{
    Event **at = &all;

    while (*at != event)
        at = &(*at)->next;
    *at = event->next;
}

void event_release(Event *event)
{
    if (--event->references > 0)
        return;
    unlist(event);
    clock_clear(&event->clock);
    free(event);
}

static void body_release(void *body)
{
    streams_lock();
    event_release(((Body *)body)->event);
    streams_unlock();
}

/* Of two streams that record one event the later mark may be reached first. */
void event_reach(Event *event, uint64_t number, int status, uint64_t due_ns)
{
    if (event->reached < number) {
        event->reached = number;
        event->due_ns = due_ns;
        event->failure = status;
    }
    if (status == E_NONE && event->good < number)
        event->good = number;
    streams_signal();
}

int event_outcome(const Event *event, uint64_t number)
{
    return event->good >= number ? E_NONE : event->failure;
}

/* A record that was queued and dropped will never be reached. */
void mark_settle(Task *task)
{
    Mark *mark = (Mark *)task;

    if (mark->deed == MARK_RECORD && task->seq != 0)
        event_reach(mark->event, mark->number, E_RT_STREAM_ABORT, now_ns());
    mark->event->pending--;
    mark->event->waits -= mark->deed == MARK_WAIT;
    event_release(mark->event);
    streams_signal();
}

static void list(Event *event)
{
    streams_lock();
    event->next = all;
    all = event;
    streams_unlock();
}

static int create(aclrtEvent *handle, uint32_t flags)
{
    int status = context_needed();
    if (status != E_NONE)
        return status;
    Event *event = calloc(1, sizeof *event);
    Body *body =
        event == NULL ? NULL : object_new(KIND_EVENT, sizeof *body, body_release, NULL, handle);
    if (body == NULL) {
        free(event);
        return refuse(E_BAD_ALLOC, "no memory for an event");
    }
    *event = (Event){.references = 1, .flags = flags};
    body->event = event;
    list(event);
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
    ENTER(aclrtCreateEventWithFlag, "event=%p, flag=0x%x", (void *)event, flag);
    NOT_NULL(event);
    int status = context_needed();
    if (status == E_NONE && (flag & ~(uint32_t)FLAGS) != 0)
        status = refuse(E_RT_PARAM, "flag 0x%x has bits outside 0x%x", flag, FLAGS);
    LEAVE(status != E_NONE ? status : create(event, flag));
}

int event_need(aclrtEvent handle, const char *argument, Event **event)
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
        status = violate(V_EVENT_IN_USE, "event %p, %u tasks", event, pending);
    if (status != E_NONE && settings.strict)
        LEAVE(status);
    LEAVE(object_destroy(event, KIND_EVENT, "event") ? E_NONE : E_RT_HANDLE);
}

bool event_is_complete(const Event *event)
{
    return event->marks > event->cleared && event->reached == event->marks;
}

int event_on_stream(aclrtEvent event, aclrtStream stream, int (*act)(Event *event, Stream *stream))
{
    Event *found = NULL;
    Stream *where = NULL;
    int status = event_need(event, "event", &found);

    if (status == E_NONE)
        status = stream_need(stream, "stream", &where);
    if (status != E_NONE)
        return status;
    streams_lock();
    status = act(found, where);
    streams_unlock();
    return status;
}

int event_submit(Event *event, Stream *stream, uint64_t number, MarkDeed deed, const TaskKind *kind)
{
    Mark *mark = task_new(sizeof *mark, kind);

    if (mark == NULL)
        return E_BAD_ALLOC;
    mark->event = event;
    mark->number = number;
    mark->deed = deed;
    mark->task.waits = deed == MARK_WAIT;
    event->references++;
    event->pending++;
    event->waits += deed == MARK_WAIT;
    return stream_submit_locked(stream, &mark->task);
}

void events_each_clock(void (*act)(Clock *clock, void *to), void *to)
{
    for (Event *event = all; event != NULL; event = event->next)
        act(&event->clock, to);
}
