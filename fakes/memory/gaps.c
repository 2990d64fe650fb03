#include "memory/gaps.h"

#include <stdlib.h>
#include <string.h>

/* How many allocations start at or below the address. */
static size_t rank_of(const Allocations *all, uintptr_t address)
{
    size_t low = 0;
    size_t high = all->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->list[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

Allocation *allocation_at(const Allocations *all, uintptr_t address)
{
    size_t rank = rank_of(all, address);

    if (rank == 0)
        return NULL;
    Allocation *found = &all->list[rank - 1];
    return address - found->start < found->size ? found : NULL;
}

static bool list_grow(Allocations *all)
{
    if (all->count < all->room)
        return true;
    size_t room = all->room == 0 ? 64 : all->room * 2;
    Allocation *list = realloc(all->list, room * sizeof *list);
    if (list == NULL)
        return false;
    all->list = list;
    all->room = room;
    return true;
}

static uintptr_t round_up(uintptr_t value, size_t step)
{
    return (value + step - 1) / step * step;
}

static uintptr_t end_of(const Allocation *allocation)
{
    return round_up(allocation->start + allocation->span, GRAIN) + GRAIN;
}

/* A range of addresses, and what is wanted of it: so many, from a step on. */
typedef struct GapSought {
    uintptr_t base;
    uintptr_t end;
    size_t need;
    size_t step;
} GapSought;

/* The first gap from an address on, or 0. */
static uintptr_t gap_above(const Allocations *all, uintptr_t from, const GapSought *wanted)
{
    size_t rank = rank_of(all, from);

    if (rank > 0 && from < end_of(&all->list[rank - 1]))
        from = end_of(&all->list[rank - 1]);
    for (; rank < all->count; rank++) {
        uintptr_t above = all->list[rank].start - all->list[rank].lead;
        from = wanted->base + round_up(from - wanted->base, wanted->step);
        if (from < above && above - from >= wanted->need)
            return from;
        from = end_of(&all->list[rank]);
    }
    from = wanted->base + round_up(from - wanted->base, wanted->step);
    return from < wanted->end && wanted->end - from >= wanted->need ? from : 0;
}

/* Above the last allocation made, or else anywhere. */
static uintptr_t place(Allocations *all, uintptr_t base, size_t size, const Allocation *made)
{
    size_t need = round_up(made->lead + made->span, GRAIN) + GRAIN;
    GapSought wanted = {base, base + size, need, made->step > 0 ? made->step : GRAIN};
    uintptr_t found = gap_above(all, all->cursor > base ? all->cursor : base, &wanted);

    if (found == 0)
        found = gap_above(all, base, &wanted);
    if (found == 0)
        return 0;
    all->cursor = found + need;
    return found + made->lead;
}

uintptr_t allocation_add(Allocations *all, uintptr_t base, size_t size, Allocation wanted)
{
    uintptr_t start = list_grow(all) ? place(all, base, size, &wanted) : 0;
    size_t rank = rank_of(all, start);

    if (start == 0)
        return 0;
    wanted.start = start;
    memmove(&all->list[rank + 1], &all->list[rank], (all->count - rank) * sizeof *all->list);
    all->list[rank] = wanted;
    all->count++;
    return start;
}

void allocation_remove(Allocations *all, Allocation *dead)
{
    size_t rank = (size_t)(dead - all->list);

    all->count--;
    memmove(dead, dead + 1, (all->count - rank) * sizeof *dead);
}
