/*
 * arena_borrow: pages of another arena in one.
 */
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"

/* Maps a part of a file over what is there. */
static bool put(void *at, size_t size, int access, int file, size_t offset)
{
    int flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED;

    if (mmap(at, size, access, flags, file, (off_t)offset) == MAP_FAILED)
        return false;
    madvise(at, size, MADV_DONTDUMP);
    return true;
}

size_t arena_marked(void)
{
    return (size_t)sysconf(_SC_PAGESIZE) * CHAR_BIT;
}

/* Where the page of marks for an offset's byte begins. */
static size_t marks_of(size_t offset)
{
    return offset / arena_marked() * (arena_marked() / CHAR_BIT);
}

/*
 * Three mappings: device addresses, the bytes behind them, and their marks. The
 * offset in the arena and that in the pages' file may differ.
 */
static bool map_pages(const Arena *arena, uintptr_t address, const ArenaPages *pages)
{
    int both = PROT_READ | PROT_WRITE;
    size_t at = address - arena->base;
    size_t from = pages->offset;
    size_t marks = marks_of(from + pages->size + arena_marked() - 1) - marks_of(from);

    return put((void *)address, pages->size, arena->shared ? both : PROT_NONE, pages->file, from) &&
           put(arena->alias + at, pages->size, both, pages->file, from) &&
           put(arena->marks + marks_of(at), marks, both, pages->file,
               pages->window + marks_of(from));
}

void arena_unborrow(const Arena *arena, uintptr_t address, size_t size)
{
    map_pages(arena, address, &(ArenaPages){arena->file, arena->size, address - arena->base, size});
}

bool arena_borrow(const Arena *arena, uintptr_t address, const ArenaPages *pages)
{
    if (map_pages(arena, address, pages))
        return true;
    arena_unborrow(arena, address, pages->size);
    return false;
}
