#include "runtime/callback.h"

#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "runtime/order.h"
#include "runtime/subscribe.h"

typedef struct Launch {
    Task task;
    aclrtCallback function;
    void *argument;
    bool blocks;
    bool host;                  /* the worker makes the call */
} Launch;

static _Thread_local unsigned depth;

/* What a callback must not call. */
static bool forbidden(FunctionId function)
{
    static const FunctionId list[] = {
        FN_aclrtMalloc, FN_aclrtMallocAlign32, FN_aclrtMallocCached,
        FN_aclrtMallocWithCfg,
        FN_aclrtFree, FN_aclrtMallocHost, FN_aclrtMallocHostWithCfg,
        FN_aclrtFreeHost,
        FN_aclrtSynchronizeStream, FN_aclrtSynchronizeStreamWithTimeout,
        FN_aclrtSynchronizeDevice, FN_aclrtSynchronizeDeviceWithTimeout,
        FN_aclrtSynchronizeEvent, FN_aclrtSynchronizeEventWithTimeout,
        FN_aclrtCreateStream, FN_aclrtCreateStreamWithConfig,
        FN_aclrtDestroyStream, FN_aclrtDestroyStreamForce,
        FN_aclrtCreateEvent, FN_aclrtCreateEventWithFlag,
        FN_aclrtDestroyEvent, FN_aclrtResetDevice,
        FN_aclrtResetDeviceForce, FN_aclrtLaunchCallback,
        FN_aclrtLaunchHostFunc, FN_aclrtMemcpyAsync,
        FN_aclrtMemcpy2dAsync, FN_aclrtMemsetAsync,
        FN_aclrtMemsetD32Async,
        FN_aclrtRecordEvent, FN_aclrtResetEvent, FN_aclrtStreamWaitEvent,
        FN_aclmdlExecute, FN_aclmdlExecuteV2, FN_aclmdlExecuteAsync,
        FN_aclmdlExecuteAsyncV2};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i] == function)
            return true;
    return false;
}

/* Samples that ship do it, and no device has a part in it. */
static bool is_host_memory(FunctionId function)
{
    return function == FN_aclrtMallocHost ||
           function == FN_aclrtMallocHostWithCfg ||
           function == FN_aclrtFreeHost;
}

int callback_check(FunctionId function)
{
    if (depth == 0 || !forbidden(function))
        return E_NONE;
    if (is_host_memory(function)) {
        violate_as_warning(V_INSIDE_CALLBACK, "%s", functions[function].name);
        return E_NONE;
    }
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

static int launch_run(Task *task, Stream *stream)
{
    const Launch *launch = (const Launch *)task;
    int status = E_NONE;

    streams_lock();
    order_synced(stream, task->seq - 1);
    order_synced_clock(&stream->clock, task->seq);
    if (!launch->host)
        status = report_hand(stream, launch->function, launch->argument,
                             launch->blocks);
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
    if (blockType != ACL_CALLBACK_NO_BLOCK &&
        blockType != ACL_CALLBACK_BLOCK)
        LEAVE(refuse(E_PARAM, "blockType %d is not 0 or 1", (int)blockType));
    if (fn == NULL)
        LEAVE(refuse(E_RT_PARAM, "fn is NULL"));
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

void callbacks_reset(void)
{
    calls_watch(WATCH_CALLBACK, false);
}
