/*
 * stream_wait: the host waits for streams, and takes what failed on them.
 */
#include <stdlib.h>

#include "base/now.h"
#include "call/message.h"
#include "stream/order.h"
#include "stream/stream.h"

/* The failure of a stream, as this thread's message and result. */
static int take_failure(Stream *stream)
{
    int status = stream->failure;

    if (status == E_NONE)
        return E_NONE;
    refuse(status, "a task failed: %s", stream->failure_text != NULL ? stream->failure_text : "");
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
    while (stream_first_seq(stream) <= target && !stream->stopping && streams_await(until))
        continue;
    if (stream->stopping)
        status = refuse(E_RT_STREAM_ABORT, "the stream was ended");
    else if (stream_first_seq(stream) <= target)
        status = refuse(E_RT_STREAM_TIMEOUT,
                        "the stream is not done after "
                        "%d ms",
                        timeout_ms);
    else
        status = seen(stream, target);
    streams_unlock();
    return status;
}

static bool device_done(int device, uint64_t target)
{
    const Stream *stream = streams_first();

    for (; stream != NULL; stream = stream->next)
        if (stream->device == device && !stream->stopping && stream_first_seq(stream) <= target)
            return false;
    return true;
}

static int seen_device(int device, uint64_t target)
{
    int first = E_NONE;
    Stream *stream = streams_first();

    for (; stream != NULL; stream = stream->next) {
        int status = stream->device == device ? seen(stream, target) : E_NONE;
        first = first != E_NONE ? first : status;
    }
    return first;
}

int streams_wait_device(int device, int32_t timeout_ms)
{
    uint64_t until = deadline_of(timeout_ms);

    streams_lock();
    uint64_t target = streams_last_seq();
    while (!device_done(device, target) && streams_await(until))
        continue;
    int status = device_done(device, target) ? seen_device(device, target)
                                             : refuse(E_RT_STREAM_TIMEOUT,
                                                      "device %d is not done "
                                                      "after %d ms",
                                                      device, timeout_ms);
    streams_unlock();
    return status;
}
