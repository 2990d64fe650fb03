/*
 * worker: the thread of a stream.
 *
 * It runs one task after the other as the call that queued it, sleeps what
 * aclfakeLatency() asked of that call before the task does anything (so that
 * who does not wait sees that nothing happened yet), and tells the exception
 * callbacks when a task fails.
 */
#ifndef FAKE_WORKER_H
#define FAKE_WORKER_H

#include "stream/stream.h"

/* Starts the worker of a stream: 0, or 207008. The lock is held. */
int worker_start(Stream *stream);

#endif
