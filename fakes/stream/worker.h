/*
 * worker: the thread of a stream.
 *
 * The worker runs one task after the other, in the name of the call that
 * queued it. Before the task does anything the worker sleeps what
 * aclfakeLatency() asked of that call: a program that does not wait sees that
 * nothing happened yet. When a task fails the worker tells the exception
 * callbacks.
 */
#ifndef FAKE_WORKER_H
#define FAKE_WORKER_H

#include "stream/stream.h"

/* Starts the worker of a stream: 0, or 207008. The lock is held. */
int worker_start(Stream *stream);

#endif
