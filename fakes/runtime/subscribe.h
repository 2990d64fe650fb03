/*
 * subscribe: the threads that make the calls of streams.
 *
 * A thread is subscribed to streams. What one of them wants to be called is
 * left as a report, which the thread takes inside aclrtProcessReport().
 */
#ifndef FAKE_SUBSCRIBE_H
#define FAKE_SUBSCRIBE_H

#include "base/acl.h"
#include "runtime/stream.h"

/*
 * Hands a call to the thread that is subscribed to a stream; blocks until it
 * was made, or the stream ends, if told to. 0, or that there is no thread or
 * no memory. The streams' lock is held.
 */
int report_hand(Stream *stream, aclrtCallback function, void *argument,
                bool blocks);

/*
 * Hands that thread the failure of a task that was to call it, so that it
 * does not wait for ever. The streams' lock is held.
 */
void report_failure(Stream *stream, int status);

/* Forgets the reports of a stream that ends. The streams' lock is held. */
void callbacks_forget(const Stream *stream);

#endif
