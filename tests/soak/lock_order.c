#include "lock_order.h"

#undef pthread_mutex_lock
#undef pthread_mutex_trylock
#undef pthread_mutex_unlock
#undef pthread_cond_wait
#undef pthread_cond_timedwait
#undef pthread_join

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOCKS_MAX = 96, HELD_MAX = 64 };

/* An acquisition: of which lock, and where. */
typedef struct Taken {
    size_t lock;
    const char *file;
    int line;
} Taken;

/* What a thread holds, oldest first. */
typedef struct Chain {
    Taken taken[HELD_MAX];
    size_t count;
} Chain;

static _Thread_local Chain held;

/*
 * known is read without the mutex, and relaxed, so that the recorder orders
 * no two threads that the program does not order: the thread sanitizer still
 * sees their races.
 */
static struct {
    pthread_mutex_t mutex;
    _Atomic(pthread_mutex_t *) lock[LOCKS_MAX];
    atomic_bool known[LOCKS_MAX][LOCKS_MAX];
    Chain first[LOCKS_MAX][LOCKS_MAX];      /* who made the edge */
} graph = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static size_t find_lock(pthread_mutex_t *mutex, size_t from)
{
    while (from < LOCKS_MAX) {
        pthread_mutex_t *at = atomic_load_explicit(&graph.lock[from],
                                                   memory_order_relaxed);
        if (at == mutex || at == NULL)
            break;
        from++;
    }
    return from;
}

static void die(const char *why)
{
    fprintf(stderr, "lock order: %s\n", why);
    abort();
}

static size_t number_of(pthread_mutex_t *mutex)
{
    size_t i = find_lock(mutex, 0);

    if (i < LOCKS_MAX && atomic_load(&graph.lock[i]) == mutex)
        return i;
    pthread_mutex_lock(&graph.mutex);
    i = find_lock(mutex, i);
    if (i == LOCKS_MAX)
        die("there are more locks than the recorder has room for");
    atomic_store(&graph.lock[i], mutex);
    pthread_mutex_unlock(&graph.mutex);
    return i;
}

static void print_chain(const char *title, const Chain *chain)
{
    fprintf(stderr, "  %s\n", title);
    for (size_t i = 0; i < chain->count; i++)
        fprintf(stderr, "    lock %zu at %s:%d\n", chain->taken[i].lock,
                chain->taken[i].file, chain->taken[i].line);
}

/* Prints the edges that lead from one lock to another. False: there are none. */
static bool print_path(size_t from, size_t to, bool *seen)
{
    seen[from] = true;
    for (size_t next = 0; next < LOCKS_MAX; next++) {
        if (!atomic_load(&graph.known[from][next]) || seen[next])
            continue;
        if (next != to && !print_path(next, to, seen))
            continue;
        print_chain("a thread took, in this order,",
                    &graph.first[from][next]);
        return true;
    }
    return false;
}

static void add_edge(size_t from, size_t to, const Chain *chain)
{
    bool seen[LOCKS_MAX] = {false};

    if (atomic_load_explicit(&graph.known[from][to], memory_order_relaxed))
        return;
    pthread_mutex_lock(&graph.mutex);
    graph.first[from][to] = *chain;
    atomic_store(&graph.known[from][to], true);
    if (print_path(to, from, seen)) {
        print_chain("and this thread takes, in this order,", chain);
        die("a cycle");
    }
    pthread_mutex_unlock(&graph.mutex);
}

static void keep(Taken taken)
{
    if (held.count == HELD_MAX)
        die("a thread holds more locks than the recorder has room for");
    held.taken[held.count++] = taken;
}

/* Before the thread may block: a cycle is told instead of a deadlock. */
static void taking(Taken taken)
{
    keep(taken);
    for (size_t i = 0; i + 1 < held.count; i++) {
        if (held.taken[i].lock == taken.lock) {
            print_chain("this thread takes, in this order,", &held);
            die("a lock that the thread holds already");
        }
        add_edge(held.taken[i].lock, taken.lock, &held);
    }
}

static Taken dropping(pthread_mutex_t *mutex)
{
    size_t lock = number_of(mutex);
    size_t i = held.count;

    while (i > 0 && held.taken[i - 1].lock != lock)
        i--;
    if (i == 0)
        die("a thread drops a lock that it does not hold");
    Taken taken = held.taken[i - 1];
    held.count--;
    for (; i <= held.count; i++)
        held.taken[i - 1] = held.taken[i];
    return taken;
}

void lock_order_none(const char *what)
{
    if (held.count == 0)
        return;
    print_chain("this thread holds", &held);
    die(what);
}

int lock_order_lock(pthread_mutex_t *mutex, const char *file, int line)
{
    taking((Taken){number_of(mutex), file, line});
    return pthread_mutex_lock(mutex);
}

int lock_order_trylock(pthread_mutex_t *mutex, const char *file, int line)
{
    int status = pthread_mutex_trylock(mutex);

    if (status == 0)
        keep((Taken){number_of(mutex), file, line});
    return status;
}

int lock_order_unlock(pthread_mutex_t *mutex)
{
    dropping(mutex);
    return pthread_mutex_unlock(mutex);
}

int lock_order_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                    const struct timespec *until, const char *file, int line)
{
    Taken taken = dropping(mutex);

    lock_order_none("a wait for a condition under another lock");
    int status = until == NULL ? pthread_cond_wait(cond, mutex)
                               : pthread_cond_timedwait(cond, mutex, until);
    taking((Taken){taken.lock, file, line});
    return status;
}

int lock_order_join(pthread_t thread, void **result, const char *file,
                    int line)
{
    if (held.count > 0)
        fprintf(stderr, "  pthread_join at %s:%d\n", file, line);
    lock_order_none("a wait for a thread's end under a lock");
    return pthread_join(thread, result);
}
