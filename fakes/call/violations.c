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
#include "call/message.h"

enum { KEPT_MAX = 10000, DETAIL_SIZE = 1024 };

static const struct {
    const char *id;
    const char *severity;
    const char *sentence;
} kinds[VIOLATION_COUNT] = {
#define VIOLATION(name, id, severity, sentence) {id, severity, sentence},
    VIOLATIONS(VIOLATION)
#undef VIOLATION
};

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

/* detail takes the text, of DETAIL_SIZE bytes at most. */
static void keep(ViolationId id, const char *severity, char *detail, const char *format,
                 va_list arguments)
{
    text_print(detail, DETAIL_SIZE, format, arguments);
    atomic_fetch_add(&state.told, 1);
    pthread_mutex_lock(&state.lock);
    if (state.count < KEPT_MAX && (state.count < state.room || kept_grow()))
        state.kept[state.count++] = (Violation){id, severity, call_origin(), strdup(detail)};
    pthread_mutex_unlock(&state.lock);
}

unsigned violations_told(void)
{
    return atomic_load(&state.told);
}

int violation_status(void)
{
    return functions[current_call->function].layer == RT ? E_RT_PARAM : E_GE;
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
    char message[DETAIL_SIZE + 128];
    snprintf(message, sizeof message, "%s: %s", violation->detail != NULL ? violation->detail : "",
             kinds[violation->id].sentence);
    text_add(text, "\"message\": ");
    text_add_string(text, message);
    text_add(text, ", \"function\": \"%s\", \"seq\": %llu}\n",
             functions[violation->where.function].name, (unsigned long long)violation->where.seq);
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
