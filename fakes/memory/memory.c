#include "memory/memory.h"

#include <pthread.h>
#include <string.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/keepers.h"
#include "call/settings.h"
#include "call/tally.h"
#include "call/violations.h"
#include "memory/freed.h"
#include "memory/heap.h"

#define MEMORY_MAX (UINT64_C(1) << 40)

static struct {
    pthread_mutex_t lock;
    Heap device[DEVICES_MAX];
    atomic_int opened;          /* devices beyond have no arena yet */
    Freed freed;
    atomic_uint epoch;          /* of the threads' caches */
    uint64_t ends;              /* bytes yet to be given; UINT64_MAX: all */
} state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .epoch = 1,
    .ends = UINT64_MAX,
};

HELD_OVER_FORK(state.lock)

static Heap *device_of(uintptr_t address)
{
    int opened = atomic_load_explicit(&state.opened, memory_order_acquire);

    for (int i = 0; i < opened; i++) {
        Heap *device = &state.device[i];
        if (heap_has(device, address))
            return device;
    }
    return NULL;
}

int device_index(const void *address)
{
    const Heap *device = device_of((uintptr_t)address);

    return device != NULL ? (int)(device - state.device) : -1;
}

const Arena *device_arena(const void *address)
{
    const Heap *device = device_of((uintptr_t)address);

    return device != NULL ? &device->arena : NULL;
}

bool device_owns(const void *address)
{
    return device_of((uintptr_t)address) != NULL;
}

static uintptr_t allocate_locked(int index, size_t size, size_t taken, Owner owner)
{
    Heap *device = &state.device[index];

    if (taken > settings.memory || taken > state.ends || !heap_open(device, settings.memory) ||
        device->taken > settings.memory - taken)
        return 0;
    if (atomic_load(&state.opened) <= index)
        atomic_store(&state.opened, index + 1);
    uintptr_t start = heap_take(device, (Allocation){0, size, taken, owner, call_origin()});
    if (start != 0 && state.ends != UINT64_MAX)
        state.ends -= taken;
    return start;
}

void *device_alloc(int device, size_t size, size_t taken, Owner owner)
{
    pthread_mutex_lock(&state.lock);
    uintptr_t start = allocate_locked(device, size, taken, owner);
    pthread_mutex_unlock(&state.lock);
    if (start == 0)
        return NULL;
    if (owner == OWNER_USER)
        tally_made("device memory");
    arena_fill(&state.device[device].arena, start, size);
    return (void *)start;
}

static void forget(Heap *device, Allocation *dead)
{
    freed_add(&state.freed, dead->start, dead->size, dead->made);
    heap_give(device, dead);
    atomic_fetch_add(&state.epoch, 1);
}

static const char *history_locked(uintptr_t address, char *text)
{
    static const Origin alive;
    Heap *device = device_of(address);
    const Allocation *found = device == NULL ? NULL : heap_find(device, address);
    const FreedRange *freed = freed_at(&state.freed, address);

    if (found != NULL)
        return history_text(found->made, alive, text);
    if (freed != NULL)
        return history_text(freed->made, freed->freed, text);
    return strcpy(text, "never made");
}

const char *device_history(const void *address, char *text)
{
    pthread_mutex_lock(&state.lock);
    history_locked((uintptr_t)address, text);
    pthread_mutex_unlock(&state.lock);
    return text;
}

static int complain_free(uintptr_t address, const Allocation *around)
{
    const FreedRange *freed = freed_at(&state.freed, address);
    char text[HISTORY_SIZE];

    history_locked(address, text);
    if (around != NULL && around->owner == OWNER_LIBRARY)
        return violate(V_LIBRARY_MEMORY, "devPtr %p, %s", (void *)address, text);
    if (around != NULL)
        return violate(V_INTERIOR_FREE, "devPtr %p, %zu bytes into %p, %s", (void *)address,
                       address - around->start, (void *)around->start, text);
    if (freed != NULL)
        return violate(V_DOUBLE_FREE, "devPtr %p, %s", (void *)address, text);
    return violate(V_UNKNOWN_ADDRESS, "devPtr %p", (void *)address);
}

static int free_locked(uintptr_t address, Owner owner)
{
    Heap *device = device_of(address);
    Allocation *found = device == NULL ? NULL : heap_find(device, address);

    if (found == NULL || found->start != address || found->owner != owner)
        return complain_free(address, found);
    forget(device, found);
    return E_NONE;
}

int device_free(void *address)
{
    pthread_mutex_lock(&state.lock);
    int status = free_locked((uintptr_t)address, OWNER_USER);
    pthread_mutex_unlock(&state.lock);
    return status;
}

void device_release(void *address)
{
    if (address == NULL)
        return;
    pthread_mutex_lock(&state.lock);
    free_locked((uintptr_t)address, OWNER_LIBRARY);
    pthread_mutex_unlock(&state.lock);
}

int device_complain(const void *address, const char *argument)
{
    char text[HISTORY_SIZE];

    pthread_mutex_lock(&state.lock);
    bool was_freed = freed_at(&state.freed, (uintptr_t)address) != NULL;
    history_locked((uintptr_t)address, text);
    pthread_mutex_unlock(&state.lock);
    if (!device_owns(address))
        return violate(V_NOT_DEVICE_MEMORY, "%s %p", argument, address);
    if (was_freed)
        return violate(V_FREED_MEMORY, "%s %p, %s", argument, address, text);
    return violate(V_UNKNOWN_ADDRESS, "%s %p", argument, address);
}

bool device_find(const void *address, DeviceRange *range)
{
    pthread_mutex_lock(&state.lock);
    Heap *device = device_of((uintptr_t)address);
    const Allocation *found = device == NULL ? NULL : heap_find(device, (uintptr_t)address);
    if (found != NULL)
        *range =
            (DeviceRange){found->start, found->size, arena_bytes(&device->arena, found->start)};
    pthread_mutex_unlock(&state.lock);
    return found != NULL;
}

unsigned device_memory_epoch(void)
{
    return atomic_load_explicit(&state.epoch, memory_order_acquire);
}

size_t device_memory_free(int device)
{
    pthread_mutex_lock(&state.lock);
    size_t taken = state.device[device].taken;
    pthread_mutex_unlock(&state.lock);
    return taken < settings.memory ? settings.memory - taken : 0;
}

/*
 * May the devices have so much memory from now on? Not more than they were
 * born with while any of it is in use.
 */
static bool resize(uint64_t memory)
{
    bool possible = true;

    pthread_mutex_lock(&state.lock);
    for (int i = 0; i < state.opened; i++) {
        Heap *device = &state.device[i];
        if (!atomic_load(&device->open) || memory <= device->born_with)
            continue;
        if (device->all.count == 0)
            heap_close(device);
        else
            possible = false;
    }
    pthread_mutex_unlock(&state.lock);
    return possible;
}

static const char *set_memory(const char *value)
{
    uint64_t number;

    if (!setting_number(value, 1, MEMORY_MAX, &number))
        return "a number of bytes from 1 to 1 TiB";
    if (!resize(number))
        return "not more memory than the devices were born with, while it is "
               "in use";
    settings.memory = number;
    return NULL;
}

SETTING(SETTING_MEMORY, "memory", set_memory, NULL)

/* Every allocation fails once the devices have given so many bytes more. */
static const char *set_memory_ends(const char *value)
{
    uint64_t number = UINT64_MAX;

    if (strcmp(value, "never") != 0 && !setting_number(value, 0, MEMORY_MAX, &number))
        return "a number of bytes up to 1 TiB, or never";
    pthread_mutex_lock(&state.lock);
    state.ends = number;
    pthread_mutex_unlock(&state.lock);
    return NULL;
}

SETTING(SETTING_MEMORY_ENDS, "memory_ends", set_memory_ends, "never")

static void list_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&state.lock);
    for (int i = 0; i < state.opened; i++)
        heap_live(&state.device[i], visit, to);
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    for (int i = 0; i < state.opened; i++)
        heap_close(&state.device[i]);
    atomic_store(&state.opened, 0);
    freed_clear(&state.freed);
    atomic_fetch_add(&state.epoch, 1);
}

KEEPER(KEEPER_DEVICE_MEMORY, forget_all, list_live)
