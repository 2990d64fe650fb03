#include "stream/order.h"

#include <stdio.h>
#include <stdlib.h>

#include "call/settings.h"
#include "call/violations.h"
#include "stream/order_shared.h"

/* The synchronous runs under way, each on its own thread. */
static Task *now;

/* Its address tells threads apart. */
static _Thread_local char this_thread;

/* The task or call that asks, and what was found. */
typedef struct Search {
    const Stream *stream;       /* NULL: the host */
    const Claim *claim;
    bool ends;                  /* what is claimed is no more after it */
    Claim theirs;               /* rows of size 0: no conflict */
    Origin made;
    long process;               /* whose it is; 0: this one's */
} Search;

static bool in_conflict(const Claim *a, const Claim *b)
{
    return (a->writes || b->writes) && rows_meet(&a->rows, &b->rows);
}

static void search_task(Search *search, const Task *task, uint64_t over)
{
    if (task == NULL || task->seq <= over || search->theirs.rows.size > 0)
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
    if (search->stream != NULL && clock_of(&search->stream->clock, stream->serial) > over)
        over = clock_of(&search->stream->clock, stream->serial);
    for (const Task *task = stream->kept.first; task; task = task->next)
        search_task(search, task, over);
    search_task(search, stream->running, over);
    uint64_t held = search->ends ? UINT64_MAX : clock_held(&stream->clock);
    for (const Task *task = stream->waiting.first; task != NULL && task->seq < held;
         task = task->next)
        search_task(search, task, over);
}

/* What a thread does inside a run of its own (a callback) is in order. */
static void search_now(Search *search)
{
    for (const Task *task = now; task != NULL; task = task->next)
        if (task->thread != (long)(uintptr_t)&this_thread)
            search_task(search, task, 0);
}

/* What another process has waited for is over, too: it may have told this one. */
static void search_all(Search *search)
{
    do {
        search->theirs.rows.size = 0;
        streams_each(search_stream, search);
        search_now(search);
    } while (search->theirs.rows.size > 0 && order_learn_gone());
}

/* The tasks of other processes. Which of the ranges is in conflict. */
static size_t search_shared(Search *search, const UseOf *of, size_t count)
{
    SharedUse found;
    size_t which = 0;

    if (!order_find_shared(search->stream, of, count, search->ends, &found, &which))
        return 0;
    search->theirs = (Claim){CLAIM_MEMORY, found.writes, found.rows};
    search->made = found.user.made;
    search->process = found.process;
    return which;
}

/* Which rule a conflict breaks when two run at once. */
static ViolationId rule_of(const Search *search)
{
    ClaimKind mine = search->claim->kind;

    switch (search->theirs.kind) {
    case CLAIM_MODEL:
        return V_CONCURRENT_EXECUTE;
    case CLAIM_VARIABLES:
        return V_VARIABLE_RACE;
    case CLAIM_DATASET:
        return V_DATASET_SHARED;
    case CLAIM_WORK:
        return mine == CLAIM_WORK ? V_WORK_SHARED : V_UNSYNCHRONISED;
    case CLAIM_AREA:
        return mine == CLAIM_AREA ? V_VARIABLE_RACE : V_UNSYNCHRONISED;
    default:
        return V_UNSYNCHRONISED;
    }
}

/* Which rule it breaks to end memory, or a model, that is still used. */
static ViolationId ending_rule_of(ClaimKind kind)
{
    return kind == CLAIM_MODEL ? V_UNLOAD_WHILE_RUNNING : V_QUEUED_MEMORY;
}

#define USED "%s 0x%llx, used by %s%s, which nobody waited for"

static int complain(ViolationId id, const Search *search, const char *what)
{
    char text[80];
    char whose[40] = "";

    if (search->process != 0)
        snprintf(whose, sizeof whose, " of process %ld", search->process);
    return violate(id, USED, what, (unsigned long long)search->theirs.rows.start,
                   origin_text(search->made, text, sizeof text), whose);
}

/* What a claim is about, in a message. */
static const char *name_of(ClaimKind kind)
{
    static const char *const names[] = {
        [CLAIM_MEMORY] = "memory at",    [CLAIM_OBJECT] = "data buffer",
        [CLAIM_DATASET] = "dataset",     [CLAIM_DESC] = "description",
        [CLAIM_MODEL] = "model at",      [CLAIM_VARIABLES] = "variables at",
        [CLAIM_WORK] = "work memory at", [CLAIM_WEIGHTS] = "weight memory at",
        [CLAIM_AREA] = "variables at"};

    return names[kind];
}

/* Two runs that share a model, or variables, share its memory as well. */
static bool is_told(const Search *search, bool told)
{
    return told && search->claim->kind >= CLAIM_WORK && search->theirs.kind >= CLAIM_WORK;
}

static int check_claims(const Stream *stream, const Task *task)
{
    bool told = false;

    for (size_t i = 0; i < task->claims; i++) {
        Search search = {.stream = stream, .claim = &task->claim[i]};
        search_all(&search);
        if (search.theirs.rows.size == 0 || is_told(&search, told))
            continue;
        int status = complain(rule_of(&search), &search, name_of(search.theirs.kind));
        if (settings.strict)
            return status;
        told = true;
    }
    return E_NONE;
}

/* Its claims are laid before the others' are looked at: see memory/uses.h. */
static int check_shared(const Stream *stream, const Task *task)
{
    UseOf *of = task->shared ? calloc(task->claims, sizeof *of) : NULL;
    Search search = {.stream = stream};

    if (of == NULL)
        return E_NONE;
    for (size_t i = 0; i < task->claims; i++)
        of[i] = (UseOf){task->claim[i].rows, task->claim[i].writes};
    search.claim = &task->claim[search_shared(&search, of, task->claims)];
    free(of);
    if (search.theirs.rows.size == 0)
        return E_NONE;
    int status = complain(rule_of(&search), &search, name_of(CLAIM_MEMORY));
    return settings.strict ? status : E_NONE;
}

int order_check_task(const Stream *stream, Task *task)
{
    bool held = stream != NULL && clock_held(&stream->clock) != UINT64_MAX;
    int status = E_NONE;

    if (!held && order_standing())
        status = check_claims(stream, task);
    if (status != E_NONE || task->claims == 0 || !uses_any())
        return status;
    order_lay(stream, task, held);
    return held ? E_NONE : check_shared(stream, task);
}

void order_check_released(const Stream *stream, uint64_t since)
{
    uint64_t held = clock_held(&stream->clock);

    for (const Task *task = stream->waiting.first; task != NULL && task->seq < held;
         task = task->next)
        if (task->seq > since) {
            check_claims(stream, task);
            if (task->shared)
                uses_settle((uintptr_t)task);
            check_shared(stream, task);
        }
}

static Search search_for_host(const Claim *claim, bool ends)
{
    Search search = {.claim = claim, .ends = ends};

    if (!order_standing() && !uses_any())
        return search;
    streams_lock();
    search_all(&search);
    if (search.theirs.rows.size == 0 && uses_any())
        search_shared(&search, &(UseOf){claim->rows, claim->writes}, 1);
    streams_unlock();
    return search;
}

void order_learn(void)
{
    streams_lock();
    order_learn_gone();
    streams_unlock();
}

/* No process sees its claims any more. */
static void hide(Task *task)
{
    if (task->shared)
        uses_remove((uintptr_t)task);
    task->shared = false;
}

int order_begin(Task *task)
{
    task->made = call_origin();
    task->thread = (long)(uintptr_t)&this_thread;
    task->seq = UINT64_MAX;
    streams_lock();
    int status = order_check_task(NULL, task);
    if (status == E_NONE) {
        task->next = now;
        now = task;
        order_count(task, 1);
    } else {
        hide(task);
    }
    streams_unlock();
    return status;
}

void order_end(Task *task)
{
    Task **link = &now;

    streams_lock();
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    order_count(task, -1);
    hide(task);
    streams_unlock();
}

static Rows range(const void *start, size_t size)
{
    return (Rows){(uintptr_t)start, size, 0, 0};
}

int order_check_host(ClaimKind kind, const void *start, size_t size, bool writes, const char *does)
{
    Rows rows = range(start, size);

    return order_check_rows(kind, &rows, writes, does);
}

int order_check_rows(ClaimKind kind, const Rows *rows, bool writes, const char *does)
{
    Claim claim = {kind, writes, *rows};
    Search search = search_for_host(&claim, false);
    char what[64];

    if (search.theirs.rows.size == 0)
        return E_NONE;
    snprintf(what, sizeof what, "%s %s", does, name_of(search.theirs.kind));
    int status = complain(rule_of(&search), &search, what);
    return settings.strict ? status : E_NONE;
}

int order_check_end(ClaimKind kind, const void *start, size_t size, const char *what)
{
    Claim claim = {kind, true, range(start, size)};
    Search search = search_for_host(&claim, true);

    if (search.theirs.rows.size == 0)
        return E_NONE;
    return complain(ending_rule_of(kind), &search, what);
}

void order_note_end(ClaimKind kind, const void *handle)
{
    Claim claim = {kind, true, range(handle, 1)};
    Search search = search_for_host(&claim, true);
    char text[80];

    if (search.theirs.rows.size > 0)
        violate_mildly(V_QUEUED_OBJECT, USED, name_of(kind),
                       (unsigned long long)search.theirs.rows.start,
                       origin_text(search.made, text, sizeof text), "");
}
