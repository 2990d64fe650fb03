#include "call/violations.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/locks.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/lines.h"
#include "call/message.h"
#include "call/places.h"

enum {
    KEPT_MAX = 10000,
    DETAIL_SIZE = 1024,
    MESSAGE_SIZE = DETAIL_SIZE + 128,
    LATER_MAX = 4,
    LEARNT_MAX = 256            /* of the newest that are looked at for that */
};

static const struct {
    const char *id;
    const char *severity;
    const char *sentence;
} kinds[VIOLATION_COUNT] = {
#define VIOLATION(name, id, severity, sentence) {id, severity, sentence},
    VIOLATIONS(VIOLATION)
#undef VIOLATION
};

static Severity severity_named(const char *name)
{
    int severity = SEVERITY_LEAK;

    while (severity < SEVERITY_ERROR && strcmp(severity_name((Severity)severity), name) != 0)
        severity++;
    return (Severity)severity;
}

typedef struct Violation {
    ViolationId id;
    const char *severity;
    Origin where;
    char *detail;       /* owned; NULL when there was no memory for it */
} Violation;

/* A program that sins in a loop keeps its first KEPT_MAX sins. */
static struct {
    pthread_mutex_t lock;
    Violation *kept;
    size_t count;
    size_t room;
    atomic_uint told;           /* ever, kept or not */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static bool kept_grow(void)
{
    size_t room = state.room == 0 ? 64 : state.room * 2;
    Violation *kept = realloc(state.kept, room * sizeof *kept);

    if (kept == NULL)
        return false;
    state.kept = kept;
    state.room = room;
    return true;
}

/*
 * What a call of a Python program did wrong: its line is asked for when the
 * call holds no lock any more, at its end.
 */
typedef struct Later {
    ViolationId id;
    Severity severity;
    uint64_t seq;
    History history;
    char text[MESSAGE_SIZE];
} Later;

static _Thread_local struct {
    size_t count;
    Later row[LATER_MAX];
} later;

/* Notes it now, or at the end of the call if that has a line to come. */
static void note(ViolationId id, Severity severity, const char *detail)
{
    char text[MESSAGE_SIZE];
    Origin where = call_origin();

    snprintf(text, sizeof text, "%s: %s", detail, kinds[id].sentence);
    if (where.line != 0 || current_call == NULL || current_call->of_task || !line_is_there() ||
        later.count == LATER_MAX) {
        place_note(kinds[id].id, severity, where, history_told(), text);
        return;
    }
    Later *row = &later.row[later.count++];
    *row = (Later){id, severity, where.seq, history_told(), ""};
    memcpy(row->text, text, sizeof text);
    current_call->watched = true;
}

/* The kept ones of a call know its line from now on. */
static void kept_learn(Origin where)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = state.count; i-- > 0 && state.count - i < LEARNT_MAX;)
        if (state.kept[i].where.seq == where.seq)
            state.kept[i].where = where;
    pthread_mutex_unlock(&state.lock);
}

static void end_call(Call *call)
{
    if (later.count == 0 || later.row[later.count - 1].seq != call->seq)
        return;
    call->line = line_here();
    Origin where = call_origin();
    size_t first = later.count;
    while (first > 0 && later.row[first - 1].seq == call->seq)
        first--;
    for (size_t i = first; i < later.count; i++)
        place_note(kinds[later.row[i].id].id, later.row[i].severity, where, later.row[i].history,
                   later.row[i].text);
    later.count = first;
    kept_learn(where);
}

WATCHER(WATCHER_VIOLATIONS, .after = end_call)

/* detail takes the text, of DETAIL_SIZE bytes at most. */
static void keep(ViolationId id, const char *severity, char *detail, const char *format,
                 va_list arguments)
{
    Origin where = call_origin();

    text_print(detail, DETAIL_SIZE, format, arguments);
    note(id, severity_named(severity), detail);
    atomic_fetch_add(&state.told, 1);
    pthread_mutex_lock(&state.lock);
    if (state.count < KEPT_MAX && (state.count < state.room || kept_grow()))
        state.kept[state.count++] = (Violation){id, severity, where, strdup(detail)};
    pthread_mutex_unlock(&state.lock);
}

unsigned violations_told(void)
{
    return atomic_load(&state.told);
}

int violation_status(void)
{
    static const int status[] = {[RT] = E_RT_PARAM, [MDL] = E_GE, [DVPP] = E_PARAM};

    return status[functions[current_call->function].layer];
}

void violate_mildly(ViolationId id, const char *format, ...)
{
    char detail[DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    keep(id, kinds[id].severity, detail, format, arguments);
    va_end(arguments);
}

void violate_as_warning(ViolationId id, const char *format, ...)
{
    char detail[DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    keep(id, "warning", detail, format, arguments);
    va_end(arguments);
}

int violate(ViolationId id, const char *format, ...)
{
    char detail[DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    keep(id, kinds[id].severity, detail, format, arguments);
    va_end(arguments);
    return refuse(violation_status(), "[%s] %s: %s", kinds[id].id, detail, kinds[id].sentence);
}

static void violation_write(Text *text, const Violation *violation)
{
    text_add(text, "{\"id\": \"%s\", \"severity\": \"%s\", ", kinds[violation->id].id,
             violation->severity);
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s: %s", violation->detail != NULL ? violation->detail : "",
             kinds[violation->id].sentence);
    text_add(text, "\"message\": ");
    text_add_string(text, message);
    text_add(text, ", \"function\": \"%s\", \"seq\": %llu, \"at\": ",
             functions[violation->where.function].name, (unsigned long long)violation->where.seq);
    char site[SITE_SIZE];
    text_add_string(text, origin_site(violation->where, site));
    text_add(text, "}\n");
}

void violations_read(Text *text)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        violation_write(text, &state.kept[i]);
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        free(state.kept[i].detail);
    free(state.kept);
    state.kept = NULL;
    state.count = 0;
    state.room = 0;
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_VIOLATIONS, forget_all, NULL)
