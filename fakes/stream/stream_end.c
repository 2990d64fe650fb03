/*
 * stream_end: streams end: one, those of a context, all.
 */
#include "call/keepers.h"
#include "memory/objects.h"
#include "stream/order.h"
#include "stream/reports.h"
#include "stream/stream.h"

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
    bool ours = stream_unlist(stream);
    if (ours) {
        stream->stopping = true;
        drop_waiting(stream);
        reports_forget(stream);
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

static void let_go(Stream *stream)
{
    streams_lock();
    stream_release(stream);
    streams_unlock();
}

void stream_close(Stream *stream)
{
    stream_end(stream);
    let_go(stream);
}

/* An open stream of a context, held, or NULL. */
static Stream *stream_of_context(const void *context)
{
    streams_lock();
    Stream *stream = streams_first();
    while (stream != NULL && context != NULL && stream->context != context)
        stream = stream->next;
    if (stream != NULL)
        stream_hold(stream);
    streams_unlock();
    return stream;
}

void streams_end_context(const void *context, bool force)
{
    Stream *stream;

    while ((stream = stream_of_context(context)) != NULL) {
        if (!force)
            stream_wait(stream, -1);
        object_kill(stream->handle);
        stream_close(stream);
    }
}

static void forget_all(void)
{
    streams_end_context(NULL, true);
}

KEEPER(KEEPER_STREAMS, forget_all, NULL)
