#include "runtime/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "call/fork.h"
#include "call/message.h"
#include "call/trace.h"
#include "call/violations.h"
#include "runtime/device.h"
#include "runtime/objects.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t progress;
    pthread_condattr_t monotonic;
    Stream *open;
    uint64_t serial;
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

static Stream *find_standard_locked(const void *context)
{
    Stream *stream = state.open;

    while (stream != NULL &&
           !(stream->standard && stream->context == context))
        stream = stream->next;
    return stream;
}

static Stream *find_standard(const void *context)
{
    streams_lock();
    Stream *stream = find_standard_locked(context);
    streams_unlock();
    return stream;
}

/* Two threads may make one at once: the first to come here has made it. */
static Stream *agree_on_standard(Stream *made)
{
    streams_lock();
    Stream *standard = find_standard_locked(made->context);
    made->standard = standard == NULL;
    streams_unlock();
    if (standard == NULL)
        return made;
    object_kill(made->handle);
    stream_end(made);           /* the object holds it */
    return standard;
}

static int need_standard(Stream **stream)
{
    const void *context = context_current();

    *stream = find_standard(context);
    if (*stream != NULL)
        return E_NONE;
    Stream *made = stream_open(context, context_device());
    if (made != NULL && stream_publish(made, context) != NULL)
        *stream = agree_on_standard(made);
    else if (made != NULL)
        stream_close(made);
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
