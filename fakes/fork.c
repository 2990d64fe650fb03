#include "fork.h"

#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "message.h"

enum { LOCKS_MAX = 32, PAUSE_NS = 50000 };

static struct {
    pthread_mutex_t *lock[LOCKS_MAX];
    size_t count;
    pthread_mutex_t begins;
    Origin begun;               /* seq 0: not yet */
    pid_t parent;               /* of a fork that is refused */
} state = {.begins = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.begins)

/* Runs in constructors, on one thread. */
void fork_holds(pthread_mutex_t *lock)
{
    if (state.count == LOCKS_MAX)
        __builtin_trap();       /* the first test would end here */
    state.lock[state.count++] = lock;
}

static void give_back(size_t count)
{
    while (count > 0)
        pthread_mutex_unlock(state.lock[--count]);
}

static bool take_all(void)
{
    for (size_t i = 0; i < state.count; i++)
        if (pthread_mutex_trylock(state.lock[i]) != 0) {
            give_back(i);
            return false;
        }
    return true;
}

/* Whoever finds one taken lets go of all: there is no order to be kept. */
static void before(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};

    while (!take_all())
        nanosleep(&pause, NULL);
    if (!fork_refused())
        state.parent = getpid();
}

static void in_parent(void)
{
    give_back(state.count);
}

static void in_child(void)
{
    give_back(state.count);
    calls_watch(WATCH_FORKED, state.begun.seq != 0);
}

void fork_watch(void)
{
    pthread_atfork(before, in_parent, in_child);
}

/* The first that counts is told; aclInit is what people look for. */
void fork_begun(void)
{
    Origin now = call_origin();

    pthread_mutex_lock(&state.begins);
    if (state.begun.seq == 0 || (now.function == FN_aclInit &&
                                 state.begun.function != FN_aclInit))
        state.begun = now;
    pthread_mutex_unlock(&state.begins);
}

bool fork_refused(void)
{
    return atomic_load(&calls.watch) & WATCH_FORKED;
}

int fork_refuse(void)
{
    char text[HISTORY_SIZE];

    return refuse(E_RT_INTERNAL, "this process %ld was forked from process "
                  "%ld, which had called %s: a device is not inherited; fork "
                  "before that, or use the spawn start method",
                  (long)getpid(), (long)state.parent,
                  origin_text(state.begun, text, sizeof text));
}

void fork_reset(void)
{
    state.begun = (Origin){0};
}
