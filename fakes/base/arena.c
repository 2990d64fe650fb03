#include "base/arena.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRESH = 0xA5, MIB = 1 << 20, FILL_WHOLE = 16 * MIB };

/* A quarter more than the memory and at least 1 GiB, in whole 2 MiB. */
static size_t window_of(size_t memory)
{
    size_t slack = memory / 4 > ((size_t)1 << 30) ? memory / 4 : (size_t)1 << 30;

    return (memory + slack + 2 * MIB - 1) / (2 * MIB) * (2 * MIB);
}

bool arena_open(Arena *arena, size_t memory)
{
    size_t size = window_of(memory);
    int file = memfd_create("acl-fake-device", MFD_CLOEXEC);
    void *range = MAP_FAILED;
    void *alias = MAP_FAILED;
    void *marks = MAP_FAILED;

    if (file < 0 || ftruncate(file, (off_t)(size + size / CHAR_BIT)) != 0)
        goto fail;
    range = mmap(NULL, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0);
    alias = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    marks = mmap(NULL, size / CHAR_BIT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file,
                 (off_t)size);
    if (range == MAP_FAILED || alias == MAP_FAILED || marks == MAP_FAILED)
        goto fail;
    madvise(range, size, MADV_DONTDUMP);
    madvise(alias, size, MADV_DONTDUMP);
    madvise(marks, size / CHAR_BIT, MADV_DONTDUMP);
    *arena = (Arena){(uintptr_t)range, alias, marks, size, file, false};
    return true;
fail:
    if (range != MAP_FAILED)
        munmap(range, size);
    if (alias != MAP_FAILED)
        munmap(alias, size);
    if (marks != MAP_FAILED)
        munmap(marks, size / CHAR_BIT);
    if (file >= 0)
        close(file);
    return false;
}

void arena_share(Arena *arena, bool shared)
{
    if (arena->shared == shared)
        return;
    mprotect((void *)arena->base, arena->size, shared ? PROT_READ | PROT_WRITE : PROT_NONE);
    arena->shared = shared;
}

void arena_close(Arena *arena)
{
    if (arena->base == 0)
        return;
    munmap((void *)arena->base, arena->size);
    munmap(arena->alias, arena->size);
    munmap(arena->marks, arena->size / CHAR_BIT);
    close(arena->file);
    *arena = (Arena){0};
}

static void punch(const Arena *arena, size_t offset, size_t size)
{
    fallocate(arena->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
}

/* Whole pages of marks go back to the system, and are zero when next read. */
static void unmark(const Arena *arena, uintptr_t address, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t start = (address - arena->base) / CHAR_BIT;
    size_t end = (address - arena->base + size + CHAR_BIT - 1) / CHAR_BIT;
    size_t first = (start + page - 1) / page * page;
    size_t last = end / page * page;

    if (first >= last) {
        memset(arena->marks + start, 0, end - start);
        return;
    }
    memset(arena->marks + start, 0, first - start);
    punch(arena, arena->size + first, last - first);
    memset(arena->marks + last, 0, end - last);
}

void arena_fill(const Arena *arena, uintptr_t address, size_t size)
{
    unsigned char *bytes = arena_bytes(arena, address);

    unmark(arena, address, size);
    if (size <= FILL_WHOLE) {
        memset(bytes, FRESH, size);
        return;
    }
    memset(bytes, FRESH, MIB);
    memset(bytes + size - MIB, FRESH, MIB);
}

void arena_punch(const Arena *arena, uintptr_t address, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t offset = address - arena->base;
    size_t start = (offset + page - 1) / page * page;
    size_t end = (offset + size) / page * page;

    if (start < end)
        punch(arena, start, end - start);
}

void arena_forget_marks(const Arena *arena, uintptr_t address, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t offset = address - arena->base;
    size_t start = (offset / CHAR_BIT + page - 1) / page * page;
    size_t end = (offset + size) / CHAR_BIT / page * page;

    if (start < end)
        punch(arena, arena->size + start, end - start);
}
