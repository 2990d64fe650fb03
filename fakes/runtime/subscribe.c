/*
 * subscribe: the threads that make the calls of streams.
 *
 * A thread is subscribed to streams. What one of them wants to be called is
 * left as a report, which the thread takes inside aclrtProcessReport().
 */
#include <stdlib.h>

#include "base/acl.h"
#include "base/now.h"
#include "call/message.h"
#include "call/violations.h"
#include "runtime/stream_need.h"
#include "stream/callback.h"
#include "stream/reports.h"
#include "stream/stream.h"

static int subscribe(Stream *stream, uint64_t thread)
{
    int status = E_NONE;

    streams_lock();
    if (stream->subscribed)
        status = refuse(E_RT_STREAM_SUBSCRIBE,
                        "thread %llu is subscribed "
                        "to the stream already",
                        (unsigned long long)stream->subscriber);
    else if (stream->host_functions)
        status = violate(V_CALLBACKS_MIXED, "subscribing thread %llu", (unsigned long long)thread);
    if (status == E_NONE) {
        stream->subscribed = true;
        stream->subscriber = thread;
    }
    streams_unlock();
    return status;
}

aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream)
{
    ENTER(aclrtSubscribeReport, "threadId=%llu, stream=%p", (unsigned long long)threadId, stream);
    Stream *found = NULL;
    int status = stream_need(stream, "stream", &found);
    LEAVE(status != E_NONE ? status : subscribe(found, threadId));
}

static int unsubscribe(Stream *stream, uint64_t thread)
{
    int status = E_NONE;

    streams_lock();
    if (!stream->subscribed)
        status = refuse(E_RT_STREAM_SUBSCRIBE, "no thread is subscribed to "
                                               "the stream");
    else if (stream->subscriber != thread)
        status = refuse(E_RT_THREAD_SUBSCRIBE,
                        "thread %llu is subscribed "
                        "to the stream, not %llu",
                        (unsigned long long)stream->subscriber, (unsigned long long)thread);
    else
        stream->subscribed = false;
    streams_signal();
    streams_unlock();
    return status;
}

aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream)
{
    ENTER(aclrtUnSubscribeReport, "threadId=%llu, stream=%p", (unsigned long long)threadId, stream);
    Stream *found = NULL;
    int status = stream_need(stream, "stream", &found);
    LEAVE(status != E_NONE ? status : unsubscribe(found, threadId));
}

/* Is a stream subscribed by the thread that asks? */
typedef struct Binding {
    uint64_t thread;
    bool bound;
} Binding;

static void see_binding(Stream *stream, void *to)
{
    Binding *binding = to;

    if (stream->subscribed && stream->subscriber == binding->thread)
        binding->bound = true;
}

static bool is_bound(uint64_t thread)
{
    Binding binding = {thread, false};

    streams_each(see_binding, &binding);
    return binding.bound;
}

/*
 * Waits for a report; NULL when there is none in time, or when the last
 * stream of the thread is gone, which *bound tells.
 */
static Report *await(uint64_t thread, uint64_t until, bool *bound)
{
    Report *report;

    *bound = is_bound(thread);
    while ((report = report_take(thread)) == NULL && *bound) {
        if (!streams_await(until))
            return report_take(thread);
        *bound = is_bound(thread);
    }
    return report;
}

/* Makes the call of a report: 0, or the failure of its task. */
static int make(const Report *report)
{
    if (report->function == NULL)
        return refuse(report->status, "the task that was to call failed");
    callback_call(report->function, report->argument);
    return E_NONE;
}

static void finish(Report *report)
{
    streams_lock();
    if (report->done != NULL)
        *report->done = true;
    stream_release(report->stream);
    streams_signal();
    streams_unlock();
    free(report);
}

aclError aclrtProcessReport(int32_t timeout)
{
    ENTER(aclrtProcessReport, "timeout=%d", timeout);
    bool bound = false;
    if (timeout == 0 || timeout < -1)
        LEAVE(refuse(E_PARAM, "timeout %d is not -1 or more than 0", timeout));
    streams_lock();
    Report *report = await((uint64_t)pthread_self(), deadline_of(timeout), &bound);
    streams_unlock();
    if (report == NULL && !bound)
        LEAVE(refuse(E_RT_THREAD_SUBSCRIBE, "no stream is bound to this "
                                            "thread"));
    if (report == NULL)
        LEAVE(refuse(E_RT_REPORT_TIMEOUT, "no callback came in %d ms", timeout));
    int status = make(report);
    finish(report);
    LEAVE(status);
}
