#include "memory/written.h"

#include <pthread.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/settings.h"
#include "memory/memory.h"

static struct {
    pthread_mutex_t lock;
    Watch *first;
    atomic_int count;           /* read without the lock: mostly none */
    atomic_uint unwritten;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void watch_begin(Watch *watch)
{
    pthread_mutex_lock(&state.lock);
    watch->next = state.first;
    state.first = watch;
    atomic_fetch_add(&state.count, 1);
    pthread_mutex_unlock(&state.lock);
}

void watch_end(Watch *watch)
{
    Watch **link = &state.first;

    pthread_mutex_lock(&state.lock);
    while (*link != NULL && *link != watch)
        link = &(*link)->next;
    if (*link == watch) {
        *link = watch->next;
        atomic_fetch_sub(&state.count, 1);
    }
    pthread_mutex_unlock(&state.lock);
}

static void tell(uintptr_t start, size_t size)
{
    pthread_mutex_lock(&state.lock);
    for (Watch *watch = state.first; watch != NULL; watch = watch->next)
        if (start < watch->start + watch->size && watch->start < start + size)
            atomic_store(watch->written, true);
    pthread_mutex_unlock(&state.lock);
}

void device_written(const void *address, size_t size)
{
    const Arena *arena = device_arena(address);

    if (arena == NULL || size == 0)
        return;
    arena_mark(arena, (uintptr_t)address, size);
    if (atomic_load(&state.count) > 0)
        tell((uintptr_t)address, size);
}

void device_copied(const void *dst, const void *src, size_t size)
{
    const Arena *to = device_arena(dst);
    const Arena *from = device_arena(src);

    if (to == NULL || from == NULL || size == 0 || arena_is_marked(from, (uintptr_t)src, size)) {
        device_written(dst, size);
        return;
    }
    if (!arena_copy_marks(to, (uintptr_t)dst, from, (uintptr_t)src, size))
        atomic_fetch_add(&state.unwritten, 1);
    if (atomic_load(&state.count) > 0)
        tell((uintptr_t)dst, size);
}

unsigned device_unwritten_epoch(void)
{
    return atomic_load(&state.unwritten);
}

bool device_is_written(const void *address, size_t size)
{
    const Arena *arena = device_arena(address);

    return arena == NULL || settings.run_mode == ACL_DEVICE ||
           arena_is_marked(arena, (uintptr_t)address, size);
}
