#include "call/calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "call/keepers.h"
#include "call/lines.h"

enum { ARGS_MAX = 512 };

Calls calls;
_Thread_local Call *current_call;

static Watcher watchers[WATCHER_COUNT];

void calls_watcher(WatcherId id, Watcher watcher)
{
    watchers[id] = watcher;
}

bool calls_watched(WatcherId id)
{
    return (atomic_load(&calls.watch) >> id & 1) != 0;
}

bool call_watch(Call *call)
{
    call->watched = true;
    for (int i = 0; i < WATCHER_COUNT && call->status == E_NONE; i++)
        if (calls_watched((WatcherId)i) && watchers[i].before != NULL)
            call->status = watchers[i].before(call);
    return call->status == E_NONE;
}

void call_args(Call *call, const char *format, ...)
{
    char text[ARGS_MAX];
    va_list arguments;

    if (!calls_watched(WATCHER_TRACE))
        return;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    call->args = strdup(text);
}

void call_finish(Call *call)
{
    for (int i = WATCHER_COUNT; i-- > 0;)
        if (watchers[i].after != NULL)
            watchers[i].after(call);
    free(call->args);
}

Origin call_origin(void)
{
    if (current_call == NULL)
        return (Origin){0};
    return (Origin){current_call->function, current_call->line, current_call->seq,
                    current_call->caller};
}

const char *origin_site(Origin origin, char *text)
{
    const char *line = line_text(origin.line);

    return line != NULL ? line : site_text(origin.caller, text);
}

const char *origin_text(Origin origin, char *text, size_t size)
{
    snprintf(text, size, "%s (call %llu)", functions[origin.function].name,
             (unsigned long long)origin.seq);
    return text;
}

static _Thread_local struct {
    uint64_t seq;               /* of the call that told */
    History history;
} told;

History history_told(void)
{
    return told.seq != 0 && told.seq == call_origin().seq ? told.history : (History){0};
}

const char *history_text(Origin made, Origin gone, char *text)
{
    char first[HISTORY_SIZE / 2];
    char last[HISTORY_SIZE / 2];

    told.seq = call_origin().seq;
    told.history = (History){made, gone};
    origin_text(made, first, sizeof first);
    if (gone.seq != 0)
        origin_text(gone, last, sizeof last);
    snprintf(text, HISTORY_SIZE, "made by %.80s%s%.80s", first, gone.seq != 0 ? ", ended by " : "",
             gone.seq != 0 ? last : "");
    return text;
}

void calls_watch(WatcherId id, bool on)
{
    if (on)
        atomic_fetch_or(&calls.watch, 1u << id);
    else
        atomic_fetch_and(&calls.watch, ~(1u << id));
}

void calls_watch_alone(WatcherId id)
{
    atomic_store(&calls.watch, 1u << id);
}

static void forget_all(void)
{
    atomic_store(&calls.seq, 0);
    for (int i = 0; i < FUNCTION_COUNT; i++)
        atomic_store(&calls.count[i], 0);
}

KEEPER(KEEPER_CALLS, forget_all, NULL)
