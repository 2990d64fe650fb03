#include "base/locks.h"

#include <stddef.h>

enum { LOCKS_MAX = 64 };

static pthread_mutex_t *locks[LOCKS_MAX];
static size_t count;

/* Runs in constructors, on one thread. */
void locks_add(pthread_mutex_t *lock)
{
    if (count == LOCKS_MAX)
        __builtin_trap();       /* the first test would end here */
    locks[count++] = lock;
}

static void give_back(size_t taken)
{
    while (taken > 0)
        pthread_mutex_unlock(locks[--taken]);
}

/* A lock that is not free ends the attempt: so locks need no order here. */
bool locks_take(void)
{
    for (size_t i = 0; i < count; i++)
        if (pthread_mutex_trylock(locks[i]) != 0) {
            give_back(i);
            return false;
        }
    return true;
}

void locks_give_back(void)
{
    give_back(count);
}
