/*
 * memory_find: from a device address to the bytes behind it.
 *
 * A thread remembers the allocations that it asked for last, until anything
 * is freed: most questions take no lock.
 */
#include <string.h>

#include "call/violations.h"
#include "memory/imports.h"
#include "memory/memory.h"

enum { CACHED_BITS = 4 };       /* allocations that a thread remembers, as a power of two */

static _Thread_local struct {
    unsigned epoch;
    DeviceRange entry[1 << CACHED_BITS];
} cache;

/* Where a thread remembers an address: pages apart, too, are spread over the entries. */
static size_t entry_of(uintptr_t address)
{
    return (size_t)((address / GRAIN * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - CACHED_BITS));
}

unsigned char *device_peek(const void *pointer, size_t *room)
{
    uintptr_t address = (uintptr_t)pointer;
    unsigned epoch = device_memory_epoch();

    if (cache.epoch != epoch) {
        memset(cache.entry, 0, sizeof cache.entry);
        cache.epoch = epoch;
    }
    DeviceRange *range = &cache.entry[entry_of(address)];
    if (address - range->start >= range->size && !device_find(pointer, range))
        return NULL;
    if (range->owner == OWNER_IMPORT && import_is_lost(pointer))
        return NULL;
    *room = range->size - (address - range->start);
    return range->bytes + (address - range->start);
}

int device_complain(const void *address, const char *argument)
{
    char text[HISTORY_SIZE];

    device_history(address, text);
    if (!device_owns(address))
        return violate(V_NOT_DEVICE_MEMORY, "%s %p", argument, address);
    if (import_is_lost(address))
        return violate(V_EXPORTER_GONE, "%s %p, %s", argument, address, text);
    if (device_was_freed(address))
        return violate(V_FREED_MEMORY, "%s %p, %s", argument, address, text);
    return violate(V_UNKNOWN_ADDRESS, "%s %p", argument, address);
}

unsigned char *device_bytes(const void *address, size_t count, const char *argument)
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
    violate(V_OUT_OF_BOUNDS, "%s %p has %zu bytes left, not %zu, %s", argument, address, room,
            count, device_history(address, text));
    return NULL;
}
