#include "memory/heap.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/acl.h"
#include "call/settings.h"

bool heap_has(const Heap *heap, uintptr_t address)
{
    return atomic_load_explicit(&heap->open, memory_order_acquire) &&
           address - heap->arena.base < heap->arena.size;
}

bool heap_open(Heap *heap, uint64_t memory)
{
    if (atomic_load(&heap->open))
        return true;
    if (!arena_open(&heap->arena, memory))
        return false;
    heap->born_with = memory;
    atomic_store(&heap->open, true);
    return true;
}

void heap_close(Heap *heap)
{
    atomic_store(&heap->open, false);
    arena_close(&heap->arena);
    free(heap->all.list);
    heap->all = (Allocations){0};
    heap->taken = 0;
}

uintptr_t heap_take(Heap *heap, Allocation wanted)
{
    arena_share(&heap->arena, settings.run_mode == ACL_DEVICE);
    uintptr_t start = allocation_add(&heap->all, heap->arena.base, heap->arena.size, wanted);
    if (start != 0)
        heap->taken += wanted.taken;
    return start;
}

/* What a page of memory serves, and how such pages are given back. */
typedef void GiveBack(const Arena *arena, uintptr_t address, size_t size);

/*
 * Gives back the pages that an allocation leaves empty: its own, and those it
 * shared with others that are dead already. All between two living ones is.
 */
static void give_back(const Heap *heap, const Allocation *dead, uintptr_t page, GiveBack *act)
{
    const Allocation *first = heap->all.list;
    const Allocation *last = first + heap->all.count - 1;
    uintptr_t base = heap->arena.base;
    uintptr_t start = base + (dead->start - dead->lead - base) / page * page;
    uintptr_t end = base + (dead->start - base + dead->span + page - 1) / page * page;

    if (dead > first && dead[-1].start + dead[-1].span > start)
        start = dead[-1].start + dead[-1].span;
    if (dead < last && dead[1].start - dead[1].lead < end)
        end = dead[1].start - dead[1].lead;
    if (start < end)
        act(&heap->arena, start, end - start);
}

void heap_give(Heap *heap, Allocation *dead)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    give_back(heap, dead, page, arena_punch);
    give_back(heap, dead, page * CHAR_BIT, arena_forget_marks);
    heap->taken -= dead->taken;
    allocation_remove(&heap->all, dead);
}

Allocation *heap_find(Heap *heap, uintptr_t address)
{
    return allocation_at(&heap->all, address);
}

void heap_live(const Heap *heap, LiveVisitor *visit, void *to)
{
    for (size_t i = 0; i < heap->all.count; i++) {
        const Allocation *found = &heap->all.list[i];
        if (found->owner == OWNER_LIBRARY)
            continue;
        const char *kind = found->owner == OWNER_IMPORT ? "imported memory" : "device memory";
        visit(&(Live){kind, found->start, found->made, found->size}, to);
    }
}
