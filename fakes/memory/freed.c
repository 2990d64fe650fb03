#include "memory/freed.h"

#include "call/calls.h"

void freed_add(Freed *freed, uintptr_t start, size_t size, Origin made)
{
    freed->range[freed->count++ % FREED_KEPT] = (FreedRange){start, size, made, call_origin()};
}

const FreedRange *freed_at(const Freed *freed, uintptr_t address)
{
    size_t kept = freed->count < FREED_KEPT ? freed->count : FREED_KEPT;

    for (size_t i = 1; i <= kept; i++) {
        const FreedRange *range = &freed->range[(freed->count - i) % FREED_KEPT];
        if (address - range->start < range->size)
            return range;
    }
    return NULL;
}

void freed_clear(Freed *freed)
{
    freed->count = 0;
}
