#include "control/at_exit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/locks.h"
#include "base/tell.h"
#include "call/calls.h"
#include "call/fork.h"
#include "call/places.h"
#include "call/settings.h"
#include "control/leaks.h"

enum { LINE_SIZE = 4096, PLACES_TOLD = 40, PAUSE_NS = 1000000, TRIES = 1000 };    /* 1 s */

static struct {
    int status;                 /* that the process ends with, */
    bool has_status;            /* once that is known */
    bool failed;                /* what "fail_on" names was there */
    uint64_t inherited;         /* the last call of the parent, in a fork */
} state;

static void tell_text(const Text *text)
{
    tell(text->bytes, text->length < text->size ? text->length : text->size - 1);
}

/*
 * Nobody may be inside this library for good: a handler of a signal that came
 * while this thread held a lock may have called exit().
 */
static bool is_readable(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};

    if (fork_is_torn())
        return false;
    for (int i = 0; i < TRIES; i++) {
        if (locks_take()) {
            locks_give_back();
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

static void tell_place(const ViolationPlace *place)
{
    char bytes[LINE_SIZE];
    char call[HISTORY_SIZE];
    Text text = text_in(bytes, sizeof bytes);

    text_add(&text, "%8llu  %s %s in %s: ", (unsigned long long)place->times, place->id,
             severity_name(place->severity), origin_text(place->at, call, sizeof call));
    text_add_visible(&text, place->text);
    text_add(&text, "\n");
    place_sites(&text, place);
    tell_text(&text);
}

/* What was alive at aclFinalize is told as leaks. */
static void tell_violations(bool listed)
{
    char bytes[LINE_SIZE];
    Text text = text_in(bytes, sizeof bytes);
    uint64_t count = places_count(SEVERITY_ERROR) + places_count(SEVERITY_WARNING);
    size_t told = 0;
    ViolationPlace place;

    if (count == 0)
        return;
    place_head(&text);
    text_add(&text, "%llu violation%s%s (ACL_FAKE_REPORT=off silences this)\n",
             (unsigned long long)count, count == 1 ? "" : "s",
             listed ? "" : ", not listed, as the process ended within this library");
    tell_text(&text);
    for (size_t i = 0; listed && told < PLACES_TOLD && place_get(i, &place); i++) {
        if (place.severity == SEVERITY_LEAK)
            continue;
        tell_place(&place);
        told++;
        count -= count > place.times ? place.times : count; /* another thread goes on */
    }
    text = text_in(bytes, sizeof bytes);
    if (listed && count > 0)
        text_add(&text, "%8llu  more at other places\n", (unsigned long long)count);
    tell_text(&text);
}

static uint64_t after(void)
{
    uint64_t now = atomic_load(&calls.seq);

    return now >= state.inherited ? state.inherited : 0;    /* there was a reset */
}

static void tell_leaks(void)
{
    char bytes[LINE_SIZE];
    Text text = text_in(bytes, sizeof bytes);
    size_t count = leaks_tell(after(), NULL);
    unsigned long long late = places_count(SEVERITY_LEAK);

    if (count == 0 && late == 0)
        return;
    place_head(&text);
    if (count > 0)
        text_add(&text, "%zu thing%s not given back\n", count, count == 1 ? " was" : "s were");
    else
        text_add(&text, "%llu thing%s given back only after aclFinalize\n", late,
                 late == 1 ? " was" : "s were");
    tell_text(&text);
    leaks_tell(after(), tell_text);
}

/* Was there a violation that "fail_on" names, of this severity or a worse one? */
static bool is_failed(Severity least)
{
    for (int i = (int)least; i < SEVERITY_COUNT; i++)
        if ((settings.fail_on >> i & 1) != 0 && places_count((Severity)i) > 0)
            return true;
    return false;
}

static bool leaks_fail(void)
{
    return (settings.fail_on >> SEVERITY_LEAK & 1) != 0 && leaks_tell(after(), NULL) > 0;
}

/*
 * Ends the process with the status of a failure, unless it fails already.
 * exit() within a handler of exit() goes on with the handlers that are left,
 * flushes stdio, and ends with the new status (glibc).
 */
static void fail(void)
{
    if (state.has_status && state.failed && (state.status & 0xff) == 0)
        exit(state.status = FAILED_STATUS);
}

/*
 * Only a handler is told the status. In a program that was linked with this
 * library it comes behind end(), as it was named before the dynamic linker
 * named its own; where the library was opened later it comes before, and what
 * the handlers behind it leave alive is judged in end().
 */
static void at_end(int status, void *unused)
{
    (void)unused;
    state.status = status;
    state.has_status = true;
    state.failed = state.failed || is_failed(SEVERITY_WARNING);
    fail();
}

/* Libraries end in the reverse order of their beginning: behind their users. */
__attribute__((destructor)) static void end(void)
{
    bool readable = is_readable();

    if (settings.report != REPORT_OFF)
        tell_violations(readable);
    if (settings.report != REPORT_OFF && readable)
        tell_leaks();
    state.failed = is_failed(SEVERITY_LEAK) || (readable && leaks_fail());
    fail();
}

static void in_child(void)
{
    if (!fork_is_torn())
        places_forget();
    state.inherited = atomic_load(&calls.seq);
}

/* Behind fork_watch(): handlers of a child run in the order they were named. */
void at_exit_watch(void)
{
    on_exit(at_end, NULL);
    pthread_atfork(NULL, NULL, in_child);
}

static const char *set_fail_on(const char *value)
{
    unsigned fail_on = 0;

    if (strcmp(value, "never") == 0) {
        settings.fail_on = 0;
        return NULL;
    }
    while (true) {
        size_t length = strcspn(value, ",");
        int severity = SEVERITY_LEAK;
        while (severity < SEVERITY_COUNT &&
               (strlen(severity_name((Severity)severity)) != length ||
                strncmp(severity_name((Severity)severity), value, length) != 0))
            severity++;
        if (severity == SEVERITY_COUNT)
            return "never, or of error, warning and leak one or more, separated by commas";
        fail_on |= 1u << severity | 1u << SEVERITY_ERROR;
        if (value[length] == '\0')
            break;
        value += length + 1;
    }
    settings.fail_on = fail_on;
    return NULL;
}

SETTING(SETTING_FAIL_ON, "fail_on", set_fail_on, "never")
