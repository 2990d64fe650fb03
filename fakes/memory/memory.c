#include "memory/memory.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/keepers.h"
#include "call/settings.h"
#include "call/tally.h"
#include "call/violations.h"
#include "memory/device_heaps.h"

DeviceHeaps device_heaps = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .epoch = 1,
    .ends = UINT64_MAX,
};

HELD_OVER_FORK(device_heaps.lock)

Heap *heap_of(uintptr_t address)
{
    int opened = atomic_load_explicit(&device_heaps.opened, memory_order_acquire);

    for (int i = 0; i < opened; i++) {
        Heap *device = &device_heaps.device[i];
        if (heap_has(device, address))
            return device;
    }
    return NULL;
}

int device_index(const void *address)
{
    const Heap *device = heap_of((uintptr_t)address);

    return device != NULL ? (int)(device - device_heaps.device) : -1;
}

const Arena *device_arena(const void *address)
{
    const Heap *device = heap_of((uintptr_t)address);

    return device != NULL ? &device->arena : NULL;
}

bool device_owns(const void *address)
{
    return heap_of((uintptr_t)address) != NULL;
}

uintptr_t heaps_take(int index, Allocation wanted)
{
    Heap *device = &device_heaps.device[index];
    size_t taken = wanted.taken;

    if (taken > settings.memory || taken > device_heaps.ends ||
        !heap_open(device, settings.memory) || device->taken > settings.memory - taken)
        return 0;
    if (atomic_load(&device_heaps.opened) <= index)
        atomic_store(&device_heaps.opened, index + 1);
    wanted.made = call_origin();
    uintptr_t start = heap_take(device, wanted);
    if (start != 0 && device_heaps.ends != UINT64_MAX)
        device_heaps.ends -= taken;
    return start;
}

/* Whole pages lie alone on pages of the system, which can be lent then. */
void *device_alloc(int device, size_t size, size_t taken, uint32_t page, Owner owner)
{
    Allocation wanted = {.size = size, .taken = taken, .span = taken, .page = page, .owner = owner};

    if (size % PAGE_NORMAL == 0)
        wanted.step = (size_t)sysconf(_SC_PAGESIZE);
    pthread_mutex_lock(&device_heaps.lock);
    uintptr_t start = heaps_take(device, wanted);
    pthread_mutex_unlock(&device_heaps.lock);
    if (start == 0)
        return NULL;
    if (owner != OWNER_LIBRARY)
        tally_made("device memory");
    arena_fill(&device_heaps.device[device].arena, start, size);
    return (void *)start;
}

void heaps_give(Heap *device, Allocation *dead)
{
    freed_add(&device_heaps.freed, dead->start, dead->size, dead->made);
    heap_give(device, dead);
    atomic_fetch_add(&device_heaps.epoch, 1);
}

static const char *history_locked(uintptr_t address, char *text)
{
    static const Origin alive;
    Heap *device = heap_of(address);
    const Allocation *found = device == NULL ? NULL : heap_find(device, address);
    const FreedRange *freed = freed_at(&device_heaps.freed, address);

    if (found != NULL)
        return history_text(found->made, alive, text);
    if (freed != NULL)
        return history_text(freed->made, freed->freed, text);
    return strcpy(text, "never made");
}

const char *device_history(const void *address, char *text)
{
    pthread_mutex_lock(&device_heaps.lock);
    history_locked((uintptr_t)address, text);
    pthread_mutex_unlock(&device_heaps.lock);
    return text;
}

/* Memory of the user's whose kind has another function that frees it. */
static int complain_kind(uintptr_t address, const Allocation *found, const char *history)
{
    return violate(V_WRONG_FREE, "devPtr %p, which %s gives back, %s", (void *)address,
                   found->owner == OWNER_MEDIA ? "acldvppFree" : "aclrtFree", history);
}

static int complain_free(uintptr_t address, const Allocation *around)
{
    const FreedRange *freed = freed_at(&device_heaps.freed, address);
    char text[HISTORY_SIZE];

    history_locked(address, text);
    if (around != NULL && around->owner == OWNER_LIBRARY)
        return violate(V_LIBRARY_MEMORY, "devPtr %p, %s", (void *)address, text);
    if (around != NULL && around->owner == OWNER_IMPORT)
        return violate(V_IMPORTED_MEMORY, "devPtr %p, %s", (void *)address, text);
    if (around != NULL && around->start == address)
        return complain_kind(address, around, text);
    if (around != NULL)
        return violate(V_INTERIOR_FREE, "devPtr %p, %zu bytes into %p, %s", (void *)address,
                       address - around->start, (void *)around->start, text);
    if (freed != NULL)
        return violate(V_DOUBLE_FREE, "devPtr %p, %s", (void *)address, text);
    return violate(V_UNKNOWN_ADDRESS, "devPtr %p", (void *)address);
}

static int free_locked(uintptr_t address, Owner owner)
{
    Heap *device = heap_of(address);
    Allocation *found = device == NULL ? NULL : heap_find(device, address);

    if (found == NULL || found->start != address || found->owner != owner)
        return complain_free(address, found);
    heaps_give(device, found);
    return E_NONE;
}

int device_free(void *address, Owner owner)
{
    pthread_mutex_lock(&device_heaps.lock);
    int status = free_locked((uintptr_t)address, owner);
    pthread_mutex_unlock(&device_heaps.lock);
    return status;
}

void device_release(void *address)
{
    if (address == NULL)
        return;
    pthread_mutex_lock(&device_heaps.lock);
    free_locked((uintptr_t)address, OWNER_LIBRARY);
    pthread_mutex_unlock(&device_heaps.lock);
}

bool device_was_freed(const void *address)
{
    pthread_mutex_lock(&device_heaps.lock);
    bool freed = freed_at(&device_heaps.freed, (uintptr_t)address) != NULL;
    pthread_mutex_unlock(&device_heaps.lock);
    return freed;
}

bool device_find(const void *address, DeviceRange *range)
{
    pthread_mutex_lock(&device_heaps.lock);
    Heap *device = heap_of((uintptr_t)address);
    const Allocation *found = device == NULL ? NULL : heap_find(device, (uintptr_t)address);
    if (found != NULL)
        *range = (DeviceRange){found->start, found->size, arena_bytes(&device->arena, found->start),
                               found->page, found->owner};
    pthread_mutex_unlock(&device_heaps.lock);
    return found != NULL;
}

unsigned device_memory_epoch(void)
{
    return atomic_load_explicit(&device_heaps.epoch, memory_order_acquire);
}

size_t device_memory_free(int device)
{
    pthread_mutex_lock(&device_heaps.lock);
    size_t taken = device_heaps.device[device].taken;
    pthread_mutex_unlock(&device_heaps.lock);
    return taken < settings.memory ? settings.memory - taken : 0;
}

static void list_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&device_heaps.lock);
    for (int i = 0; i < device_heaps.opened; i++)
        heap_live(&device_heaps.device[i], visit, to);
    pthread_mutex_unlock(&device_heaps.lock);
}

static void forget_all(void)
{
    for (int i = 0; i < device_heaps.opened; i++)
        heap_close(&device_heaps.device[i]);
    atomic_store(&device_heaps.opened, 0);
    freed_clear(&device_heaps.freed);
    atomic_fetch_add(&device_heaps.epoch, 1);
}

KEEPER(KEEPER_DEVICE_MEMORY, forget_all, list_live)
