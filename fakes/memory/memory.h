/*
 * memory: the allocations on all devices.
 *
 * Every access of this library to device memory comes through here, by
 * device address, and is checked against one living allocation, start and
 * end. Finding an allocation takes no lock when the thread asked for it
 * before and nothing was freed since.
 *
 * A freed range is remembered with the call that freed it.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "call/keepers.h"
#include "memory/gaps.h"

/*
 * Allocates size bytes on a device, which count as taken bytes of its
 * memory, in pages of a kind, and fills them as fresh memory looks. Returns the
 * device address, or NULL when the device has no more.
 */
void *device_alloc(int device, size_t size, size_t taken, uint32_t page, Owner owner);

/*
 * Gives a device addresses for pages of another arena: the first size bytes of
 * them. The device address, or NULL without address space.
 */
void *device_borrow(int device, size_t size, const ArenaPages *pages);

/* Takes these addresses back. */
void device_unborrow(void *address);

/* Frees the user's memory, of OWNER_USER or OWNER_MEDIA: 0, or the status of a violation. */
int device_free(void *address, Owner owner);

/* Frees memory of this library's own; NULL is nothing. */
void device_release(void *address);

/* The device in whose range an address lies, or -1. */
int device_index(const void *address);

/* The arena of the device an address lies in the range of, or NULL. */
const Arena *device_arena(const void *address);

/* Does the address lie in the range of any device? */
bool device_owns(const void *address);

/*
 * The bytes behind a device address, and in *room how many there are to the
 * end of its allocation. NULL when there is no living allocation; silent.
 */
unsigned char *device_peek(const void *address, size_t *room);

/*
 * The same for count bytes. NULL after a violation that names the argument:
 * not device memory, freed, or too short.
 */
unsigned char *device_bytes(const void *address, size_t count, const char *argument);

/* A living allocation, and where its bytes are. */
typedef struct DeviceRange {
    uintptr_t start;
    size_t size;
    unsigned char *bytes;
    uint32_t page;
    Owner owner;
} DeviceRange;

/* The allocation around an address; false, and no range: there is none. */
bool device_find(const void *address, DeviceRange *range);

/* Was the memory around an address freed, and nothing allocated there since? */
bool device_was_freed(const void *address);

/* Says which violation a device address is that device_peek() refused. */
int device_complain(const void *address, const char *argument);

/*
 * The calls that made and freed the allocation around an address: text, of
 * HISTORY_SIZE bytes, as history_text() writes it; "never made" if there is
 * none.
 */
const char *device_history(const void *address, char *text);

/* A number that changes whenever device memory is freed. */
unsigned device_memory_epoch(void);

/* Bytes free on a device, of settings.memory. */
size_t device_memory_free(int device);

#endif
