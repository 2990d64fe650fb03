#include "runtime/stream_need.h"

#include "call/violations.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "stream/stream.h"

static Stream *find_standard_locked(const void *context)
{
    Stream *stream = streams_first();

    while (stream != NULL && !(stream->standard && stream->context == context))
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
    const void *body = object_find(handle, KIND_STREAM, argument);
    if (body == NULL)
        return E_RT_HANDLE;
    *stream = stream_of_body(body);
    if ((*stream)->context == context_current())
        return E_NONE;
    violate(V_FOREIGN_STREAM, "%s %p belongs to context %p, current is %p", argument, handle,
            (*stream)->context, context_current());
    return E_RT_STREAM_CONTEXT;
}
