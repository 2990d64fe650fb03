#include "call/faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/locks.h"
#include "call/keepers.h"
#include "call/message.h"

enum { ANY = FUNCTION_COUNT, TASK, SLOTS };

typedef struct Fault {
    int code;           /* 0: not armed */
    bool every;
    uint64_t left;      /* calls until it fires, that one included */
} Fault;

typedef struct Latency {
    uint64_t fixed_ns;
    double ns_per_byte;
} Latency;

static struct {
    pthread_mutex_t lock;
    Fault fault[SLOTS];
    Latency latency[FUNCTION_COUNT];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/* Counts one call against a fault; its code when it fires. */
static int fault_count(Fault *fault)
{
    int code = fault->code;

    if (code == 0 || fault->every)
        return code;
    if (--fault->left > 0)
        return 0;
    fault->code = 0;
    return code;
}

/* Values cannot carry a status, so only a fault of their own reaches them. */
static int fault_due(FunctionId function)
{
    int any = 0;

    pthread_mutex_lock(&state.lock);
    int own = fault_count(&state.fault[function]);
    if (functions[function].returns != VALUE)
        any = fault_count(&state.fault[ANY]);
    pthread_mutex_unlock(&state.lock);
    return own != 0 ? own : any;
}

/* Refuses with the code of a fault, if one is due. */
static int inject(int code)
{
    if (code != 0)
        refuse(code, "status %d injected by aclfakeFail", code);
    return code;
}

static int fail_call(Call *call)
{
    return inject(fault_due(call->function));
}

WATCHER(WATCHER_FAULTS, .before = fail_call)

int fault_due_task(void)
{
    if (!calls_watched(WATCHER_FAULTS))
        return 0;
    pthread_mutex_lock(&state.lock);
    int code = fault_count(&state.fault[TASK]);
    pthread_mutex_unlock(&state.lock);
    return inject(code);
}

static void arm(int slot, uint64_t nth, int code)
{
    bool armed = false;

    pthread_mutex_lock(&state.lock);
    state.fault[slot] = (Fault){code, nth == 0, nth};
    for (int i = 0; i < SLOTS; i++)
        armed = armed || state.fault[i].code != 0;
    calls_watch(WATCHER_FAULTS, armed);
    pthread_mutex_unlock(&state.lock);
}

void fault_arm(FunctionId function, uint64_t nth, int code)
{
    arm((int)function, nth, code);
}

void fault_arm_task(uint64_t nth, int code)
{
    arm(TASK, nth, code);
}

void latency_set(FunctionId function, uint64_t fixed_ns, double ns_per_byte)
{
    bool any = false;

    pthread_mutex_lock(&state.lock);
    state.latency[function] = (Latency){fixed_ns, ns_per_byte};
    for (int i = 0; i < FUNCTION_COUNT; i++)
        any = any || state.latency[i].fixed_ns > 0 || state.latency[i].ns_per_byte > 0;
    calls_watch(WATCHER_LATENCY, any);
    pthread_mutex_unlock(&state.lock);
}

uint64_t latency_of(FunctionId function, size_t bytes)
{
    if (!calls_watched(WATCHER_LATENCY))
        return 0;
    pthread_mutex_lock(&state.lock);
    Latency latency = state.latency[function];
    pthread_mutex_unlock(&state.lock);
    return latency.fixed_ns + (uint64_t)(latency.ns_per_byte * (double)bytes);
}

/* Sleeps for one call that moved so many bytes. */
static void sleep_for(FunctionId function, size_t bytes)
{
    enum { SECOND = 1000000000 };
    uint64_t ns = latency_of(function, bytes);
    struct timespec rest = {.tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND)};

    if (ns == 0)
        return;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
        continue;
}

void call_sleep(Call *call)
{
    if (!call->watched || call->slept)
        return;
    call->slept = true;
    sleep_for(call->function, call->bytes);
}

/* Refused calls do not sleep: nothing went over the bus. */
static void end_call(Call *call)
{
    if (call->status == E_NONE)
        call_sleep(call);
}

WATCHER(WATCHER_LATENCY, .after = end_call)

void latencies_reset(void)
{
    pthread_mutex_lock(&state.lock);
    memset(state.latency, 0, sizeof state.latency);
    calls_watch(WATCHER_LATENCY, false);
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    memset(state.fault, 0, sizeof state.fault);
    calls_watch(WATCHER_FAULTS, false);
    pthread_mutex_unlock(&state.lock);
    latencies_reset();
}

KEEPER(KEEPER_FAULTS, forget_all, NULL)
