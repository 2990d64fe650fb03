/*
 * stream_queue: tasks come into a stream's queue.
 */
#include "base/now.h"
#include "call/faults.h"
#include "call/message.h"
#include "stream/order.h"
#include "stream/stream.h"
#include "stream/worker.h"

static void append(Stream *stream, Task *task)
{
    task->seq = streams_next_seq();
    task->next = NULL;
    task->queued_ns = now_ns();
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
