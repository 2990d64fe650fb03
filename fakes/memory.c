#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "arena.h"
#include "graves.h"
#include "settings.h"
#include "tally.h"
#include "violations.h"

enum { CACHED = 16 };           /* allocations that a thread remembers */

typedef struct Device {
    atomic_bool open;           /* the arena may be read */
    Arena arena;
    uint64_t born_with;
    size_t taken;
    Allocations all;
} Device;

static struct {
    pthread_mutex_t lock;
    Device device[DEVICES_MAX];
    atomic_int opened;          /* devices beyond have no arena yet */
    Graves graves;
    atomic_uint epoch;          /* of the threads' caches */
    uint64_t ends;              /* bytes yet to be given; UINT64_MAX: all */
} state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .epoch = 1,
    .ends = UINT64_MAX,
};

static _Thread_local struct {
    unsigned epoch;
    struct {
        uintptr_t start;
        size_t size;
        unsigned char *bytes;
    } entry[CACHED];
} cache;

static Device *device_of(uintptr_t address)
{
    int opened = atomic_load_explicit(&state.opened, memory_order_acquire);

    for (int i = 0; i < opened; i++) {
        Device *device = &state.device[i];
        if (atomic_load_explicit(&device->open, memory_order_acquire) &&
            address - device->arena.base < device->arena.size)
            return device;
    }
    return NULL;
}

bool device_owns(const void *address)
{
    return device_of((uintptr_t)address) != NULL;
}

static bool device_open(int index)
{
    Device *device = &state.device[index];

    if (atomic_load(&device->open))
        return true;
    if (!arena_open(&device->arena, settings.memory))
        return false;
    device->born_with = settings.memory;
    atomic_store(&device->open, true);
    if (atomic_load(&state.opened) <= index)
        atomic_store(&state.opened, index + 1);
    return true;
}

/* Ends the arena of a device on which nothing is allocated any more. */
static void device_close(Device *device)
{
    atomic_store(&device->open, false);
    arena_close(&device->arena);
    free(device->all.list);
    device->all = (Allocations){0};
    device->taken = 0;
}

static uintptr_t allocate_locked(int index, size_t size, size_t taken,
                                 Owner owner)
{
    Device *device = &state.device[index];

    if (taken > settings.memory || taken > state.ends ||
        !device_open(index) ||
        device->taken > settings.memory - taken)
        return 0;
    arena_share(&device->arena, settings.run_mode == ACL_DEVICE);
    uintptr_t start = allocation_add(
        &device->all, device->arena.base, device->arena.size,
        (Allocation){0, size, taken, owner, call_origin()});
    if (start == 0)
        return 0;
    device->taken += taken;
    if (state.ends != UINT64_MAX)
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

/*
 * Gives back the pages that an allocation leaves empty: its own, and those it
 * shared with others that are dead already. All between two living ones is.
 */
static void give_back(const Device *device, const Allocation *dead)
{
    const Allocation *first = device->all.list;
    const Allocation *last = first + device->all.count - 1;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = dead->start / page * page;
    uintptr_t end = (dead->start + dead->taken + page - 1) / page * page;

    if (dead > first && dead[-1].start + dead[-1].taken > start)
        start = dead[-1].start + dead[-1].taken;
    if (dead < last && dead[1].start < end)
        end = dead[1].start;
    if (start < end)
        arena_punch(&device->arena, start, end - start);
}

static void bury(Device *device, Allocation *dead)
{
    grave_dig(&state.graves, dead->start, dead->size, dead->made);
    give_back(device, dead);
    device->taken -= dead->taken;
    allocation_remove(&device->all, dead);
    atomic_fetch_add(&state.epoch, 1);
}

static const char *history_locked(uintptr_t address, char *text)
{
    static const Origin alive;
    Device *device = device_of(address);
    const Allocation *found = device == NULL
                                  ? NULL
                                  : allocation_at(&device->all, address);
    const Grave *grave = grave_at(&state.graves, address);

    if (found != NULL)
        return history_text(found->made, alive, text);
    if (grave != NULL)
        return history_text(grave->made, grave->freed, text);
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
    const Grave *grave = grave_at(&state.graves, address);
    char text[HISTORY_SIZE];

    history_locked(address, text);
    if (around != NULL && around->owner == OWNER_LIBRARY)
        return violate(V_LIBRARY_MEMORY, "devPtr %p, %s", (void *)address,
                       text);
    if (around != NULL)
        return violate(V_INTERIOR_FREE, "devPtr %p, %zu bytes into %p, %s",
                       (void *)address, address - around->start,
                       (void *)around->start, text);
    if (grave != NULL)
        return violate(V_DOUBLE_FREE, "devPtr %p, %s", (void *)address, text);
    return violate(V_UNKNOWN_ADDRESS, "devPtr %p", (void *)address);
}

static int free_locked(uintptr_t address, Owner owner)
{
    Device *device = device_of(address);
    Allocation *found = device == NULL ? NULL
                                       : allocation_at(&device->all, address);

    if (found == NULL || found->start != address || found->owner != owner)
        return complain_free(address, found);
    bury(device, found);
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

/* Finds an allocation in the table, and remembers it in the slot. */
static unsigned char *look_up(uintptr_t address, size_t slot, size_t *room)
{
    unsigned char *bytes = NULL;

    pthread_mutex_lock(&state.lock);
    Device *device = device_of(address);
    Allocation *found = device == NULL ? NULL
                                       : allocation_at(&device->all, address);
    if (found != NULL) {
        bytes = arena_bytes(&device->arena, address);
        *room = found->size - (address - found->start);
        cache.entry[slot].start = found->start;
        cache.entry[slot].size = found->size;
        cache.entry[slot].bytes = arena_bytes(&device->arena, found->start);
    }
    pthread_mutex_unlock(&state.lock);
    return bytes;
}

unsigned char *device_peek(const void *pointer, size_t *room)
{
    uintptr_t address = (uintptr_t)pointer;
    size_t slot = address / GRAIN % CACHED;
    unsigned epoch = atomic_load_explicit(&state.epoch, memory_order_acquire);

    if (cache.epoch != epoch) {
        memset(cache.entry, 0, sizeof cache.entry);
        cache.epoch = epoch;
    }
    size_t offset = address - cache.entry[slot].start;
    if (offset >= cache.entry[slot].size)
        return look_up(address, slot, room);
    *room = cache.entry[slot].size - offset;
    return cache.entry[slot].bytes + offset;
}

int device_complain(const void *address, const char *argument)
{
    char text[HISTORY_SIZE];

    pthread_mutex_lock(&state.lock);
    bool buried = grave_at(&state.graves, (uintptr_t)address) != NULL;
    history_locked((uintptr_t)address, text);
    pthread_mutex_unlock(&state.lock);
    if (!device_owns(address))
        return violate(V_NOT_DEVICE_MEMORY, "%s %p", argument, address);
    if (buried)
        return violate(V_FREED_MEMORY, "%s %p, %s", argument, address, text);
    return violate(V_UNKNOWN_ADDRESS, "%s %p", argument, address);
}

unsigned char *device_bytes(const void *address, size_t count,
                            const char *argument)
{
    size_t room = 0;
    unsigned char *bytes = device_peek(address, &room);
    char text[HISTORY_SIZE];

    if (bytes == NULL) {
        device_complain(address, argument);
        return NULL;
    }
    if (count <= room)
        return bytes;
    violate(V_OUT_OF_BOUNDS, "%s %p has %zu bytes left, not %zu, %s",
            argument, address, room, count, device_history(address, text));
    return NULL;
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

bool device_memory_resize(uint64_t memory)
{
    bool possible = true;

    pthread_mutex_lock(&state.lock);
    for (int i = 0; i < state.opened; i++) {
        Device *device = &state.device[i];
        if (!atomic_load(&device->open) || memory <= device->born_with)
            continue;
        if (device->all.count == 0)
            device_close(device);
        else
            possible = false;
    }
    pthread_mutex_unlock(&state.lock);
    return possible;
}

void device_memory_end_after(uint64_t bytes)
{
    pthread_mutex_lock(&state.lock);
    state.ends = bytes;
    pthread_mutex_unlock(&state.lock);
}

static void list_device(const Device *device, LiveVisitor *visit, void *to)
{
    for (size_t i = 0; i < device->all.count; i++) {
        const Allocation *found = &device->all.list[i];
        if (found->owner == OWNER_USER)
            visit(&(Live){"device memory", found->start, found->made,
                          found->size}, to);
    }
}

void device_memory_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&state.lock);
    for (int i = 0; i < state.opened; i++)
        list_device(&state.device[i], visit, to);
    pthread_mutex_unlock(&state.lock);
}

void device_memory_reset(void)
{
    for (int i = 0; i < state.opened; i++)
        device_close(&state.device[i]);
    atomic_store(&state.opened, 0);
    state.graves.dug = 0;
    atomic_fetch_add(&state.epoch, 1);
}
