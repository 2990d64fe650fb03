#include "stream/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/now.h"
#include "call/faults.h"
#include "call/fork.h"
#include "call/message.h"
#include "call/record.h"
#include "stream/exception.h"
#include "stream/order.h"

enum { LEAVING_MS = 10000 };

/* Takes the next task; NULL: the stream ends. The lock is held. */
static Task *next_task(Stream *stream)
{
    while (!stream->stopping && stream->waiting.first == NULL)
        pthread_cond_wait(&stream->wake, streams_mutex());
    Task *task = stream->stopping ? NULL : stream->waiting.first;
    if (task == NULL)
        return NULL;
    stream->waiting.first = task->next;
    if (task->next == NULL)
        stream->waiting.last = NULL;
    stream->running = task;
    return task;
}

/* When the device begins a task, which threads that wake up do not delay. */
static uint64_t begins(const Stream *stream, const Task *task)
{
    return stream->due_ns > task->queued_ns ? stream->due_ns : task->queued_ns;
}

/* Sleeps for a task's latency, unless the stream ends meanwhile. */
static void sleep_for(Stream *stream, const Task *task)
{
    uint64_t until = begins(stream, task) + task->latency_ns;
    struct timespec at = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};

    stream->due_ns = until;
    if (task->latency_ns == 0)
        return;
    streams_lock();
    while (!stream->stopping && now_ns() < until)
        pthread_cond_timedwait(&stream->wake, streams_mutex(), &at);
    streams_unlock();
}

static bool stopping(Stream *stream)
{
    streams_lock();
    bool stops = stream->stopping;
    streams_unlock();
    return stops;
}

/* The code a device would give for what went wrong in a task. */
static int device_code(const Task *task, int status)
{
    return status >= 507000 && status <= 507999 ? status : task->failure;
}

static void leave(void);

static void leave_orderly(void)
{
    atexit(leave);
}

/* Does what a task is; the time it takes is the device's. */
static int run(Stream *stream, Task *task)
{
    uint64_t start = now_ns();
    int status = task->kind->run(task, stream);

    if (!task->waits)
        stream->due_ns += now_ns() - start;
    return status;
}

/* 0, or the code a task fails with: by itself, or because it shall. */
static int run_or_fail(Stream *stream, Task *task)
{
    int status = fault_due_task();

    if (status == E_NONE) {
        status = run(stream, task);
        return status == E_NONE ? E_NONE : device_code(task, status);
    }
    status = device_code(task, status);
    if (task->kind->fail != NULL)
        task->kind->fail(task, stream, status);
    return status;
}

/* From when the stream turned to the task; what the task sleeps is its time. */
static void tell(const Stream *stream, const Task *task, uint64_t start, int status)
{
    record_tell(&(Record){
        .kind = RECORD_TASK,
        .function = task->made.function,
        .status = status,
        .seq = task->made.seq,
        .task = task->seq,
        .stream = stream->serial,
        .device = stream->device,
        .model = task->model,
        .bytes = task->bytes,
        .queued_ns = task->queued_ns,
        .queued_by = task->thread,
        .start_ns = start,
        .ns = now_ns() - start,
    });
}

/* Runs a task: 0, or the code it fails with. */
static int perform(Stream *stream, Task *task)
{
    uint64_t start = now_ns();
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    Call call = {.function = task->made.function,
                 .line = task->made.line,
                 .seq = task->made.seq,
                 .caller = task->made.caller,
                 .slept = true,
                 .of_task = true};

    /* Once more, now that ONNX Runtime is there: the last comes first. */
    if (task->computes)
        pthread_once(&once, leave_orderly);
    current_call = &call;
    record_task_here(task->seq, stream->serial);
    sleep_for(stream, task);
    bool ended = stopping(stream);
    int status = ended ? E_NONE : run_or_fail(stream, task);
    record_task_here(0, 0);
    current_call = NULL;
    if (!ended)
        tell(stream, task, start, status);
    return status;
}

/* Leaves the first failure for the next wait. The lock is held. */
static void keep_failure(Stream *stream, int status, const char *text)
{
    if (stream->failure != E_NONE)
        return;
    stream->failure = status;
    stream->failure_text = text != NULL ? strdup(text) : NULL;
}

static void report(Stream *stream, Task *task, int status)
{
    const char *text = message_take();

    exception_report(stream, task, status, text);
    streams_lock();
    keep_failure(stream, status, text);
    streams_unlock();
}

static void *work(void *argument)
{
    Stream *stream = argument;
    Task *task;

    streams_lock();
    while ((task = next_task(stream)) != NULL) {
        streams_unlock();
        int status = perform(stream, task);
        if (status != E_NONE)
            report(stream, task, status);
        task_strip(task);
        streams_lock();
        stream->running = NULL;
        order_keep(stream, task);
        streams_signal();
    }
    stream_release(stream);
    streams_unlock();
    return NULL;
}

static void see_computing(Stream *stream, void *to)
{
    if (stream->running != NULL && stream->running->computes)
        *(bool *)to = true;
}

static void stop(Stream *stream, void *to)
{
    (void)to;
    stream->stopping = true;
    pthread_cond_broadcast(&stream->wake);
}

/*
 * The process ends while streams may be at work. No new task begins. A task
 * inside ONNX Runtime may finish, for ONNX Runtime frees at exit what that task
 * uses. All other tasks end with the process.
 */
static void leave(void)
{
    uint64_t until = deadline_of(LEAVING_MS);
    bool computing = true;

    if (fork_refused())
        return;
    streams_lock();
    streams_each(stop, NULL);
    streams_signal();
    while (computing) {
        computing = false;
        streams_each(see_computing, &computing);
        if (computing && !streams_await(until))
            break;
    }
    streams_unlock();
}

/* Signals are the program's business, not that of its library's threads. */
static int create(Stream *stream)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&stream->worker, NULL, work, stream);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int worker_start(Stream *stream)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (stream->started)
        return E_NONE;
    pthread_once(&once, leave_orderly);
    stream_hold(stream);
    int error = create(stream);
    if (error == 0) {
        stream->started = true;
        return E_NONE;
    }
    stream_release(stream);
    return refuse(E_RT_NO_STREAM, "no thread for the stream: %s", strerror(error));
}
