/*
 * arena: the address range of one device, and the bytes behind it.
 *
 * An arena is two mappings of one memfd. Device addresses lie in the first,
 * which cannot be touched: a host that dereferences one is stopped, as if the
 * memory were on the other side of a bus. The second, the alias, is readable
 * and writable, and only this library knows where it is. Where the program
 * runs on the device itself there is no bus, and the first is open, too.
 *
 * A bit for each byte says whether it was written since its allocation. These
 * marks lie in the same file, behind the bytes, so that another process can have
 * some pages of bytes and their marks in an arena of its own.
 *
 * The range is wider than the device has memory, so that freed addresses can
 * stay unused for long. Pages come into being when they are written.
 */
#ifndef FAKE_ARENA_H
#define FAKE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Arena {
    uintptr_t base;             /* of device addresses; 0: no arena */
    unsigned char *alias;
    unsigned char *marks;       /* a bit for each byte that was written */
    size_t size;
    int file;
    bool shared;                /* the host may touch device addresses */
} Arena;

/* Reserves an arena for a device of so many bytes. False: no address space. */
bool arena_open(Arena *arena, size_t memory);

/* Lets the host touch device addresses, or stops it again. */
void arena_share(Arena *arena, bool shared);

/* Gives everything back to the system. */
void arena_close(Arena *arena);

/* The bytes behind a device address of this arena. */
static inline unsigned char *arena_bytes(const Arena *arena, uintptr_t address)
{
    return arena->alias + (address - arena->base);
}

/*
 * Fresh memory shows a pattern, all of it or, of much, both ends, and counts
 * as never written.
 */
void arena_fill(const Arena *arena, uintptr_t address, size_t size);

/*
 * Marks a range of one allocation as written. Threads may mark neighbours at
 * the same time.
 */
void arena_mark(const Arena *arena, uintptr_t address, size_t size);

/* Was all of a range marked? */
bool arena_is_marked(const Arena *arena, uintptr_t address, size_t size);

/*
 * Gives a range of one allocation the marks of another range, which may lie
 * over it. False when a byte was marked and is no longer.
 */
bool arena_copy_marks(const Arena *to, uintptr_t address, const Arena *from, uintptr_t source,
                      size_t size);

/*
 * Pages of another arena, maybe of another process, in the place of pages of
 * this one. Both begin at the same place within the arena_marked() bytes that one
 * page of marks is for, and nothing else lies in those of this arena.
 */
typedef struct ArenaPages {
    int file;                   /* of the other arena */
    size_t window;              /* its size */
    size_t offset;              /* of its pages */
    size_t size;                /* in whole pages */
} ArenaPages;

size_t arena_marked(void);

/* Puts them at an address. False, and nothing is changed: no address space. */
bool arena_borrow(const Arena *arena, uintptr_t address, const ArenaPages *pages);

/* Puts this arena's own pages back. */
void arena_unborrow(const Arena *arena, uintptr_t address, size_t size);

/* Returns the whole pages of a range to the system. */
void arena_punch(const Arena *arena, uintptr_t address, size_t size);

/* Returns the whole pages that the marks of a range take. */
void arena_forget_marks(const Arena *arena, uintptr_t address, size_t size);

#endif
