#include "call/places.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/locks.h"
#include "base/tell.h"
#include "call/keepers.h"
#include "call/settings.h"

enum {
    PLACES_MAX = 200,
    TOLD_MAX = 10,              /* at one place, as they happen */
    TELLING_SIZE = 4096
};

static struct {
    pthread_mutex_t lock;
    size_t count;
    ViolationPlace place[PLACES_MAX];
    atomic_uint_fast64_t severity[SEVERITY_COUNT];  /* read without the lock */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

const char *severity_name(Severity severity)
{
    static const char *const names[] = {"leak", "warning", "error"};

    return names[severity];
}

static bool is_at(const ViolationPlace *place, const char *id, Severity severity, Origin at)
{
    return place->id == id && place->severity == severity && place->at.function == at.function &&
           place->at.caller == at.caller && place->at.line == at.line;
}

/* The place of a violation, a new one if need be; NULL: no room. The lock is held. */
static ViolationPlace *find(const char *id, Severity severity, Origin at)
{
    for (size_t i = 0; i < state.count; i++)
        if (is_at(&state.place[i], id, severity, at))
            return &state.place[i];
    if (state.count == PLACES_MAX)
        return NULL;
    ViolationPlace *place = &state.place[state.count++];
    *place = (ViolationPlace){.id = id, .severity = severity, .at = at};
    return place;
}

/* Counts it, and returns how often there was one here; 0: there is no room. */
static uint64_t count(const char *id, Severity severity, Origin at, History history,
                      const char *text)
{
    pthread_mutex_lock(&state.lock);
    ViolationPlace *place = find(id, severity, at);
    uint64_t times = place != NULL ? ++place->times : 0;
    if (times == 1) {
        place->history = history;
        snprintf(place->text, sizeof place->text, "%s", text);
    }
    atomic_fetch_add(&state.severity[severity], 1);
    pthread_mutex_unlock(&state.lock);
    return times;
}

void place_head(Text *text)
{
    text_add(text, "acl fake %ld: ", (long)getpid());
}

static void add_site(Text *text, const char *what, Origin origin)
{
    char site[SITE_SIZE];
    const char *where = origin_site(origin, site);

    if (origin.seq != 0 && *where != '\0')
        text_add(text, "    %s %s\n", what, where);
}

static void add_history(Text *text, History history)
{
    add_site(text, "made at", history.made);
    add_site(text, "ended at", history.gone);
}

void place_sites(Text *text, const ViolationPlace *place)
{
    add_site(text, "at", place->at);
    add_history(text, place->history);
}

/* A line of Python says it all; a program in C has its stack told. */
static void add_stack(Text *text, Origin at)
{
    const void *stack[STACK_MAX];
    char site[SITE_SIZE];
    size_t count = at.line == 0 ? site_stack(at.caller, stack) : 0;

    if (count == 0)
        add_site(text, "at", at);
    for (size_t i = 0; i < count; i++)
        text_add(text, "    at %s\n", site_text(stack[i], site));
}

static void tell_now(const char *id, Severity severity, Origin at, History history,
                     const char *what, uint64_t times)
{
    char bytes[TELLING_SIZE];
    char call[HISTORY_SIZE];
    Text text = text_in(bytes, sizeof bytes);

    place_head(&text);
    text_add(&text, "%s %s in %s: ", id, severity_name(severity),
             origin_text(at, call, sizeof call));
    text_add_visible(&text, what);
    text_add(&text, "\n");
    add_stack(&text, at);
    add_history(&text, history);
    if (times == TOLD_MAX)
        text_add(&text, "    %d times here; from now on they are only counted\n", TOLD_MAX);
    tell(bytes, text.length < sizeof bytes ? text.length : sizeof bytes - 1);
}

void place_note(const char *id, Severity severity, Origin at, History history, const char *text)
{
    uint64_t times = count(id, severity, at, history, text);
    if (settings.report == REPORT_LIVE && severity != SEVERITY_LEAK && times > 0 &&
        times <= TOLD_MAX)
        tell_now(id, severity, at, history, text, times);
}

bool place_get(size_t i, ViolationPlace *place)
{
    pthread_mutex_lock(&state.lock);
    bool there = i < state.count;
    if (there)
        *place = state.place[i];
    pthread_mutex_unlock(&state.lock);
    return there;
}

uint64_t places_count(Severity severity)
{
    return atomic_load(&state.severity[severity]);
}

void places_forget(void)
{
    pthread_mutex_lock(&state.lock);
    state.count = 0;
    for (int i = 0; i < SEVERITY_COUNT; i++)
        atomic_store(&state.severity[i], 0);
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_PLACES, places_forget, NULL)
