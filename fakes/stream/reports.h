/*
 * reports: the calls that streams left for subscribed threads.
 *
 * Guarded by the streams' lock.
 */
#ifndef FAKE_REPORTS_H
#define FAKE_REPORTS_H

#include "base/acl.h"
#include "stream/stream.h"

/* One call that a subscribed thread shall make. */
typedef struct Report {
    struct Report *next;
    Stream *stream;             /* held; NULL: it ended */
    uint64_t thread;
    aclrtCallback function;     /* NULL: the task failed before the call */
    void *argument;
    int status;                 /* it failed with */
    bool *done;                 /* of a worker that waits; NULL: none does */
} Report;

/*
 * Hands a call to the thread that is subscribed to a stream; blocks until it
 * was made, or the stream ends, if told to. 0, or that there is no thread or
 * no memory.
 */
int report_hand(Stream *stream, aclrtCallback function, void *argument, bool blocks);

/*
 * Hands that thread the failure of a task that was to call it, so that it
 * does not wait for ever.
 */
void report_failure(Stream *stream, int status);

/* Takes out the first report for a thread; the caller frees it. Or NULL. */
Report *report_take(uint64_t thread);

/* Forgets the reports of a stream that ends. */
void reports_forget(const Stream *stream);

#endif
