#include "stream.h"

#include <errno.h>
#include <stdlib.h>

#include "callback.h"
#include "device.h"
#include "faults.h"
#include "message.h"
#include "objects.h"
#include "order.h"
#include "trace.h"
#include "violations.h"
#include "worker.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t progress;
    pthread_condattr_t monotonic;
    Stream *open;
    uint64_t serial;
    uint64_t seq;               /* of the last task queued anywhere */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((constructor)) static void begin(void)
{
    pthread_condattr_init(&state.monotonic);
    pthread_condattr_setclock(&state.monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&state.progress, &state.monotonic);
}

void streams_lock(void)
{
    pthread_mutex_lock(&state.lock);
}

void streams_unlock(void)
{
    pthread_mutex_unlock(&state.lock);
}

pthread_mutex_t *streams_mutex(void)
{
    return &state.lock;
}

void streams_signal(void)
{
    pthread_cond_broadcast(&state.progress);
}

uint64_t deadline_of(int32_t timeout_ms)
{
    return timeout_ms < 0 ? 0
                          : trace_now() + (uint64_t)timeout_ms * 1000000u;
}

bool streams_await(uint64_t until)
{
    struct timespec at = {(time_t)(until / 1000000000u),
                          (long)(until % 1000000000u)};

    if (until == 0)
        return pthread_cond_wait(&state.progress, &state.lock) == 0;
    return pthread_cond_timedwait(&state.progress, &state.lock, &at) !=
           ETIMEDOUT;
}

Stream *stream_open(const void *context, int device)
{
    Stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL) {
        refuse(E_BAD_ALLOC, "no memory for a stream");
        return NULL;
    }
    *stream = (Stream){.references = 1, .context = context,
                       .device = device};
    pthread_cond_init(&stream->wake, &state.monotonic);
    streams_lock();
    stream->serial = ++state.serial;
    stream->next = state.open;
    state.open = stream;
    streams_unlock();
    return stream;
}

void stream_hold(Stream *stream)
{
    stream->references++;
}

void stream_release(Stream *stream)
{
    if (--stream->references > 0)
        return;
    pthread_cond_destroy(&stream->wake);
    clock_clear(&stream->clock);
    free(stream->failure_text);
    free(stream);
}

/* What the table of objects keeps of a stream. */
typedef struct Body {
    Stream *stream;
} Body;

/* An object is freed long after its death, or at the end of everything. */
static void body_release(void *body)
{
    streams_lock();
    stream_release(((Body *)body)->stream);
    streams_unlock();
}

aclrtStream stream_publish(Stream *stream, const void *owner)
{
    void *handle = NULL;
    Body *body = object_new(KIND_STREAM, sizeof *body, body_release, owner,
                            &handle);

    if (body == NULL) {
        refuse(E_BAD_ALLOC, "no memory for a stream");
        return NULL;
    }
    body->stream = stream;
    stream->handle = handle;
    return handle;
}

static Stream *find_standard(const void *context)
{
    streams_lock();
    Stream *stream = state.open;
    while (stream != NULL &&
           !(stream->standard && stream->context == context))
        stream = stream->next;
    streams_unlock();
    return stream;
}

/* Two threads may come here at once: only one stream is made. */
static int need_standard(Stream **stream)
{
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    const void *context = context_current();

    pthread_mutex_lock(&making);
    *stream = find_standard(context);
    if (*stream == NULL)
        *stream = stream_open(context, context_device());
    if (*stream != NULL && (*stream)->handle == NULL) {
        (*stream)->standard = true;
        stream_publish(*stream, context);
    }
    pthread_mutex_unlock(&making);
    return *stream != NULL ? E_NONE : E_BAD_ALLOC;
}

int stream_need(aclrtStream handle, const char *argument, Stream **stream)
{
    int status = context_needed();

    if (status != E_NONE)
        return status;
    if (handle == NULL)
        return need_standard(stream);
    const Body *body = object_find(handle, KIND_STREAM, argument);
    if (body == NULL)
        return E_RT_HANDLE;
    *stream = body->stream;
    if ((*stream)->context == context_current())
        return E_NONE;
    violate(V_FOREIGN_STREAM, "%s %p belongs to context %p, current is %p",
            argument, handle, (*stream)->context, context_current());
    return E_RT_STREAM_CONTEXT;
}

static void append(Stream *stream, Task *task)
{
    task->seq = ++state.seq;
    task->next = NULL;
    if (stream->waiting.last != NULL)
        stream->waiting.last->next = task;
    else
        stream->waiting.first = task;
    stream->waiting.last = task;
    stream->last = task->seq;
    order_count(task, 1);
    pthread_cond_broadcast(&stream->wake);
}

/* The sleep that was asked of the running call is the task's. */
static void take_latency(Task *task)
{
    current_call->slept = true;
    if (atomic_load(&calls.watch) & WATCH_LATENCY)
        task->latency_ns = latency_of(task->made.function, task->bytes);
}

int stream_submit_locked(Stream *stream, Task *task)
{
    int status = E_NONE;

    if (stream->stopping)
        status = refuse(E_RT_STREAM_ABORT, "the stream ends");
    if (status == E_NONE && task->incomplete)
        status = refuse(E_BAD_ALLOC, "no memory for a task");
    if (status == E_NONE)
        status = order_check_task(stream, task);
    if (status == E_NONE)
        status = worker_start(stream);
    if (status != E_NONE) {
        task_free(task);
        return status;
    }
    take_latency(task);
    append(stream, task);
    return E_NONE;
}

int stream_submit(Stream *stream, Task *task)
{
    streams_lock();
    int status = stream_submit_locked(stream, task);
    streams_unlock();
    return status;
}

void stream_abandon(Task *task)
{
    streams_lock();
    task_free(task);
    streams_unlock();
}

bool stream_idle(const Stream *stream)
{
    return stream->running == NULL && stream->waiting.first == NULL;
}

uint64_t stream_first_seq(const Stream *stream)
{
    if (stream->running != NULL)
        return stream->running->seq;
    return stream->waiting.first != NULL ? stream->waiting.first->seq
                                         : UINT64_MAX;
}

/* The failure of a stream, as this thread's message and result. */
static int take_failure(Stream *stream)
{
    int status = stream->failure;

    if (status == E_NONE)
        return E_NONE;
    refuse(status, "a task failed: %s",
           stream->failure_text != NULL ? stream->failure_text : "");
    free(stream->failure_text);
    stream->failure_text = NULL;
    stream->failure = E_NONE;
    return status;
}

/* The host has seen that a stream is done up to a task. */
static int seen(Stream *stream, uint64_t seq)
{
    order_synced(stream, seq);
    order_synced_clock(&stream->clock, seq);
    return take_failure(stream);
}

int stream_wait(Stream *stream, int32_t timeout_ms)
{
    uint64_t until = deadline_of(timeout_ms);
    int status = E_NONE;

    streams_lock();
    uint64_t target = stream->last;
    while (stream_first_seq(stream) <= target && !stream->stopping &&
           streams_await(until))
        continue;
    if (stream->stopping)
        status = refuse(E_RT_STREAM_ABORT, "the stream was ended");
    else if (stream_first_seq(stream) <= target)
        status = refuse(E_RT_STREAM_TIMEOUT, "the stream is not done after "
                        "%d ms", timeout_ms);
    else
        status = seen(stream, target);
    streams_unlock();
    return status;
}

void streams_each(void (*act)(Stream *stream, void *to), void *to)
{
    for (Stream *stream = state.open; stream != NULL; stream = stream->next)
        act(stream, to);
}

static bool device_done(int device, uint64_t target)
{
    for (Stream *stream = state.open; stream != NULL; stream = stream->next)
        if (stream->device == device && !stream->stopping &&
            stream_first_seq(stream) <= target)
            return false;
    return true;
}

static int seen_device(int device, uint64_t target)
{
    int first = E_NONE;

    for (Stream *stream = state.open; stream != NULL; stream = stream->next) {
        int status = stream->device == device ? seen(stream, target)
                                              : E_NONE;
        first = first != E_NONE ? first : status;
    }
    return first;
}

int streams_wait_device(int device, int32_t timeout_ms)
{
    uint64_t until = deadline_of(timeout_ms);

    streams_lock();
    uint64_t target = state.seq;
    while (!device_done(device, target) && streams_await(until))
        continue;
    int status = device_done(device, target)
                     ? seen_device(device, target)
                     : refuse(E_RT_STREAM_TIMEOUT, "device %d is not done "
                              "after %d ms", device, timeout_ms);
    streams_unlock();
    return status;
}

/* Takes a stream off the list. False: it was not there. */
static bool unlist(Stream *stream)
{
    Stream **at = &state.open;

    while (*at != NULL && *at != stream)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = stream->next;
    return true;
}

static void drop_waiting(Stream *stream)
{
    while (stream->waiting.first != NULL) {
        Task *task = stream->waiting.first;
        stream->waiting.first = task->next;
        order_count(task, -1);
        task_free(task);
    }
    stream->waiting.last = NULL;
}

/* A worker that ends its own stream cannot wait for itself. */
static void join(Stream *stream)
{
    if (!stream->started)
        return;
    if (pthread_equal(pthread_self(), stream->worker))
        pthread_detach(stream->worker);
    else
        pthread_join(stream->worker, NULL);
}

void stream_end(Stream *stream)
{
    streams_lock();
    bool ours = unlist(stream);
    if (ours) {
        stream->stopping = true;
        drop_waiting(stream);
        callbacks_forget(stream);
        pthread_cond_broadcast(&stream->wake);
        streams_signal();
    }
    streams_unlock();
    if (!ours)
        return;
    join(stream);
    streams_lock();
    order_forget(stream);
    streams_unlock();
}

/* An open stream of a context, held, or NULL. */
static Stream *stream_of_context(const void *context)
{
    streams_lock();
    Stream *stream = state.open;
    while (stream != NULL && context != NULL && stream->context != context)
        stream = stream->next;
    if (stream != NULL)
        stream_hold(stream);
    streams_unlock();
    return stream;
}

static void let_go(Stream *stream)
{
    streams_lock();
    stream_release(stream);
    streams_unlock();
}

void streams_end_context(const void *context, bool force)
{
    Stream *stream;

    while ((stream = stream_of_context(context)) != NULL) {
        if (!force)
            stream_wait(stream, -1);
        object_kill(stream->handle);
        stream_end(stream);
        let_go(stream);
    }
}

void streams_reset(void)
{
    streams_end_context(NULL, true);
    state.seq = 0;
    state.serial = 0;
}
