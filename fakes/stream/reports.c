#include "stream/reports.h"

#include <stdlib.h>

#include "call/message.h"

/* Guarded by the streams' lock. */
static struct {
    Report *first;
    Report *last;
} state;

static void append(Report *report)
{
    if (state.last != NULL)
        state.last->next = report;
    else
        state.first = report;
    state.last = report;
}

/* Takes out the first report that fits, or NULL. */
static Report *take(const Stream *stream, uint64_t thread)
{
    Report *before = NULL;
    Report *report = state.first;

    while (report != NULL &&
           (stream != NULL ? report->stream != stream : report->thread != thread)) {
        before = report;
        report = report->next;
    }
    if (report == NULL)
        return NULL;
    if (before != NULL)
        before->next = report->next;
    else
        state.first = report->next;
    if (state.last == report)
        state.last = before;
    return report;
}

/* Hands a report to the thread that a stream has; NULL after a message. */
static Report *hand(Stream *stream, Report filled)
{
    Report *report = malloc(sizeof *report);

    if (report == NULL || !stream->subscribed) {
        refuse(E_RT_INTERNAL,
               report == NULL ? "no memory for a report" : "no thread is subscribed any more");
        free(report);
        return NULL;
    }
    *report = filled;
    report->stream = stream;
    report->thread = stream->subscriber;
    stream_hold(stream);
    append(report);
    streams_signal();
    return report;
}

void report_failure(Stream *stream, int status)
{
    if (!stream->stopping)
        hand(stream, (Report){.status = status});
}

int report_hand(Stream *stream, aclrtCallback function, void *argument, bool blocks)
{
    bool done = false;

    if (stream->stopping)       /* and its reports are forgotten already */
        return E_NONE;
    Report *report =
        hand(stream,
             (Report){.function = function, .argument = argument, .done = blocks ? &done : NULL});
    if (report == NULL)
        return E_RT_INTERNAL;
    while (blocks && !done && !stream->stopping)
        streams_await(0);
    if (blocks && !done)
        report->done = NULL;
    return E_NONE;
}

Report *report_take(uint64_t thread)
{
    return take(NULL, thread);
}

void reports_forget(const Stream *stream)
{
    Report *report;

    while ((report = take(stream, 0)) != NULL) {
        if (report->done != NULL)
            *report->done = true;
        stream_release(report->stream);
        free(report);
    }
}
