/*
 * launch: the functions with which a stream is given calls to make.
 *
 * aclrtLaunchCallback() leaves a report for the thread that is subscribed to
 * the stream, which runs it inside aclrtProcessReport(); the stream goes on
 * at once, or blocks until that was done. aclrtLaunchHostFunc() lets the
 * stream's own worker call.
 */
#include "base/acl.h"
#include "call/message.h"
#include "call/violations.h"
#include "runtime/stream_need.h"
#include "stream/callback.h"
#include "stream/order.h"
#include "stream/reports.h"
#include "stream/stream.h"

typedef struct Launch {
    Task task;
    aclrtCallback function;
    void *argument;
    bool blocks;
    bool host;                  /* the worker makes the call */
} Launch;

static int launch_run(Task *task, Stream *stream)
{
    const Launch *launch = (const Launch *)task;
    int status = E_NONE;

    streams_lock();
    order_synced(stream, task->seq - 1);
    order_synced_clock(&stream->clock, task->seq);
    if (!launch->host)
        status = report_hand(stream, launch->function, launch->argument, launch->blocks);
    streams_unlock();
    if (launch->host)
        callback_call(launch->function, launch->argument);
    return status;
}

/* The subscribed thread, which waits for a call to make, is told instead. */
static void launch_fail(Task *task, Stream *stream, int status)
{
    if (((const Launch *)task)->host)
        return;
    streams_lock();
    report_failure(stream, status);
    streams_unlock();
}

static const TaskKind launching = {.run = launch_run, .fail = launch_fail};

static int launch(Stream *stream, Launch wanted)
{
    Launch *made = task_new(sizeof *made, &launching);

    if (made == NULL)
        return E_BAD_ALLOC;
    wanted.task = made->task;
    *made = wanted;
    callbacks_begin();
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
        status = refuse(E_RT_NO_CALLBACK,
                        "no thread is subscribed to "
                        "stream %p; call aclrtSubscribeReport",
                        handle);
    streams_unlock();
    if (mixed && status == E_NONE)
        status = violate(V_CALLBACKS_MIXED, "stream %p", handle);
    return status;
}

aclError aclrtLaunchCallback(aclrtCallback fn, void *userData, aclrtCallbackBlockType blockType,
                             aclrtStream stream)
{
    ENTER(aclrtLaunchCallback, "fn=%d, userData=%p, blockType=%d, stream=%p", fn != NULL, userData,
          (int)blockType, stream);
    Stream *found = NULL;
    if (blockType != ACL_CALLBACK_NO_BLOCK && blockType != ACL_CALLBACK_BLOCK)
        LEAVE(refuse(E_PARAM, "blockType %d is not 0 or 1", (int)blockType));
    if (fn == NULL)
        LEAVE(refuse(E_RT_PARAM, "fn is NULL"));
    int status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = check_way(found, false, stream);
    if (status == E_NONE)
        status = launch(found, (Launch){.function = fn,
                                        .argument = userData,
                                        .blocks = blockType == ACL_CALLBACK_BLOCK});
    LEAVE(status);
}

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void *args)
{
    ENTER(aclrtLaunchHostFunc, "stream=%p, fn=%d, args=%p", stream, fn != NULL, args);
    Stream *found = NULL;
    if (fn == NULL)
        LEAVE(refuse(E_RT_PARAM, "fn is NULL"));
    int status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = check_way(found, true, stream);
    if (status == E_NONE)
        status = launch(found, (Launch){.function = fn, .argument = args, .host = true});
    LEAVE(status);
}
