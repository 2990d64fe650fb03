#include "stream/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/locks.h"
#include "call/message.h"
#include "memory/objects.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t progress;
    pthread_condattr_t monotonic;
    Stream *open;
    uint64_t serial;
    uint64_t seq;               /* of the last task */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

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

/* Tasks that are over go now that the lock is free: see task_free(). */
void streams_unlock(void)
{
    Task *over = tasks_over();

    pthread_mutex_unlock(&state.lock);
    tasks_release(over);
}

pthread_mutex_t *streams_mutex(void)
{
    return &state.lock;
}

void streams_signal(void)
{
    pthread_cond_broadcast(&state.progress);
}

bool streams_await(uint64_t until)
{
    struct timespec at = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};

    if (until == 0)
        return pthread_cond_wait(&state.progress, &state.lock) == 0;
    return pthread_cond_timedwait(&state.progress, &state.lock, &at) != ETIMEDOUT;
}

Stream *stream_open(const void *context, int device)
{
    Stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL) {
        refuse(E_BAD_ALLOC, "no memory for a stream");
        return NULL;
    }
    *stream = (Stream){.references = 1, .context = context, .device = device};
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
typedef struct StreamBody {
    Stream *stream;
} StreamBody;

/* An object is freed long after its death, or at the end of everything. */
static void body_release(void *body)
{
    streams_lock();
    stream_release(((StreamBody *)body)->stream);
    streams_unlock();
}

Stream *stream_of_body(const void *body)
{
    return ((const StreamBody *)body)->stream;
}

aclrtStream stream_publish(Stream *stream, const void *owner)
{
    void *handle = NULL;
    StreamBody *body = object_new(KIND_STREAM, sizeof *body, body_release, owner, &handle);

    if (body == NULL) {
        refuse(E_BAD_ALLOC, "no memory for a stream");
        return NULL;
    }
    body->stream = stream;
    stream->handle = handle;
    return handle;
}

void streams_each(void (*act)(Stream *stream, void *to), void *to)
{
    for (Stream *stream = state.open; stream != NULL; stream = stream->next)
        act(stream, to);
}

Stream *streams_first(void)
{
    return state.open;
}

bool stream_unlist(Stream *stream)
{
    Stream **at = &state.open;

    while (*at != NULL && *at != stream)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = stream->next;
    return true;
}

bool stream_idle(const Stream *stream)
{
    return stream->running == NULL && stream->waiting.first == NULL;
}

uint64_t stream_first_seq(const Stream *stream)
{
    if (stream->running != NULL)
        return stream->running->seq;
    return stream->waiting.first != NULL ? stream->waiting.first->seq : UINT64_MAX;
}

uint64_t streams_next_seq(void)
{
    return ++state.seq;
}

uint64_t streams_last_seq(void)
{
    return state.seq;
}
