#include "call/fork.h"

#include <time.h>
#include <unistd.h>

#include "call/calls.h"
#include "call/message.h"

enum { LOCKS_MAX = 32, PAUSE_NS = 50000, TRIES = 20000 };   /* 1 s */

static struct {
    pthread_mutex_t *lock[LOCKS_MAX];
    size_t count;
    pthread_mutex_t begins;
    Origin begun;               /* seq 0: not yet */
    pid_t parent;               /* of a fork that is refused */
    bool taken;                 /* all locks, by the fork that is going on */
    bool torn;                  /* this process is a fork without them */
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

/*
 * Whoever finds one taken lets go of all: there is no order to be kept. A
 * load can hold one for long, and a fork that is to start another program
 * must not wait for that.
 */
static void before(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};

    for (int i = 0; !(state.taken = take_all()) && i < TRIES; i++)
        nanosleep(&pause, NULL);
    if (!fork_refused())
        state.parent = getpid();
}

static void in_parent(void)
{
    if (state.taken)
        give_back(state.count);
}

static void in_child(void)
{
    if (state.taken)
        give_back(state.count);
    else
        state.torn = true;
    if (state.torn || state.begun.seq != 0)
        calls_watch(WATCH_FORKED, true);
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

bool fork_is_torn(void)
{
    return state.torn;
}

int fork_refuse(void)
{
    char text[HISTORY_SIZE];

    if (state.begun.seq == 0)
        return refuse(E_RT_INTERNAL, "this process %ld was forked from "
                      "process %ld while another thread was inside this "
                      "library for more than a second; fork before that, or "
                      "use the spawn start method", (long)getpid(),
                      (long)state.parent);

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
