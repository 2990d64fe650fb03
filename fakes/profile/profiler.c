#include "profile/profiler.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/codes.h"
#include "base/locks.h"
#include "call/message.h"

static struct {
    pthread_mutex_t lock;
    ProfilerMode mode;
    atomic_bool marks;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void profiler_lock(void)
{
    pthread_mutex_lock(&state.lock);
}

void profiler_unlock(void)
{
    pthread_mutex_unlock(&state.lock);
}

ProfilerMode profiler_mode(void)
{
    return state.mode;
}

void profiler_set_mode(ProfilerMode mode)
{
    state.mode = mode;
}

int profiler_check_configured(void)
{
    if (state.mode != PROFILER_CONFIGURED)
        return E_NONE;
    return refuse(E_PROF_RUNS, "the configuration of aclInit has turned the profiler on, until "
                               "aclFinalize");
}

bool profiler_takes_marks(void)
{
    return atomic_load(&state.marks);
}

void profiler_take_marks(bool on)
{
    atomic_store(&state.marks, on);
}
