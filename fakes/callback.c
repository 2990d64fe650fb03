#include "callback.h"

#include <stdlib.h>

#include "message.h"
#include "order.h"
#include "settings.h"
#include "violations.h"

/* One call that a subscribed thread shall make. */
typedef struct Report {
    struct Report *next;
    Stream *stream;             /* held; NULL: it ended */
    uint64_t thread;
    uint64_t seq;               /* of its task */
    aclrtCallback function;
    void *argument;
    bool *done;                 /* who waits for it; NULL: nobody */
} Report;

typedef struct Launch {
    Task task;
    aclrtCallback function;
    void *argument;
    bool blocks;
    bool host;                  /* the worker makes the call */
} Launch;

/* Guarded by the streams' lock. */
static struct {
    Report *first;
    Report *last;
} state;

static _Thread_local unsigned depth;

/* What a callback must not call. */
static bool forbidden(FunctionId function)
{
    static const FunctionId list[] = {
        FN_aclrtMalloc, FN_aclrtMallocAlign32, FN_aclrtMallocCached,
        FN_aclrtFree, FN_aclrtMallocHost, FN_aclrtFreeHost,
        FN_aclrtSynchronizeStream, FN_aclrtSynchronizeStreamWithTimeout,
        FN_aclrtSynchronizeDevice, FN_aclrtSynchronizeDeviceWithTimeout,
        FN_aclrtSynchronizeEvent, FN_aclrtSynchronizeEventWithTimeout,
        FN_aclrtCreateStream, FN_aclrtCreateStreamWithConfig,
        FN_aclrtDestroyStream, FN_aclrtDestroyStreamForce,
        FN_aclrtCreateEvent, FN_aclrtCreateEventWithFlag,
        FN_aclrtDestroyEvent, FN_aclrtResetDevice,
        FN_aclrtResetDeviceForce, FN_aclrtLaunchCallback,
        FN_aclrtLaunchHostFunc, FN_aclrtMemcpyAsync, FN_aclrtMemsetAsync,
        FN_aclrtRecordEvent, FN_aclrtResetEvent, FN_aclrtStreamWaitEvent,
        FN_aclmdlExecute, FN_aclmdlExecuteV2, FN_aclmdlExecuteAsync};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i] == function)
            return true;
    return false;
}

int callback_check(FunctionId function)
{
    if (depth == 0 || !forbidden(function))
        return E_NONE;
    int status = violate(V_INSIDE_CALLBACK, "%s", functions[function].name);
    return settings.strict ? status : E_NONE;
}

void callback_call(void (*function)(void *), void *argument)
{
    Call *outer = current_call;

    depth++;
    function(argument);
    depth--;
    current_call = outer;
}

static void append(Report *report)
{
    if (state.last != NULL)
        state.last->next = report;
    else
        state.first = report;
    state.last = report;
}

/* Takes out the first report that fits, or NULL. */
static Report *take(const Stream *stream, uint64_t thread)
{
    Report *before = NULL;
    Report *report = state.first;

    while (report != NULL &&
           (stream != NULL ? report->stream != stream
                           : report->thread != thread)) {
        before = report;
        report = report->next;
    }
    if (report == NULL)
        return NULL;
    if (before != NULL)
        before->next = report->next;
    else
        state.first = report->next;
    if (state.last == report)
        state.last = before;
    return report;
}

/* Hands a call to the subscribed thread; waits for it if told to. */
static int report_locked(const Launch *launch, Stream *stream)
{
    bool done = false;
    Report *report = calloc(1, sizeof *report);

    if (report == NULL)
        return refuse(E_RT_INTERNAL, "no memory for a report");
    if (!stream->subscribed) {
        free(report);
        return refuse(E_RT_INTERNAL, "no thread is subscribed any more");
    }
    *report = (Report){NULL, stream, stream->subscriber, launch->task.seq,
                       launch->function, launch->argument,
                       launch->blocks ? &done : NULL};
    stream_hold(stream);
    append(report);
    streams_signal();
    while (launch->blocks && !done && !stream->stopping)
        streams_await(0);
    if (launch->blocks && !done)
        report->done = NULL;
    return E_NONE;
}

static int launch_run(Task *task, Stream *stream)
{
    const Launch *launch = (const Launch *)task;
    int status = E_NONE;

    streams_lock();
    order_synced(stream, task->seq - 1);
    order_synced_clock(&stream->clock, task->seq);
    if (!launch->host)
        status = report_locked(launch, stream);
    streams_unlock();
    if (launch->host)
        callback_call(launch->function, launch->argument);
    return status;
}

static int launch(Stream *stream, Launch wanted)
{
    Launch *made = task_new(sizeof *made, launch_run, NULL);

    if (made == NULL)
        return E_BAD_ALLOC;
    wanted.task = made->task;
    *made = wanted;
    calls_watch(WATCH_CALLBACK, true);
    return stream_submit(stream, &made->task);
}

/* Notes which way a stream calls; the other way breaks a rule. */
static int check_way(Stream *stream, bool host, void *handle)
{
    int status = E_NONE;

    streams_lock();
    bool mixed = host ? stream->subscribed : stream->host_functions;
    if (host && !mixed)
        stream->host_functions = true;
    if (!host && !mixed && !stream->subscribed)
        status = refuse(E_RT_NO_CALLBACK, "no thread is subscribed to "
                        "stream %p; call aclrtSubscribeReport", handle);
    streams_unlock();
    if (mixed && status == E_NONE)
        status = violate(V_CALLBACKS_MIXED, "stream %p", handle);
    return status;
}

aclError aclrtLaunchCallback(aclrtCallback fn, void *userData,
                             aclrtCallbackBlockType blockType,
                             aclrtStream stream)
{
    ENTER(aclrtLaunchCallback, "fn=%d, userData=%p, blockType=%d, stream=%p",
          fn != NULL, userData, (int)blockType, stream);
    Stream *found = NULL;
    if (fn == NULL)
        LEAVE(refuse(E_RT_PARAM, "fn is NULL"));
    if (blockType != ACL_CALLBACK_NO_BLOCK &&
        blockType != ACL_CALLBACK_BLOCK)
        LEAVE(refuse(E_RT_PARAM, "blockType %d is not 0 or 1",
                     (int)blockType));
    int status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = check_way(found, false, stream);
    if (status == E_NONE)
        status = launch(found, (Launch){.function = fn,
                                        .argument = userData,
                                        .blocks = blockType ==
                                                  ACL_CALLBACK_BLOCK});
    LEAVE(status);
}

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void *args)
{
    ENTER(aclrtLaunchHostFunc, "stream=%p, fn=%d, args=%p", stream,
          fn != NULL, args);
    Stream *found = NULL;
    if (fn == NULL)
        LEAVE(refuse(E_RT_PARAM, "fn is NULL"));
    int status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = check_way(found, true, stream);
    if (status == E_NONE)
        status = launch(found, (Launch){.function = fn, .argument = args,
                                        .host = true});
    LEAVE(status);
}

static int subscribe(Stream *stream, uint64_t thread)
{
    int status = E_NONE;

    streams_lock();
    if (stream->subscribed)
        status = refuse(E_RT_STREAM_SUBSCRIBE, "thread %llu is subscribed "
                        "to the stream already",
                        (unsigned long long)stream->subscriber);
    else if (stream->host_functions)
        status = violate(V_CALLBACKS_MIXED, "subscribing thread %llu",
                         (unsigned long long)thread);
    if (status == E_NONE) {
        stream->subscribed = true;
        stream->subscriber = thread;
    }
    streams_unlock();
    return status;
}

aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream)
{
    ENTER(aclrtSubscribeReport, "threadId=%llu, stream=%p",
          (unsigned long long)threadId, stream);
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
        status = refuse(E_RT_THREAD_SUBSCRIBE, "thread %llu is subscribed "
                        "to the stream, not %llu",
                        (unsigned long long)stream->subscriber,
                        (unsigned long long)thread);
    else
        stream->subscribed = false;
    streams_signal();
    streams_unlock();
    return status;
}

aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream)
{
    ENTER(aclrtUnSubscribeReport, "threadId=%llu, stream=%p",
          (unsigned long long)threadId, stream);
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
    while ((report = take(NULL, thread)) == NULL && *bound) {
        if (!streams_await(until))
            return take(NULL, thread);
        *bound = is_bound(thread);
    }
    return report;
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
        LEAVE(refuse(E_RT_PARAM, "timeout %d is not -1 or more than 0",
                     timeout));
    streams_lock();
    Report *report = await((uint64_t)pthread_self(), deadline_of(timeout),
                           &bound);
    streams_unlock();
    if (report == NULL && !bound)
        LEAVE(refuse(E_RT_THREAD_SUBSCRIBE, "no stream is bound to this "
                     "thread"));
    if (report == NULL)
        LEAVE(refuse(E_RT_REPORT_TIMEOUT, "no callback came in %d ms",
                     timeout));
    callback_call(report->function, report->argument);
    finish(report);
    LEAVE(E_NONE);
}

void callbacks_forget(const Stream *stream)
{
    Report *report;

    while ((report = take(stream, 0)) != NULL) {
        if (report->done != NULL)
            *report->done = true;
        stream_release(report->stream);
        free(report);
    }
}

void callbacks_reset(void)
{
    calls_watch(WATCH_CALLBACK, false);
}
