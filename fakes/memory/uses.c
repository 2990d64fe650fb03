#include "memory/uses.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/locks.h"
#include "base/stamp.h"

/* Addresses in rows of the block: far from 0, as a claim may begin before the memory. */
#define START ((uintptr_t)1 << 40)

typedef struct Shared {
    struct Shared *next;
    const Share *share;
    Uses *uses;
    uintptr_t start;
    size_t size;
    bool own;
    pid_t process;              /* which has it: a forked child has it not */
} Shared;

static struct {
    pthread_mutex_t lock;
    Shared *first;
    atomic_int count;           /* read without the lock: mostly none */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

bool uses_any(void)
{
    return atomic_load_explicit(&state.count, memory_order_relaxed) > 0;
}

/* Which rows go: those that a function names. The last one takes a place that is free. */
static void drop(Uses *uses, bool (*goes)(const SharedUse *use, const void *to), const void *to)
{
    for (uint32_t i = uses->count; i-- > 0;)
        if (goes(&uses->use[i], to)) {
            uses->use[i] = uses->use[uses->count - 1];
            uses->count--;
        }
}

/* The same of all memory; the lock is held. */
static void drop_all(bool (*goes)(const SharedUse *use, const void *to), const void *to)
{
    for (Shared *shared = state.first; shared != NULL; shared = shared->next) {
        share_lock(shared->share);
        drop(shared->uses, goes, to);
        share_unlock(shared->share);
    }
}

static bool is_of_process(const SharedUse *use, uint64_t stamp)
{
    return use->user.stream >> 32 == stamp >> 32;
}

/* Of the member that this process is, by one that was it before. */
static bool is_predecessors(const SharedUse *use, const void *member)
{
    return use->member == *(const unsigned *)member && !is_of_process(use, process_stamp());
}

static bool is_ours(const SharedUse *use, const void *to)
{
    (void)to;
    return is_of_process(use, process_stamp());
}

void uses_begin(const Share *share, Uses *uses, uintptr_t start, size_t size, bool own)
{
    Shared *shared = malloc(sizeof *shared);
    unsigned member = share_member(share);

    if (shared == NULL)
        return;
    pthread_mutex_lock(&state.lock);
    *shared = (Shared){state.first, share, uses, start, size, own, getpid()};
    state.first = shared;
    atomic_fetch_add(&state.count, 1);
    share_lock(share);
    drop(uses, is_predecessors, &member);
    share_unlock(share);
    pthread_mutex_unlock(&state.lock);
}

static Shared *take(const Uses *uses, uintptr_t start)
{
    Shared **link = &state.first;

    while (*link != NULL && ((*link)->uses != uses || (*link)->start != start))
        link = &(*link)->next;
    Shared *shared = *link;
    if (shared != NULL) {
        *link = shared->next;
        atomic_fetch_sub(&state.count, 1);
    }
    return shared;
}

static bool has_other(const Uses *uses)
{
    const Shared *shared = state.first;

    while (shared != NULL && shared->uses != uses)
        shared = shared->next;
    return shared != NULL;
}

void uses_end(const Uses *uses, uintptr_t start)
{
    pthread_mutex_lock(&state.lock);
    Shared *shared = take(uses, start);
    if (shared != NULL && shared->process == getpid() && !has_other(uses)) {
        share_lock(shared->share);
        drop(shared->uses, is_ours, NULL);
        share_unlock(shared->share);
    }
    pthread_mutex_unlock(&state.lock);
    free(shared);
}

static Rows within(const Shared *shared, const Rows *rows)
{
    Rows moved = *rows;

    moved.start = START + (rows->start - shared->start);
    return moved;
}

static bool is_in(const Shared *shared, const Rows *rows)
{
    Rows all = {START, shared->size, 0, 0};
    Rows moved = within(shared, rows);

    return rows_meet(&all, &moved);
}

static bool was_waited_for(const SharedUse *use, const void *to)
{
    (void)to;
    return use->over;
}

/* The lock is held, and the block's. */
static void add(const Shared *shared, const User *user, const UseOf *of)
{
    Uses *uses = shared->uses;

    if (uses->count == USES_MAX)
        drop(uses, was_waited_for, NULL);
    if (uses->count == USES_MAX)
        return;
    uses->use[uses->count] = (SharedUse){.user = *user,
                                         .rows = within(shared, &of->rows),
                                         .writes = of->writes,
                                         .member = share_member(shared->share),
                                         .process = (int32_t)getpid()};
    uses->count++;
}

static bool any_in(const Shared *shared, const UseOf *of, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_in(shared, &of[i].rows))
            return true;
    return false;
}

bool uses_add(const User *user, const UseOf *of, size_t count)
{
    bool added = false;

    pthread_mutex_lock(&state.lock);
    for (const Shared *shared = state.first; shared != NULL; shared = shared->next) {
        if (!any_in(shared, of, count))
            continue;
        share_lock(shared->share);
        for (size_t i = 0; i < count; i++)
            if (is_in(shared, &of[i].rows))
                add(shared, user, &of[i]);
        share_unlock(shared->share);
        added = true;
    }
    pthread_mutex_unlock(&state.lock);
    return added;
}

static bool has_tag(const SharedUse *use, const void *tag)
{
    return use->user.tag == *(const uint64_t *)tag && is_of_process(use, process_stamp());
}

void uses_remove(uint64_t tag)
{
    pthread_mutex_lock(&state.lock);
    drop_all(has_tag, &tag);
    pthread_mutex_unlock(&state.lock);
}

/* Acts on rows that a function names. */
static void mark_all(bool (*is)(const SharedUse *use, const void *to), const void *to,
                     void (*act)(SharedUse *use, bool *any), bool *any)
{
    pthread_mutex_lock(&state.lock);
    for (Shared *shared = state.first; shared != NULL; shared = shared->next) {
        share_lock(shared->share);
        for (uint32_t i = 0; i < shared->uses->count; i++)
            if (is(&shared->uses->use[i], to))
                act(&shared->uses->use[i], any);
        share_unlock(shared->share);
    }
    pthread_mutex_unlock(&state.lock);
}

static void look(SharedUse *use, bool *any)
{
    *any |= use->over;
}

bool uses_is_over(uint64_t tag)
{
    bool any = false;

    mark_all(has_tag, &tag, look, &any);
    return any;
}

static void settle(SharedUse *use, bool *any)
{
    (void)any;
    use->user.held = false;
}

void uses_settle(uint64_t tag)
{
    mark_all(has_tag, &tag, settle, NULL);
}

typedef struct Over {
    uint64_t stream;
    uint64_t seq;
} Over;

static bool is_over(const SharedUse *use, const void *to)
{
    const Over *over = to;
    bool all = (over->stream & UINT32_MAX) == 0 && is_of_process(use, over->stream);

    return (all || use->user.stream == over->stream) && use->user.seq <= over->seq;
}

static void end(SharedUse *use, bool *any)
{
    (void)any;
    use->over = true;
}

void uses_over(uint64_t stream, uint64_t seq)
{
    mark_all(is_over, &(Over){stream, seq}, end, NULL);
}

static bool meets(const Shared *shared, const SharedUse *use, const UsesQuery *query, size_t *which)
{
    for (size_t i = 0; i < query->count; i++) {
        Rows rows = within(shared, &query->of[i].rows);
        *which = i;
        if ((use->writes || query->of[i].writes) && rows_meet(&use->rows, &rows))
            return true;
    }
    return false;
}

/* Is a row another process's, which is there, and not known to be over? */
static bool stands(const Shared *shared, const SharedUse *use, const UsesQuery *query)
{
    return (!use->user.held || query->ends) && !query->is_over(&use->user, query->to) &&
           share_has_member(shared->share, use->member);
}

static bool find_in(const Shared *shared, const UsesQuery *query, SharedUse *found, size_t *which)
{
    uint64_t own = process_stamp();
    bool any = false;

    share_lock(shared->share);
    for (uint32_t i = 0; i < shared->uses->count && !any; i++) {
        const SharedUse *use = &shared->uses->use[i];
        any = !use->over && !is_of_process(use, own) && meets(shared, use, query, which) &&
              stands(shared, use, query);
        if (any)
            *found = *use;
    }
    share_unlock(shared->share);
    if (any)
        found->rows.start = found->rows.start - START + shared->start;
    return any;
}

bool uses_find(const UsesQuery *query, SharedUse *found, size_t *which)
{
    bool any = false;

    pthread_mutex_lock(&state.lock);
    for (const Shared *shared = state.first; shared != NULL && !any; shared = shared->next)
        if ((!query->ends || shared->own) && any_in(shared, query->of, query->count))
            any = find_in(shared, query, found, which);
    pthread_mutex_unlock(&state.lock);
    return any;
}
