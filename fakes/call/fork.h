/*
 * fork: what a forked process may still do with this library.
 *
 * A device belongs to the process that opened it: its streams' threads, its
 * memory and its contexts are not in a fork. So a fork may use this library
 * only when its parent had not begun: no aclInit and no device so far. That
 * what aclInit began outlives aclFinalize (the runtime's threads, the content
 * of the configuration) is why aclFinalize does not take it back.
 *
 * A fork copies every lock as it stands, and the thread that would give it
 * back is not there. So whoever forks takes all locks first, and both sides
 * give them back: no state is copied half changed. Where one is not to be
 * had within a second, the fork is refused, too, and may not even read.
 *
 *     static struct { pthread_mutex_t lock; ... } state = {...};
 *     HELD_OVER_FORK(state.lock)
 */
#ifndef FAKE_FORK_H
#define FAKE_FORK_H

#include <pthread.h>
#include <stdbool.h>

/* Names a lock of the file it stands in; every static lock needs that. */
#define HELD_OVER_FORK(lock) HELD_OVER_FORK_AT(lock, __LINE__)
#define HELD_OVER_FORK_AT(lock, line) HELD_OVER_FORK_AS(lock, line)
#define HELD_OVER_FORK_AS(lock, line) \
    __attribute__((constructor)) static void hold_ ## line(void) \
    { \
        fork_holds(&(lock)); \
    }

/* What the macro calls. */
void fork_holds(pthread_mutex_t *lock);

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

/* Nothing has begun. Not for a fork that is refused. */
void fork_reset(void);

#endif
