#include "runtime/event.h"

#include <stdlib.h>

#include "base/now.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "runtime/shared_marks.h"
#include "runtime/stream_need.h"

enum {
    FLAGS = 0x7B,               /* all that a program may ask for */
    LOOK_NS = 1000000,          /* between two looks at what other processes do */
    FLAGS_BY_DEFAULT = 0x6 | EVENT_TIME_LINE    /* RT_EVENT_DEFAULT */
};

static Event *all;              /* guarded by the streams' lock */

typedef struct EventBody {
    Event *event;
} EventBody;

static void unlist(const Event *event)
{
    Event **at = &all;

    while (*at != event)
        at = &(*at)->next;
    *at = event->next;
}

/* For good: others can then neither open it nor see this process in it. */
static void leave_share(Event *event)
{
    if (event->share != NULL)
        share_close(event->share);
    event->share = NULL;
}

/* Of a destroyed event the handle's reference is left until its slot is used again. */
void event_release(Event *event)
{
    event->references--;
    if (event->references == 0 || (event->references == 1 && event->destroyed))
        leave_share(event);
    if (event->references > 0)
        return;
    unlist(event);
    clock_clear(&event->clock);
    free(event);
}

static void body_release(void *body)
{
    streams_lock();
    event_release(((EventBody *)body)->event);
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
    if (event->share != NULL)
        shared_reach(event->share, number, status);
    streams_signal();
}

bool event_passed(const Event *event, uint64_t number)
{
    return event->share != NULL ? shared_passed(event->share, number) : event->reached >= number;
}

bool event_await(const Event *event, uint64_t until_ns)
{
    uint64_t soon = now_ns() + LOOK_NS;

    if (event->share == NULL)
        return streams_await(until_ns);
    if (until_ns != 0 && until_ns < soon)
        return streams_await(until_ns);
    streams_await(soon);
    return true;
}

int event_outcome(const Event *event, uint64_t number)
{
    if (event->share != NULL)
        return shared_outcome(event->share, number);
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

static int make(aclrtEvent *handle, uint32_t flags, Share *share)
{
    Event *event = calloc(1, sizeof *event);
    EventBody *body =
        event == NULL ? NULL : object_new(KIND_EVENT, sizeof *body, body_release, NULL, handle);
    if (body == NULL) {
        free(event);
        return refuse(E_BAD_ALLOC, "no memory for an event");
    }
    *event = (Event){.references = 1, .flags = flags, .share = share};
    body->event = event;
    list(event);
    return E_NONE;
}

int event_open(aclrtEvent *handle, Share *share)
{
    return make(handle, EVENT_IPC, share);
}

/* Other flags beside ACL_EVENT_IPC make an ordinary event of it. */
static int create(aclrtEvent *handle, uint32_t flags)
{
    int status = context_needed();
    if (status != E_NONE)
        return status;
    Share *share = flags == EVENT_IPC ? shared_marks_make() : NULL;
    if (flags == EVENT_IPC && share == NULL)
        return refuse(E_RT_DRIVER, "no memory or no file descriptor for a shared event");
    status = make(handle, flags, share);
    if (status != E_NONE && share != NULL)
        share_close(share);
    return status;
}

aclError aclrtCreateEvent(aclrtEvent *event)
{
    ENTER(aclrtCreateEvent, "event=%p", (void *)event);
    NOT_NULL(event);
    LEAVE(create(event, FLAGS_BY_DEFAULT));
}

static int create_with(aclrtEvent *event, uint32_t flag)
{
    int status = context_needed();

    if (status == E_NONE && (flag & ~(uint32_t)FLAGS) != 0)
        status = refuse(E_RT_PARAM, "flag 0x%x has bits outside 0x%x", flag, FLAGS);
    return status != E_NONE ? status : create(event, flag);
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag)
{
    ENTER(aclrtCreateEventWithFlag, "event=%p, flag=0x%x", (void *)event, flag);
    NOT_NULL(event);
    LEAVE(create_with(event, flag));
}

/* As many as one likes: so are all events here. */
aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag)
{
    ENTER(aclrtCreateEventExWithFlag, "event=%p, flag=0x%x", (void *)event, flag);
    NOT_NULL(event);
    LEAVE(create_with(event, flag));
}

int event_need(aclrtEvent handle, const char *argument, Event **event)
{
    if (handle == NULL)
        return refuse(E_PARAM, "%s is NULL", argument);
    const EventBody *body = object_find(handle, KIND_EVENT, argument);
    if (body == NULL)
        return E_RT_HANDLE;
    *event = body->event;
    return E_NONE;
}

/* Tasks that are pending still need what other processes have of it. */
static void end(Event *event)
{
    streams_lock();
    event->destroyed = true;
    if (event->references == 1)
        leave_share(event);
    streams_unlock();
}

aclError aclrtDestroyEvent(aclrtEvent event)
{
    ENTER(aclrtDestroyEvent, "event=%p", event);
    if (event == NULL)
        LEAVE(refuse(E_PARAM, "event is NULL"));
    const EventBody *body = object_peek(event, KIND_EVENT);
    streams_lock();
    unsigned pending = body != NULL ? body->event->pending : 0;
    streams_unlock();
    int status = E_NONE;
    if (pending > 0)
        status = violate(V_EVENT_IN_USE, "event %p, %u tasks", event, pending);
    if (status != E_NONE && settings.strict)
        LEAVE(status);
    if (!object_destroy(event, KIND_EVENT, "event"))
        LEAVE(E_RT_HANDLE);
    if (body != NULL)
        end(body->event);
    LEAVE(E_NONE);
}

bool event_is_complete(const Event *event)
{
    if (event->share != NULL)
        return shared_passed(event->share, shared_last(event->share));
    return event->marks > event->cleared && event->reached == event->marks;
}

int event_check_unshared(const Event *event)
{
    if (event->flags != EVENT_IPC)
        return E_NONE;
    return refuse(E_RT_NOT_SUPPORTED, "an event made with ACL_EVENT_IPC does not do that");
}

/*
 * The event is looked up again under the lock, for this order of threads:
 *
 *  1. T1 finds the event.
 *  2. T2 destroys it, and its share goes.
 *  3. T1 takes the lock, and would queue a mark of no share.
 */
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
    status = event_need(event, "event", &found);
    if (status == E_NONE)
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
