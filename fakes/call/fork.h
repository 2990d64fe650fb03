/*
 * fork: what a forked process may still do with this library.
 *
 * A device belongs to the process that opened it: its streams' threads, its
 * memory and its contexts are not in a fork. So a fork may use this library
 * only when its parent had not begun: no aclInit and no device so far. That
 * what aclInit began outlives aclFinalize (the runtime's threads, the content
 * of the configuration) is why aclFinalize does not take it back.
 *
 * A fork takes all locks first (base/locks.h). Where a lock is not free within
 * a second, the fork is refused, too, and may not even read.
 */
#ifndef FAKE_FORK_H
#define FAKE_FORK_H

#include <stdbool.h>

/* The running call has begun to use a device, or the whole of the library. */
void fork_begun(void);

/* Is this process a fork that may not use this library? */
bool fork_refused(void);

/* Is this process a fork whose locks may be held for ever? */
bool fork_is_torn(void);

/* Leaves the text of that refusal and returns its status. */
int fork_refuse(void);

/* Lets fork() do all this. */
void fork_watch(void);

#endif
