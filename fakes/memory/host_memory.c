#include "memory/host_memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/locks.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/tally.h"
#include "call/violations.h"
#include "memory/freed.h"
#include "memory/host_owners.h"
#include "memory/memory.h"
#include "memory/objects.h"

enum { ALIGNMENT = 64, FRESH = 0xA5 };

typedef struct Block {
    uintptr_t start;
    size_t size;
    Origin made;
    bool registered;            /* the program's own, not from host_alloc() */
} Block;

/* low and high enclose all blocks ever made: a filter read without a lock. */
static struct {
    pthread_mutex_t lock;
    Block *block;
    size_t count;
    size_t room;
    Freed freed;
    atomic_uintptr_t low;
    atomic_uintptr_t high;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .low = UINTPTR_MAX};

HELD_OVER_FORK(state.lock)

static bool blocks_grow(void)
{
    if (state.count < state.room)
        return true;
    size_t room = state.room == 0 ? 64 : state.room * 2;
    Block *block = realloc(state.block, room * sizeof *block);
    if (block == NULL)
        return false;
    state.block = block;
    state.room = room;
    return true;
}

static bool keep_locked(uintptr_t start, size_t size, bool registered)
{
    if (!blocks_grow())
        return false;
    state.block[state.count++] = (Block){start, size, call_origin(), registered};
    if (start < atomic_load(&state.low))
        atomic_store(&state.low, start);
    if (start + size > atomic_load(&state.high))
        atomic_store(&state.high, start + size);
    return true;
}

static bool keep(uintptr_t start, size_t size)
{
    pthread_mutex_lock(&state.lock);
    bool kept = keep_locked(start, size, false);
    pthread_mutex_unlock(&state.lock);
    return kept;
}

void *host_alloc(size_t size)
{
    void *memory = NULL;

    if (posix_memalign(&memory, ALIGNMENT, size) != 0)
        return NULL;
    if (!keep((uintptr_t)memory, size)) {
        free(memory);
        return NULL;
    }
    tally_made("host memory");
    memset(memory, FRESH, size);
    return memory;
}

/* The living block an address lies in, or NULL. */
static const Block *block_at(uintptr_t address)
{
    for (size_t i = 0; i < state.count; i++)
        if (address - state.block[i].start < state.block[i].size)
            return &state.block[i];
    return NULL;
}

const char *host_history(const void *address, char *text)
{
    static const Origin alive;

    pthread_mutex_lock(&state.lock);
    const Block *block = block_at((uintptr_t)address);
    const FreedRange *freed = freed_at(&state.freed, (uintptr_t)address);
    if (block != NULL)
        history_text(block->made, alive, text);
    else if (freed != NULL)
        history_text(freed->made, freed->freed, text);
    else
        strcpy(text, "never made");
    pthread_mutex_unlock(&state.lock);
    return text;
}

static int complain_free(uintptr_t address)
{
    const FreedRange *freed = freed_at(&state.freed, address);
    char text[HISTORY_SIZE];

    if (freed != NULL)
        return violate(V_DOUBLE_HOST_FREE, "hostPtr %p, %s", (void *)address,
                       history_text(freed->made, freed->freed, text));
    return violate(V_UNKNOWN_HOST_MEMORY, "hostPtr %p", (void *)address);
}

/* The block that starts at an address, or NULL. */
static Block *block_from(const void *address, bool registered)
{
    for (size_t i = 0; i < state.count; i++)
        if (state.block[i].start == (uintptr_t)address && state.block[i].registered == registered)
            return &state.block[i];
    return NULL;
}

static void forget(Block *block)
{
    size_t i = (size_t)(block - state.block);

    freed_add(&state.freed, block->start, block->size, block->made);
    state.count--;
    memmove(block, block + 1, (state.count - i) * sizeof *block);
}

/* The first block that has a byte of a range, or NULL. */
static const Block *block_in(uintptr_t start, size_t size)
{
    for (size_t i = 0; i < state.count; i++)
        if (start < state.block[i].start + state.block[i].size &&
            state.block[i].start < start + size)
            return &state.block[i];
    return NULL;
}

static int register_locked(uintptr_t start, size_t size)
{
    static const Origin alive;
    const Block *known = block_in(start, size);
    char text[HISTORY_SIZE];

    if (known != NULL)
        return refuse(E_REGISTERED,
                      "ptr %p, %zu bytes: %p, %zu bytes, is "
                      "registered already, %s",
                      (void *)start, size, (void *)known->start, known->size,
                      history_text(known->made, alive, text));
    if (!keep_locked(start, size, true))
        return refuse(E_BAD_ALLOC, "no memory for a registration");
    tally_made("registered memory");
    return E_NONE;
}

int host_register(void *address, size_t size)
{
    pthread_mutex_lock(&state.lock);
    int status = register_locked((uintptr_t)address, size);
    pthread_mutex_unlock(&state.lock);
    return status;
}

static int refuse_unregistered(const void *address)
{
    const FreedRange *freed = freed_at(&state.freed, (uintptr_t)address);
    char text[HISTORY_SIZE];

    if (freed == NULL)
        return refuse(E_NOT_REGISTERED,
                      "ptr %p was never registered, or "
                      "does not start what was",
                      address);
    return refuse(E_NOT_REGISTERED, "ptr %p is not registered any more, %s", address,
                  history_text(freed->made, freed->freed, text));
}

int host_unregister(void *address)
{
    int status = E_NONE;

    pthread_mutex_lock(&state.lock);
    Block *block = block_from(address, true);
    if (block != NULL)
        forget(block);
    else
        status = refuse_unregistered(address);
    pthread_mutex_unlock(&state.lock);
    return status;
}

int host_free(void *address)
{
    int status = E_NONE;

    pthread_mutex_lock(&state.lock);
    Block *block = block_from(address, false);
    if (block != NULL)
        forget(block);
    else
        status = complain_free((uintptr_t)address);
    pthread_mutex_unlock(&state.lock);
    if (status == E_NONE)
        free(address);
    return status;
}

size_t host_room(const void *pointer)
{
    uintptr_t address = (uintptr_t)pointer;
    size_t room = SIZE_MAX;

    if (address < atomic_load_explicit(&state.low, memory_order_relaxed) ||
        address >= atomic_load_explicit(&state.high, memory_order_relaxed))
        return SIZE_MAX;
    pthread_mutex_lock(&state.lock);
    const Block *block = block_at(address);
    if (block != NULL)
        room = block->size - (address - block->start);
    pthread_mutex_unlock(&state.lock);
    return room;
}

int host_check(const void *address, const char *argument)
{
    if (device_owns(address))
        return violate(V_NOT_HOST_MEMORY, "%s %p is device memory", argument, address);
    if (object_is_handle(address))
        return violate(V_NOT_HOST_MEMORY, "%s %p is a handle", argument, address);
    host_check_owner(address, argument);
    return E_NONE;
}

int argument_check(const void *address, const char *argument)
{
    if (address == NULL)
        return refuse(E_PARAM, "%s is NULL", argument);
    return host_check(address, argument);
}

static void list_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        visit(&(Live){state.block[i].registered ? "registered memory" : "host memory",
                      state.block[i].start, state.block[i].made, state.block[i].size},
              to);
    pthread_mutex_unlock(&state.lock);
}

/* Forgets, but does not free: a thread may still use the memory. */
static void forget_all(void)
{
    free(state.block);
    state.block = NULL;
    state.count = 0;
    state.room = 0;
    freed_clear(&state.freed);
    atomic_store(&state.low, UINTPTR_MAX);
    atomic_store(&state.high, 0);
}

KEEPER(KEEPER_HOST_MEMORY, forget_all, list_live)
