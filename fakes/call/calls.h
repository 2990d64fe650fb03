/*
 * calls: what happens at the door of every exported function.
 *
 *     aclError aclrtFree(void *devPtr)
 *     {
 *         ENTER(aclrtFree, "devPtr=%p", devPtr);
 *         NOT_NULL(devPtr);
 *         LEAVE(device_free(devPtr, OWNER_USER));
 *     }
 *
 * ENTER counts the call, numbers it, and names it to whatever runs inside
 * (violations, messages, the origins of objects). Nothing else happens unless
 * a watcher wants to see the call: a trace, a fault, a latency, or the fact
 * that this process is a fork. The end of the call is seen wherever the
 * function returns, because the Call is closed when it leaves its scope.
 */
#ifndef FAKE_CALLS_H
#define FAKE_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codes.h"
#include "base/site.h"
#include "call/functions.h"

/*
 * The watchers of calls, from the outermost to the innermost. Each has its
 * bit in calls.watch, 1 << its number, while it wants to see calls begin.
 */
typedef enum WatcherId {
    WATCHER_FORK,               /* this process is a fork without a device */
    WATCHER_TRACE,
    WATCHER_LINES,              /* who makes and ends things */
    WATCHER_CALLBACK,           /* a callback may be running somewhere */
    WATCHER_FAULTS,
    WATCHER_LATENCY,
    WATCHER_REFUSAL,            /* sees ends alone */
    WATCHER_VIOLATIONS,         /* likewise */
    WATCHER_COUNT
} WatcherId;

typedef struct Call {
    FunctionId function;
    int status;
    uint32_t line;      /* of Python that calls, once somebody asked; 0: nobody, or none */
    uint64_t seq;
    const void *caller; /* where the function returns to */
    uint64_t start_ns;
    size_t bytes;       /* moved by a copy: what latency per byte counts */
    char *args;         /* owned; only while a trace is kept */
    struct Call *outer; /* that this one runs inside of, by a callback */
    bool told;          /* it has left a text */
    bool watched;
    bool slept;
    bool of_task;       /* no call: what a stream does for one; it has no end of its own */
} Call;

typedef struct Calls {
    atomic_uint watch;
    atomic_uint_fast64_t seq;
    atomic_uint_fast64_t count[FUNCTION_COUNT];
} Calls;

extern Calls calls;
extern _Thread_local Call *current_call;

/*
 * What a watcher does; each may be NULL. before() runs while the watcher's
 * bit is set, outermost first: 0, or the status with which the call is
 * refused, and then no other watcher is asked. after() runs at the end of
 * each call that was watched or has failed, innermost first.
 */
typedef struct Watcher {
    int (*before)(Call *call);
    void (*after)(Call *call);
} Watcher;

/* Names a watcher, before the library begins. */
#define WATCHER(id, ...) \
    __attribute__((constructor(101))) static void watch_##id(void) \
    { \
        calls_watcher(id, (Watcher){__VA_ARGS__}); \
    }

/* What the macro calls. */
void calls_watcher(WatcherId id, Watcher watcher);

/* The slow halves of call_open() and call_close(): all failures end there. */
bool call_watch(Call *call);
void call_finish(Call *call);

/* Keeps the arguments for the trace; cut where memory is short. */
void call_args(Call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The call that runs on this thread; seq 0 when none does. */
Origin call_origin(void);

/* "aclrtFree (call 12)", for messages. Written into text, which it returns. */
const char *origin_text(Origin origin, char *text, size_t size);

/*
 * Where that call stands in the program: "app.py:12 in load", else as site_text() has it; ""
 * where nothing is known. Written into text, of SITE_SIZE bytes, or good for ever.
 */
const char *origin_site(Origin origin, char *text);

enum { HISTORY_SIZE = 200 };    /* of a text that history_text() writes */

/*
 * "made by aclrtMalloc (call 12), ended by aclrtFree (call 14)", the end only
 * when there is one: gone.seq is not 0. Written into text, which it returns.
 */
const char *history_text(Origin made, Origin gone, char *text);

/* What this thread's last history_text() told in the running call; seq 0: nothing. */
typedef struct History {
    Origin made;
    Origin gone;
} History;

History history_told(void);

/* Does a watcher want to see calls begin? */
bool calls_watched(WatcherId id);

/* From now on it does, or does not. */
void calls_watch(WatcherId id, bool on);

/* From now on it does, and no other. */
void calls_watch_alone(WatcherId id);

/* False: the call is refused with call->status. */
static inline bool call_open(Call *call, FunctionId function, const void *caller)
{
    *call = (Call){.function = function, .caller = caller, .outer = current_call};
    atomic_fetch_add_explicit(&calls.count[function], 1, memory_order_relaxed);
    call->seq = 1 + atomic_fetch_add_explicit(&calls.seq, 1, memory_order_relaxed);
    current_call = call;
    if (atomic_load_explicit(&calls.watch, memory_order_relaxed) == 0)
        return true;
    return call_watch(call);
}

static inline void call_close(Call *call)
{
    if (call->watched || call->status != E_NONE)
        call_finish(call);
    current_call = call->outer;
}

#define ENTER_AS(name, refused, ...) \
    __attribute__((cleanup(call_close))) Call call; \
    if (!call_open(&call, FN_##name, __builtin_return_address(0))) \
        return refused; \
    if (call.watched) \
    call_args(&call, __VA_ARGS__)

#define ENTER(name, ...) ENTER_AS(name, call.status, __VA_ARGS__)
#define NO_ARGS "%s", ""
#define LEAVE(code) return (call.status = (code))

#endif
