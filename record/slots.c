#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(record_slot) == 65536, "slots.py says so");
_Static_assert(offsetof(record_shared, slots) == 12288, "slots.py says so");

static struct {
    char trace[4096];
    char beside[4096];
} path;

static size_t record_ended(const record_slot *slot)
{
    return (size_t)(atomic_load(&slot->filled) >> 32);
}

/* Whole lines, by as few writes as the system lets. */
static int record_write(const char *text, size_t size)
{
    int file = open(path.trace, O_WRONLY | O_APPEND | O_CLOEXEC);
    size_t done = 0;
    while (file >= 0 && done < size) {
        ssize_t written = write(file, text + done, size - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            break;
        }
        done += (size_t)written;
    }
    if (file >= 0) {
        close(file);
    }
    return done == size;
}

/* What errno says to the program is not ours to change. */
int record_flush(record_shared *shared, record_slot *slot)
{
    int before = errno;
    size_t size = record_ended(slot);
    int whole = size == 0 || record_write(slot->text, size);
    if (whole) {
        atomic_store(&slot->filled, 0);
    } else {
        atomic_fetch_add(&shared->lost, 1);
    }
    errno = before;
    return whole;
}

void record_append(record_shared *shared, const char *text, size_t size)
{
    int before = errno;
    atomic_fetch_add(record_write(text, size) ? &shared->unkept : &shared->lost, 1);
    errno = before;
}

void record_free(record_shared *shared, record_slot *slot)
{
    if (record_flush(shared, slot)) { /* else `acl-bundle record` tries again */
        atomic_store(&shared->owners[slot - shared->slots], 0);
    }
}

/* Write out what a process left, the call that it died in included. */
static void record_inherit(record_slot *slot)
{
    uint64_t filled = atomic_load(&slot->filled);
    size_t ended = (size_t)(filled >> 32), under_way = (size_t)(filled & UINT32_MAX);
    if (under_way > 0 && ended + under_way + 2 <= RECORD_ROOM) {
        memcpy(slot->text + ended + under_way, "}\n", 2);
        atomic_store(&slot->filled, (uint64_t)(ended + under_way + 2) << 32);
    }
}

static int record_is_dead(uint64_t owner)
{
    int before = errno;
    int dead = syscall(SYS_tgkill, (int)(owner >> 32), (int)(owner & UINT32_MAX), 0) != 0 &&
               errno == ESRCH;
    errno = before;
    return dead;
}

/* A write to memory of a file that has no room on its disk would end the program. */
static int record_reserve(size_t at)
{
    int before = errno;
    int file = open(path.beside, O_RDWR | O_CLOEXEC);
    off_t start = (off_t)(offsetof(record_shared, slots) + at * sizeof(record_slot));
    int reserved = file >= 0 && posix_fallocate(file, start, sizeof(record_slot)) == 0;
    if (file >= 0) {
        close(file);
    }
    errno = before;
    return reserved;
}

record_slot *record_take(record_shared *shared, uint32_t process, uint32_t thread)
{
    uint64_t self = (uint64_t)process << 32 | thread;
    for (size_t turn = 0; turn < (size_t)2 * RECORD_SLOTS; turn++) {
        size_t at = (thread + turn) % RECORD_SLOTS;
        uint64_t owner = atomic_load(&shared->owners[at]);
        if (owner != 0 && (turn < RECORD_SLOTS || !record_is_dead(owner))) {
            continue;
        }
        if (!atomic_compare_exchange_strong(&shared->owners[at], &owner, self)) {
            continue;
        }
        record_slot *slot = &shared->slots[at];
        if (!record_reserve(at)) {
            atomic_store(&shared->owners[at], owner);
            return NULL;
        }
        if (owner != 0) {
            record_inherit(slot);
        }
        if (owner != 0 && !record_flush(shared, slot)) {
            continue; /* it stays ours, and full: its lines are not dropped */
        }
        atomic_store(&slot->filled, 0);
        return slot;
    }
    return NULL;
}

/* What this process left when it was another program, before an exec. */
static void record_former(record_shared *shared)
{
    for (size_t at = 0; at < RECORD_SLOTS; at++) {
        if (atomic_load(&shared->owners[at]) >> 32 == (uint64_t)getpid()) {
            record_inherit(&shared->slots[at]);
            record_free(shared, &shared->slots[at]);
        }
    }
}

record_shared *record_map(const char *trace)
{
    int trace_size = snprintf(path.trace, sizeof path.trace, "%s", trace);
    int beside_size = snprintf(path.beside, sizeof path.beside, "%s.calls", trace);
    if (trace_size < 0 || beside_size < 0 || (size_t)beside_size >= sizeof path.beside) {
        fprintf(stderr, "acl-bundle record: the trace's path has over 4096 bytes\n");
        return NULL;
    }
    void *memory = MAP_FAILED;
    int file = open(path.beside, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && ftruncate(file, sizeof(record_shared)) == 0 &&
        posix_fallocate(file, 0, offsetof(record_shared, slots)) == 0) {
        memory = mmap(NULL, sizeof(record_shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    if (file >= 0) {
        close(file);
    }
    if (memory == MAP_FAILED) {
        fprintf(stderr, "acl-bundle record: %s cannot be written\n", path.beside);
        return NULL;
    }
    record_former(memory);
    return memory;
}
