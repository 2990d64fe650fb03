#include "call/fork.h"

#include <time.h>
#include <unistd.h>

#include "base/locks.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"

enum { PAUSE_NS = 50000, TRIES = 20000 };   /* 1 s */

static struct {
    pthread_mutex_t begins;
    Origin begun;               /* seq 0: not yet */
    pid_t parent;               /* of a fork that is refused */
    bool taken;                 /* all locks, by the fork that is going on */
    bool torn;                  /* this process is a fork without them */
} state = {.begins = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.begins)

/*
 * Takes all locks before a fork. A load holds a lock for long, and a fork that
 * only starts another program must not wait for the load: after a second the
 * fork goes on without the locks, and its child may not use this library.
 */
static void before(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};

    for (int i = 0; !(state.taken = locks_take()) && i < TRIES; i++)
        nanosleep(&pause, NULL);
    if (!fork_refused())
        state.parent = getpid();
}

static void in_parent(void)
{
    if (state.taken)
        locks_give_back();
}

static void in_child(void)
{
    if (state.taken)
        locks_give_back();
    else
        state.torn = true;
    if (state.torn || state.begun.seq != 0)
        calls_watch_alone(WATCHER_FORK);
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
    if (state.begun.seq == 0 || (now.function == FN_aclInit && state.begun.function != FN_aclInit))
        state.begun = now;
    pthread_mutex_unlock(&state.begins);
}

bool fork_refused(void)
{
    return calls_watched(WATCHER_FORK);
}

bool fork_is_torn(void)
{
    return state.torn;
}

int fork_refuse(void)
{
    char text[HISTORY_SIZE];

    if (state.begun.seq == 0)
        return refuse(E_RT_INTERNAL,
                      "this process %ld was forked from "
                      "process %ld while another thread was inside this "
                      "library for more than a second; fork before that, or "
                      "use the spawn start method",
                      (long)getpid(), (long)state.parent);

    return refuse(E_RT_INTERNAL,
                  "this process %ld was forked from process "
                  "%ld, which had called %s: a device is not inherited; fork "
                  "before that, or use the spawn start method",
                  (long)getpid(), (long)state.parent, origin_text(state.begun, text, sizeof text));
}

/* Why it was refused may be asked even there. */
static int refuse_call(Call *call)
{
    return call->function == FN_aclGetRecentErrMsg ? E_NONE : fork_refuse();
}

WATCHER(WATCHER_FORK, .before = refuse_call)

static void forget_all(void)
{
    state.begun = (Origin){0};
}

KEEPER(KEEPER_FORK, forget_all, NULL)
