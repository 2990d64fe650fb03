#include "order.h"

#include <stdio.h>

#include "message.h"
#include "settings.h"
#include "violations.h"

enum { KEPT_MAX = 4096 };       /* of a program that never waits */

/* Tasks with claims, on all streams: mostly none, and nothing to look at. */
static atomic_int standing;

/* Who asks, and what was found. */
typedef struct Search {
    const Stream *stream;       /* NULL: the host */
    const Claim *claim;
    bool ends;                  /* what is claimed is no more after it */
    Claim theirs;               /* size 0: no conflict */
    Origin made;
} Search;

void order_count(const Task *task, int change)
{
    if (task->claims > 0)
        atomic_fetch_add(&standing, change);
}

static bool in_conflict(const Claim *a, const Claim *b)
{
    return (a->writes || b->writes) && a->start < b->start + b->size &&
           b->start < a->start + a->size;
}

static void search_task(Search *search, const Task *task, uint64_t over)
{
    if (task == NULL || task->seq <= over || search->theirs.size > 0)
        return;
    for (size_t i = 0; i < task->claims; i++)
        if (in_conflict(search->claim, &task->claim[i])) {
            search->theirs = task->claim[i];
            search->made = task->made;
            return;
        }
}

static void search_stream(Stream *stream, void *to)
{
    Search *search = to;
    uint64_t over = stream->synced;

    if (stream == search->stream)
        return;
    if (search->stream != NULL &&
        clock_of(&search->stream->clock, stream->serial) > over)
        over = clock_of(&search->stream->clock, stream->serial);
    for (const Task *task = stream->kept.first; task; task = task->next)
        search_task(search, task, over);
    search_task(search, stream->running, over);
    uint64_t held = search->ends ? UINT64_MAX : clock_held(&stream->clock);
    for (const Task *task = stream->waiting.first;
         task != NULL && task->seq < held; task = task->next)
        search_task(search, task, over);
}

/* Which rule a conflict breaks when two run at once. */
static ViolationId rule_of(ClaimKind kind)
{
    switch (kind) {
    case CLAIM_MODEL:
        return V_CONCURRENT_EXECUTE;
    case CLAIM_VARIABLES:
        return V_VARIABLE_RACE;
    case CLAIM_DATASET:
        return V_DATASET_SHARED;
    default:
        return V_UNSYNCHRONISED;
    }
}

/* Which rule it breaks to end memory, or a model, that is still used. */
static ViolationId ending_rule_of(ClaimKind kind)
{
    return kind == CLAIM_MODEL ? V_UNLOAD_WHILE_RUNNING : V_QUEUED_MEMORY;
}

#define USED "%s 0x%llx, used by %s, which nobody waited for"

static int complain(ViolationId id, const Search *search, const char *what)
{
    char text[80];

    return violate(id, USED, what, (unsigned long long)search->theirs.start,
                   origin_text(search->made, text, sizeof text));
}

/* What a claim is about, in a message. */
static const char *name_of(ClaimKind kind)
{
    static const char *const names[] = {
        [CLAIM_MEMORY] = "memory at", [CLAIM_OBJECT] = "data buffer",
        [CLAIM_DATASET] = "dataset", [CLAIM_MODEL] = "model at",
        [CLAIM_VARIABLES] = "variables at"};

    return names[kind];
}

static int check_claims(const Stream *stream, const Task *task)
{
    for (size_t i = 0; i < task->claims; i++) {
        Search search = {.stream = stream, .claim = &task->claim[i]};
        streams_each(search_stream, &search);
        if (search.theirs.size == 0)
            continue;
        int status = complain(rule_of(search.theirs.kind), &search,
                              name_of(search.theirs.kind));
        if (settings.strict)
            return status;
    }
    return E_NONE;
}

int order_check_task(const Stream *stream, const Task *task)
{
    bool held = stream != NULL && clock_held(&stream->clock) != UINT64_MAX;

    if (held || atomic_load(&standing) == 0)
        return E_NONE;
    return check_claims(stream, task);
}

void order_check_released(const Stream *stream, uint64_t since)
{
    uint64_t held = clock_held(&stream->clock);

    for (const Task *task = stream->waiting.first;
         task != NULL && task->seq < held; task = task->next)
        if (task->seq > since)
            check_claims(stream, task);
}

static Search search_for_host(const Claim *claim, bool ends)
{
    Search search = {.claim = claim, .ends = ends};

    if (atomic_load(&standing) == 0)
        return search;
    streams_lock();
    streams_each(search_stream, &search);
    streams_unlock();
    return search;
}

int order_check_sync(const Task *task)
{
    if (atomic_load(&standing) == 0)
        return E_NONE;
    streams_lock();
    int status = order_check_task(NULL, task);
    streams_unlock();
    return status;
}

bool order_anything(void)
{
    return atomic_load_explicit(&standing, memory_order_relaxed) > 0;
}

int order_check_host(ClaimKind kind, const void *start, size_t size,
                     bool writes, const char *does)
{
    Claim claim = {kind, writes, (uintptr_t)start, size};
    Search search = search_for_host(&claim, false);
    char what[64];

    if (search.theirs.size == 0)
        return E_NONE;
    snprintf(what, sizeof what, "%s %s", does, name_of(search.theirs.kind));
    int status = complain(rule_of(search.theirs.kind), &search, what);
    return settings.strict ? status : E_NONE;
}

int order_check_end(ClaimKind kind, const void *start, size_t size,
                    const char *what)
{
    Claim claim = {kind, true, (uintptr_t)start, size};
    Search search = search_for_host(&claim, true);

    if (search.theirs.size == 0)
        return E_NONE;
    return complain(ending_rule_of(kind), &search, what);
}

void order_note_end(ClaimKind kind, const void *handle)
{
    Claim claim = {kind, true, (uintptr_t)handle, 1};
    Search search = search_for_host(&claim, true);
    char text[80];

    if (search.theirs.size > 0)
        violate_mildly(V_QUEUED_OBJECT, USED, name_of(kind),
                       (unsigned long long)search.theirs.start,
                       origin_text(search.made, text, sizeof text));
}

static void drop_first(Stream *stream)
{
    Task *task = stream->kept.first;

    stream->kept.first = task->next;
    if (task->next == NULL)
        stream->kept.last = NULL;
    stream->kept_count--;
    order_count(task, -1);
    task_free(task);
}

void order_synced(Stream *stream, uint64_t seq)
{
    if (seq > stream->synced)
        stream->synced = seq;
    while (stream->kept.first != NULL &&
           stream->kept.first->seq <= stream->synced)
        drop_first(stream);
}

/* A tick of a clock, as far as tasks up to seq had waited for it. */
typedef struct Known {
    const Clock *clock;
    uint64_t seq;
} Known;

static void learn(Stream *stream, void *to)
{
    const Known *known = to;

    for (size_t i = 0; i < known->clock->count; i++) {
        const Tick *tick = &known->clock->tick[i];
        if (tick->stream == stream->serial && tick->since <= known->seq)
            order_synced(stream, tick->seq);
    }
}

void order_synced_clock(const Clock *clock, uint64_t seq)
{
    streams_each(learn, &(Known){clock, seq});
}

void order_keep(Stream *stream, Task *task)
{
    task_settle(task);
    task->next = NULL;
    if (task->claims == 0 || task->seq <= stream->synced) {
        order_count(task, -1);
        task_free(task);
        return;
    }
    if (stream->kept.last != NULL)
        stream->kept.last->next = task;
    else
        stream->kept.first = task;
    stream->kept.last = task;
    if (++stream->kept_count > KEPT_MAX)
        drop_first(stream);
}

void order_forget(Stream *stream)
{
    while (stream->kept.first != NULL)
        drop_first(stream);
}
