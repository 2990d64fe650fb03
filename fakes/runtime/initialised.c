#include "runtime/initialised.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/codes.h"
#include "base/locks.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"

static struct {
    pthread_mutex_t lock;
    Origin begun;               /* the aclInit that did something */
    Origin ended;               /* the call that ended it; seq 0: none */
    atomic_bool engine;         /* of the graph engine */
    const char *complaint;      /* set while nothing else runs */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

bool init_is_done(void)
{
    return atomic_load(&state.engine);
}

void init_begins(Origin by)
{
    pthread_mutex_lock(&state.lock);
    state.begun = by;
    state.ended = (Origin){0};
    pthread_mutex_unlock(&state.lock);
    atomic_store(&state.engine, true);
}

void init_ends(Origin by)
{
    pthread_mutex_lock(&state.lock);
    state.ended = by;
    pthread_mutex_unlock(&state.lock);
    atomic_store(&state.engine, false);
}

void init_complain(const char *complaint)
{
    state.complaint = complaint;
}

const char *init_complaint(void)
{
    return state.complaint;
}

int refuse_uninitialised(int code)
{
    char first[HISTORY_SIZE];
    char last[HISTORY_SIZE];

    pthread_mutex_lock(&state.lock);
    Origin begun = state.begun;
    Origin ended = state.ended;
    pthread_mutex_unlock(&state.lock);
    if (ended.seq == 0)
        return refuse(code, "aclInit was not called");
    origin_text(ended, last, sizeof last);
    if (begun.seq == 0)
        return refuse(code, "aclInit was not called, and %s ended all", last);
    origin_text(begun, first, sizeof first);
    return refuse(code, "%s has ended what %s began", last, first);
}

int refuse_again(uint64_t count)
{
    char first[HISTORY_SIZE];

    pthread_mutex_lock(&state.lock);
    Origin begun = state.begun;
    pthread_mutex_unlock(&state.lock);
    return refuse(E_REPEAT_INIT,
                  "%s was before this one, which is counted: "
                  "%llu now. This status may be ignored",
                  origin_text(begun, first, sizeof first), (unsigned long long)count);
}

int engine_needed(void)
{
    if (atomic_load_explicit(&state.engine, memory_order_relaxed))
        return E_NONE;
    if (state.complaint != NULL)
        return refuse(E_GE_NOT_INIT, "aclInit refuses to begin: %s", state.complaint);
    return refuse_uninitialised(E_GE_NOT_INIT);
}

static void forget_all(void)
{
    state.begun = (Origin){0};
    state.ended = (Origin){0};
    atomic_store(&state.engine, false);
}

KEEPER(KEEPER_INITIALISED, forget_all, NULL)
