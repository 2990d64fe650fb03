/*
 * pipe: records of operators on their way into the program's pipes.
 *
 * A thread of the profiler's own writes them, so that a run never waits for
 * whoever reads. Each write has whole records and is one piece in the pipe.
 */
#ifndef FAKE_PROFILE_PIPE_H
#define FAKE_PROFILE_PIPE_H

#include "profile/op_desc.h"

/* Queues a record for a descriptor; it is lost where memory is short. */
void pipe_queue(int fd, const OpDesc *desc);

/*
 * Waits until all that was queued for a descriptor is in its pipe. False: the
 * reader took nothing for some seconds, or is gone; the rest is dropped.
 */
bool pipe_flush(int fd);

/* Starts the thread; false after a message. */
bool pipe_begin(void);

/* Drops all that is queued. */
void pipe_forget(void);

#endif
