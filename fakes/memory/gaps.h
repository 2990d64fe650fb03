/*
 * gaps: where the next allocation of a device goes.
 *
 * The allocations of one device, sorted by address. The next one goes above
 * the last one made; only when the range is used up do old addresses come
 * again. Every allocation starts at a grain, and a grain lies free behind it.
 */
#ifndef FAKE_GAPS_H
#define FAKE_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call/calls.h"

enum { GRAIN = 512 };

/* Kinds of a device's pages. */
enum { PAGE_NORMAL = 4 << 10, PAGE_HUGE = 2 << 20, PAGE_HUGE_1G = 1 << 30 };

/*
 * Whose an allocation is: only the user's can be freed by the user, each kind by
 * its own function; what was imported is another process's memory.
 */
typedef enum Owner { OWNER_USER, OWNER_LIBRARY, OWNER_IMPORT, OWNER_MEDIA } Owner;

typedef struct Allocation {
    uintptr_t start;
    size_t size;                /* as asked for: the bounds */
    size_t taken;               /* of the device's memory */
    size_t lead;                /* addresses that are its own before start, */
    size_t span;                /* and from start on */
    size_t step;                /* start - lead is a multiple of it; 0: a grain */
    uint32_t page;              /* kind of pages */
    Owner owner;
    Origin made;
} Allocation;

typedef struct Allocations {
    Allocation *list;           /* owned; sorted by start */
    size_t count;
    size_t room;
    uintptr_t cursor;           /* where the next one may start */
} Allocations;

/* The allocation an address lies in, its end excluded, or NULL. */
Allocation *allocation_at(const Allocations *all, uintptr_t address);

/*
 * Makes an allocation in the range [base, base + size). Its start, or 0 when
 * there is no gap for it, or no memory for the table.
 */
uintptr_t allocation_add(Allocations *all, uintptr_t base, size_t size, Allocation wanted);

/* Takes an allocation out of the table. */
void allocation_remove(Allocations *all, Allocation *dead);

#endif
