/*
 * lock_order: proves that the fake's locks are taken in one order.
 *
 *     cc -include tests/soak/lock_order.h fakes/... tests/soak/lock_order.c
 *
 * Put before a file, this header turns its pthread calls into recorded ones;
 * a build without it has none of this. Each thread keeps what it holds, and
 * every acquisition under another lock is an edge of one graph for all. The
 * program ends with SIGABRT, and both chains of file and line on stderr, as
 * soon as
 *
 *     an edge closes a cycle, whether or not two threads met in it this time;
 *     a thread takes what it holds already;
 *     a thread waits for a condition, or for another thread's end, while it
 *     holds a lock that this wait does not give back.
 *
 * What never blocks (pthread_mutex_trylock) is no edge. A lock is known by
 * its address: this is for locks that live as long as the program, as all of
 * the fake's do.
 */
#ifndef LOCK_ORDER_H
#define LOCK_ORDER_H

#include <pthread.h>
#include <time.h>

int lock_order_lock(pthread_mutex_t *mutex, const char *file, int line);
int lock_order_trylock(pthread_mutex_t *mutex, const char *file, int line);
int lock_order_unlock(pthread_mutex_t *mutex);
int lock_order_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                    const struct timespec *until, const char *file, int line);
int lock_order_join(pthread_t thread, void **result, const char *file,
                    int line);

/* Ends the program when this thread holds a lock: for callbacks. */
void lock_order_none(const char *what);

#define pthread_mutex_lock(mutex) lock_order_lock(mutex, __FILE__, __LINE__)
#define pthread_mutex_trylock(mutex) \
    lock_order_trylock(mutex, __FILE__, __LINE__)
#define pthread_mutex_unlock(mutex) lock_order_unlock(mutex)
#define pthread_cond_wait(cond, mutex) \
    lock_order_wait(cond, mutex, NULL, __FILE__, __LINE__)
#define pthread_cond_timedwait(cond, mutex, until) \
    lock_order_wait(cond, mutex, until, __FILE__, __LINE__)
#define pthread_join(thread, result) \
    lock_order_join(thread, result, __FILE__, __LINE__)

#endif
