#include "base/share.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/locks.h"

enum {
    TAG = 16,                   /* bytes of a tag */
    BODY = 64,                  /* where the body begins */
    STAMPS = 0x3FFFFFFF
};

#define FORMAT "acl-fake-%c-%08x-%08x-"

struct Share {
    Share *next;
    unsigned opened;
    unsigned member;
    unsigned maker;             /* its process */
    int file;
    dev_t device;               /* of the file, */
    ino_t inode;                /* whatever its descriptor */
    unsigned char *block;       /* the tag, and from BODY on the body */
    size_t size;                /* of all */
    char key[SHARE_KEY];
};

static struct {
    pthread_mutex_t lock;
    Share *first;               /* those of this process */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/* The lock of one member, or of several: for fcntl(). */
static struct flock lock_of(unsigned from, unsigned count)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = count};
}

static void write_key(Share *share, ShareKind kind)
{
    int at = snprintf(share->key, sizeof share->key, FORMAT, (char)kind, (unsigned)getpid(),
                      (unsigned)share->file);

    for (size_t i = 0; i < TAG && at + 2 < SHARE_KEY; i++)
        at += snprintf(share->key + at, SHARE_KEY - (size_t)at, "%02x", share->block[i]);
}

/* Process, descriptor and tag of a key. */
typedef struct Named {
    unsigned process;
    unsigned file;
    unsigned char tag[TAG];
} Named;

static bool read_key(ShareKind kind, const char *key, Named *named)
{
    char letter = 0;
    int at = 0;

    if (strnlen(key, SHARE_KEY) >= SHARE_KEY ||
        sscanf(key, FORMAT "%n", &letter, &named->process, &named->file, &at) != 3 ||
        letter != (char)kind || strlen(key + at) != (size_t)TAG * 2)
        return false;
    for (size_t i = 0; i < TAG; i++)
        if (sscanf(key + at + 2 * i, "%2hhx", &named->tag[i]) != 1)
            return false;
    return true;
}

static void release(Share *share)
{
    if (share->block != NULL)
        munmap(share->block, share->size);
    if (share->file >= 0)
        close(share->file);
    free(share);
}

static bool map(Share *share)
{
    struct stat about;

    if (fstat(share->file, &about) != 0)
        return false;
    share->device = about.st_dev;
    share->inode = about.st_ino;
    void *block = mmap(NULL, share->size, PROT_READ | PROT_WRITE, MAP_SHARED, share->file, 0);

    if (block == MAP_FAILED)
        return false;
    share->block = block;
    return true;
}

/* Becomes the first member that nobody is, from a number on. */
static bool join(Share *share, unsigned from)
{
    for (unsigned member = from; member < SHARE_MEMBERS; member++) {
        struct flock lock = lock_of(member, 1);
        if (fcntl(share->file, F_SETLK, &lock) == 0) {
            share->member = member;
            return true;
        }
    }
    return false;
}

static Share *new_share(int file, size_t size)
{
    Share *share = calloc(1, sizeof *share);

    if (share == NULL) {
        if (file >= 0)
            close(file);
        return NULL;
    }
    *share = (Share){.opened = 1, .file = file, .size = BODY + size};
    return share;
}

static void keep_locked(Share *share)
{
    share->next = state.first;
    state.first = share;
}

Share *share_make(ShareKind kind, size_t size)
{
    Share *share = new_share(memfd_create("acl-fake-share", MFD_CLOEXEC), size);

    if (share == NULL)
        return NULL;
    if (share->file < 0 || ftruncate(share->file, (off_t)share->size) != 0 || !map(share) ||
        getrandom(share->block, TAG, 0) != TAG || !join(share, 0)) {
        release(share);
        return NULL;
    }
    share->maker = (unsigned)getpid();
    write_key(share, kind);
    pthread_mutex_lock(&state.lock);
    keep_locked(share);
    pthread_mutex_unlock(&state.lock);
    return share;
}

static const char *reason_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "is of a process that this one may not look into: it is another user's";
    case EMFILE:
    case ENFILE:
        return "cannot be opened: this process has no file descriptor left";
    default:
        return "is no longer there: the process that made it has closed it or has ended";
    }
}

static int open_path(unsigned process, unsigned file, int flags, const char **why)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%u/fd/%u", process, file);
    int opened = open(path, flags | O_CLOEXEC);
    if (opened < 0)
        *why = reason_of(errno);
    return opened;
}

static bool is_open_here(const struct stat *about)
{
    for (const Share *share = state.first; share != NULL; share = share->next)
        if (share->device == about->st_dev && share->inode == about->st_ino)
            return true;
    return false;
}

/* May the file behind a place be the block, and be closed again if it is not? */
static bool may_open(int place, size_t size)
{
    struct stat about;

    return fstat(place, &about) == 0 && S_ISREG(about.st_mode) &&
           about.st_size == (off_t)(BODY + size) && !is_open_here(&about);
}

static bool has_tag(int file, const Named *named)
{
    unsigned char tag[TAG];

    return pread(file, tag, TAG, 0) == TAG && memcmp(tag, named->tag, TAG) == 0;
}

/*
 * The file of a key, which is checked to be the right one; -1: why not. To close
 * a wrong one that is open here would end its locks. So of this process no file is
 * tried, and of another one its place alone is opened first: with O_PATH, which
 * stands for the same file from then on, and whose close ends no lock.
 */
static int open_file(const Named *named, size_t size, const char **why)
{
    int file = -1;

    *why = reason_of(0);
    if (named->process == (unsigned)getpid())
        return -1;
    int place = open_path(named->process, named->file, O_PATH, why);
    if (place < 0)
        return -1;
    if (may_open(place, size))
        file = open_path((unsigned)getpid(), (unsigned)place, O_RDWR, why);
    close(place);
    if (file < 0 || has_tag(file, named))
        return file;
    close(file);
    return -1;
}

static Share *open_locked(const char *key, const Named *named, size_t size, const char **why)
{
    for (Share *share = state.first; share != NULL; share = share->next)
        if (strcmp(share->key, key) == 0) {
            share->opened++;
            return share;
        }
    int file = open_file(named, size, why);
    if (file < 0)
        return NULL;
    Share *share = new_share(file, size);
    *why = "cannot be opened: 255 processes have it open, or there is no memory";
    if (share == NULL)
        return NULL;
    if (!map(share) || !join(share, 1)) {
        release(share);
        return NULL;
    }
    strcpy(share->key, key);
    share->maker = named->process;
    keep_locked(share);
    return share;
}

Share *share_open(ShareKind kind, const char *key, size_t size, const char **why)
{
    Named named;

    *why = "was not made here: it is not a key";
    if (!read_key(kind, key, &named))
        return NULL;
    pthread_mutex_lock(&state.lock);
    Share *share = open_locked(key, &named, size, why);
    pthread_mutex_unlock(&state.lock);
    return share;
}

void share_close(Share *share)
{
    Share **link = &state.first;

    pthread_mutex_lock(&state.lock);
    bool last = --share->opened == 0;
    if (last) {
        while (*link != share)
            link = &(*link)->next;
        *link = share->next;
        release(share);
    }
    pthread_mutex_unlock(&state.lock);
}

bool share_is_open_once(Share *share)
{
    pthread_mutex_lock(&state.lock);
    bool once = share->opened == 1;
    pthread_mutex_unlock(&state.lock);
    return once;
}

void *share_body(const Share *share)
{
    return share->block + BODY;
}

const char *share_key(const Share *share)
{
    return share->key;
}

long share_maker(const Share *share)
{
    return (long)share->maker;
}

unsigned share_member(const Share *share)
{
    return share->member;
}

/*
 * The byte behind those of the members. Nobody waits for one block while having
 * another, but the system sees processes alone, and says EDEADLK to this:
 *
 *     1. P1's T1 locks block A, and P2's T1 block B
 *     2. P1's T2 waits for B
 *     3. P2's T2 waits for A
 */
static void lock_body(const Share *share, short type)
{
    struct flock lock = lock_of(SHARE_MEMBERS, 1);

    lock.l_type = type;
    while (fcntl(share->file, F_SETLKW, &lock) != 0 && (errno == EINTR || errno == EDEADLK))
        sched_yield();
}

void share_lock(const Share *share)
{
    lock_body(share, F_WRLCK);
}

void share_unlock(const Share *share)
{
    lock_body(share, F_UNLCK);
}

uint64_t share_stamp(void)
{
    static atomic_uint_fast64_t made;       /* the number, and whose it is */
    uint_fast64_t before = atomic_load(&made);
    uint32_t number = 0;

    if ((uint32_t)before == (uint32_t)getpid())
        return before >> 32 << 32;
    while (getrandom(&number, sizeof number, 0) != sizeof number || (number & STAMPS) == 0)
        continue;
    uint64_t own = (uint64_t)(number & STAMPS) << 32 | (uint32_t)getpid();
    if (!atomic_compare_exchange_strong(&made, &before, own))
        own = before;           /* another thread was first */
    return own >> 32 << 32;
}

/* Of the members in a range one whose lock is held elsewhere, or 0. */
static long holder(const Share *share, unsigned from, unsigned count)
{
    struct flock lock = lock_of(from, count);

    if (fcntl(share->file, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid;
}

bool share_has_member(const Share *share, unsigned member)
{
    return member == share->member || holder(share, member, 1) != 0;
}

long share_other(const Share *share)
{
    return holder(share, 1, SHARE_MEMBERS - 1);
}
