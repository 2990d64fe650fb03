#include "memory/host_owners.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/locks.h"
#include "call/keepers.h"
#include "call/violations.h"

typedef struct Ownerless {
    uintptr_t start;
    size_t size;
} Ownerless;

static struct {
    pthread_mutex_t lock;
    Ownerless *range;
    size_t count;
    size_t room;
    atomic_size_t there;        /* count, to be read without the lock */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static bool meets(const Ownerless *range, uintptr_t start, size_t size)
{
    return range->start < start + size && start < range->start + range->size;
}

/* Forgets what meets a range. The lock is held. */
static void forget(uintptr_t start, size_t size)
{
    size_t kept = 0;

    for (size_t i = 0; i < state.count; i++)
        if (!meets(&state.range[i], start, size))
            state.range[kept++] = state.range[i];
    state.count = kept;
}

static bool grow(void)
{
    size_t room = state.room == 0 ? 16 : state.room * 2;
    Ownerless *range = realloc(state.range, room * sizeof *range);

    if (range == NULL)
        return false;
    state.range = range;
    state.room = room;
    return true;
}

bool host_set_owned(const void *address, size_t size, bool owned)
{
    uintptr_t start = (uintptr_t)address;
    bool kept = true;

    if (size > UINTPTR_MAX - start)
        size = UINTPTR_MAX - start;
    pthread_mutex_lock(&state.lock);
    forget(start, size);
    if (!owned && size > 0) {
        kept = state.count < state.room || grow();
        if (kept)
            state.range[state.count++] = (Ownerless){start, size};
    }
    atomic_store(&state.there, state.count);
    pthread_mutex_unlock(&state.lock);
    return kept;
}

void host_check_owner(const void *address, const char *argument)
{
    Ownerless found = {0};

    if (atomic_load_explicit(&state.there, memory_order_relaxed) == 0)
        return;
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        if (meets(&state.range[i], (uintptr_t)address, 1))
            found = state.range[i];
    pthread_mutex_unlock(&state.lock);
    if (found.size > 0)
        violate_mildly(V_OWNER_GONE, "%s %p, in %zu bytes at %p", argument, address, found.size,
                       (void *)found.start);
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    free(state.range);
    state.range = NULL;
    state.count = 0;
    state.room = 0;
    atomic_store(&state.there, 0);
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_HOST_OWNERS, forget_all, NULL)
