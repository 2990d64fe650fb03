/*
 * locks: the locks of this library, which a fork takes and gives back.
 *
 * A fork copies every lock as it stands, and the thread that would give it
 * back is not there. So a fork takes all locks first, and both processes give
 * them back: no state is copied half changed (call/fork.h).
 *
 *     static struct { pthread_mutex_t lock; ... } state = {...};
 *     HELD_OVER_FORK(state.lock)
 */
#ifndef FAKE_LOCKS_H
#define FAKE_LOCKS_H

#include <pthread.h>
#include <stdbool.h>

/* Names a lock of the file it stands in; every static lock needs that. */
#define HELD_OVER_FORK(lock) HELD_OVER_FORK_AT(lock, __LINE__)
#define HELD_OVER_FORK_AT(lock, line) HELD_OVER_FORK_AS(lock, line)
#define HELD_OVER_FORK_AS(lock, line) \
    __attribute__((constructor)) static void hold_##line(void) \
    { \
        locks_add(&(lock)); \
    }

/* What the macro calls. */
void locks_add(pthread_mutex_t *lock);

/* Takes all locks, or none: false when one is not free. */
bool locks_take(void);

/* Gives all back that locks_take() took. */
void locks_give_back(void);

#endif
