/*
 * heap: the memory of one device: an arena, and what was allocated in it.
 *
 * It has no lock and keeps no history: memory.c, which has all devices, has
 * both. Only whether it is open may be asked at any time.
 */
#ifndef FAKE_HEAP_H
#define FAKE_HEAP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "call/keepers.h"
#include "memory/gaps.h"

typedef struct Heap {
    atomic_bool open;           /* the arena may be read */
    Arena arena;
    uint64_t born_with;         /* bytes, the most that may be taken */
    size_t taken;
    Allocations all;
} Heap;

/* Does the address lie in the arena? Needs no lock. */
bool heap_has(const Heap *heap, uintptr_t address);

/* Opens a heap of so many bytes, unless it is. False: no address space. */
bool heap_open(Heap *heap, uint64_t memory);

/* Ends a heap, whatever is in it. */
void heap_close(Heap *heap);

/* Takes a range for an allocation; its start, or 0: there is no such gap. */
uintptr_t heap_take(Heap *heap, Allocation wanted);

/* Gives an allocation's range and its pages back. */
void heap_give(Heap *heap, Allocation *dead);

/* The allocation around an address, or NULL. */
Allocation *heap_find(Heap *heap, uintptr_t address);

/* Lists what is the user's, and what was imported. */
void heap_live(const Heap *heap, LiveVisitor *visit, void *to);

#endif
