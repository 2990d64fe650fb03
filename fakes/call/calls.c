#include "call/calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "call/faults.h"
#include "call/fork.h"
#include "call/message.h"
#include "call/refusal.h"
#include "call/trace.h"
#include "runtime/callback.h"

enum { ARGS_MAX = 512 };

Calls calls;
_Thread_local Call *current_call;

const Function functions[FUNCTION_COUNT] = {
#define FUNCTION(name, returns, layer) {#name, returns, layer},
    FUNCTIONS(FUNCTION)
#undef FUNCTION
#define RETURNS_ERROR STATUS
#define RETURNS_POINTER FACTORY
#define RETURNS_NUMBER VALUE
#define RETURNS_NOTHING VALUE
#define RETURNS_SILENCE VALUE
#define FUNCTION(name, result) {#name, RETURNS_##result, RT},
    UNSIMULATED(FUNCTION)
#undef FUNCTION
};

FunctionId function_named(const char *name)
{
    for (int i = 0; i < FUNCTION_COUNT; i++)
        if (strcmp(functions[i].name, name) == 0)
            return (FunctionId)i;
    return FUNCTION_COUNT;
}

/* Why it was refused may be asked even there, but is not watched. */
static bool call_in_fork(Call *call)
{
    if (call->function == FN_aclGetRecentErrMsg)
        return true;
    call->status = fork_refuse();
    return false;
}

bool call_watch(Call *call)
{
    unsigned watch = atomic_load(&calls.watch);

    if (watch & WATCH_FORKED)
        return call_in_fork(call);
    call->watched = true;
    if (watch & WATCH_TRACE)
        call->start_ns = trace_now();
    if (watch & WATCH_CALLBACK)
        call->status = callback_check(call->function);
    if (call->status != E_NONE)
        return false;
    if (watch & WATCH_FAULTS)
        call->status = fault_due(call->function);
    if (call->status == E_NONE)
        return true;
    refuse(call->status, "status %d injected by aclfakeFail", call->status);
    return false;
}

void call_args(Call *call, const char *format, ...)
{
    char text[ARGS_MAX];
    va_list arguments;

    if ((atomic_load(&calls.watch) & WATCH_TRACE) == 0)
        return;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    call->args = strdup(text);
}

void call_sleep(Call *call)
{
    if (!call->watched || call->slept)
        return;
    call->slept = true;
    if (atomic_load(&calls.watch) & WATCH_LATENCY)
        latency_sleep(call->function, call->bytes);
}

/* Refused calls do not sleep: nothing went over the bus. */
void call_finish(Call *call)
{
    if (call->status == E_NONE)
        call_sleep(call);
    else
        refusal_note(call);
    if (call->start_ns != 0)
        trace_keep(call);
    free(call->args);
}

Origin call_origin(void)
{
    if (current_call == NULL)
        return (Origin){0};
    return (Origin){current_call->function, current_call->seq};
}

const char *origin_text(Origin origin, char *text, size_t size)
{
    snprintf(text, size, "%s (call %llu)", functions[origin.function].name,
             (unsigned long long)origin.seq);
    return text;
}

const char *history_text(Origin made, Origin gone, char *text)
{
    char first[HISTORY_SIZE / 2];
    char last[HISTORY_SIZE / 2];

    origin_text(made, first, sizeof first);
    if (gone.seq != 0)
        origin_text(gone, last, sizeof last);
    snprintf(text, HISTORY_SIZE, "made by %.80s%s%.80s", first,
             gone.seq != 0 ? ", ended by " : "", gone.seq != 0 ? last : "");
    return text;
}

void calls_watch(unsigned reason, bool on)
{
    if (on)
        atomic_fetch_or(&calls.watch, reason);
    else
        atomic_fetch_and(&calls.watch, ~reason);
}

void calls_reset(void)
{
    atomic_store(&calls.seq, 0);
    for (int i = 0; i < FUNCTION_COUNT; i++)
        atomic_store(&calls.count[i], 0);
}
