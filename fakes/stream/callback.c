#include "stream/callback.h"

#include "call/calls.h"
#include "call/keepers.h"
#include "call/settings.h"
#include "call/violations.h"

static _Thread_local unsigned depth;

/* What a callback must not call. */
static bool forbidden(FunctionId function)
{
    static const FunctionId list[] = {FN_aclrtMalloc,
                                      FN_aclrtMallocAlign32,
                                      FN_aclrtMallocCached,
                                      FN_aclrtMallocWithCfg,
                                      FN_aclrtFree,
                                      FN_aclrtMallocHost,
                                      FN_aclrtMallocHostWithCfg,
                                      FN_aclrtFreeHost,
                                      FN_aclrtSynchronizeStream,
                                      FN_aclrtSynchronizeStreamWithTimeout,
                                      FN_aclrtSynchronizeDevice,
                                      FN_aclrtSynchronizeDeviceWithTimeout,
                                      FN_aclrtSynchronizeEvent,
                                      FN_aclrtSynchronizeEventWithTimeout,
                                      FN_aclrtCreateStream,
                                      FN_aclrtCreateStreamWithConfig,
                                      FN_aclrtDestroyStream,
                                      FN_aclrtDestroyStreamForce,
                                      FN_aclrtCreateEvent,
                                      FN_aclrtCreateEventWithFlag,
                                      FN_aclrtDestroyEvent,
                                      FN_aclrtResetDevice,
                                      FN_aclrtResetDeviceForce,
                                      FN_aclrtLaunchCallback,
                                      FN_aclrtLaunchHostFunc,
                                      FN_aclrtMemcpyAsync,
                                      FN_aclrtMemcpy2dAsync,
                                      FN_aclrtMemsetAsync,
                                      FN_aclrtMemsetD32Async,
                                      FN_aclrtRecordEvent,
                                      FN_aclrtResetEvent,
                                      FN_aclrtStreamWaitEvent,
                                      FN_aclmdlExecute,
                                      FN_aclmdlExecuteV2,
                                      FN_aclmdlExecuteAsync,
                                      FN_aclmdlExecuteAsyncV2};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i] == function)
            return true;
    return false;
}

/* Samples that ship do it, and no device has a part in it. */
static bool is_host_memory(FunctionId function)
{
    return function == FN_aclrtMallocHost || function == FN_aclrtMallocHostWithCfg ||
           function == FN_aclrtFreeHost;
}

/* May the function be called by what runs now on this thread? */
static int check_call(Call *call)
{
    FunctionId function = call->function;

    if (depth == 0 || !forbidden(function))
        return E_NONE;
    if (is_host_memory(function)) {
        violate_as_warning(V_INSIDE_CALLBACK, "a callback calls %s", functions[function].name);
        return E_NONE;
    }
    int status = violate(V_INSIDE_CALLBACK, "a callback calls %s", functions[function].name);
    return settings.strict ? status : E_NONE;
}

WATCHER(WATCHER_CALLBACK, .before = check_call)

void callback_call(void (*function)(void *), void *argument)
{
    Call *outer = current_call;

    depth++;
    function(argument);
    depth--;
    current_call = outer;
}

void callbacks_begin(void)
{
    calls_watch(WATCHER_CALLBACK, true);
}

static void forget_all(void)
{
    calls_watch(WATCHER_CALLBACK, false);
}

KEEPER(KEEPER_CALLBACKS, forget_all, NULL)
