/*
 * execution_queue: executions on streams.
 *
 * What can be refused is refused at the call: it looks at all arguments as
 * the run would. The run itself, on the stream's worker, has snapshots of
 * the datasets; what goes wrong there comes out of the synchronisation.
 */
#ifndef FAKE_EXECUTION_QUEUE_H
#define FAKE_EXECUTION_QUEUE_H

#include "run/execution.h"
#include "stream/stream.h"

/*
 * Queues an execution on a stream: 0, or what is wrong with its arguments,
 * or with the order in which it would run.
 */
int execution_queue(const Wanted *wanted, const Run *run, Stream *stream);

#endif
