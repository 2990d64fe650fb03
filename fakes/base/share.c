#include "base/share.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/locks.h"

enum { BODY = 64 };             /* where the body begins, behind the tag */

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
        getrandom(share->block, SHARE_TAG, 0) != SHARE_TAG || !join(share, 0)) {
        release(share);
        return NULL;
    }
    share->maker = (unsigned)getpid();
    SharePlace place = {.process = share->maker, .file = (unsigned)share->file};
    memcpy(place.tag, share->block, SHARE_TAG);
    share_key_write(kind, &place, share->key);
    pthread_mutex_lock(&state.lock);
    keep_locked(share);
    pthread_mutex_unlock(&state.lock);
    return share;
}

/* The lock is held. */
static bool is_open_here(const struct stat *about)
{
    for (const Share *share = state.first; share != NULL; share = share->next)
        if (share->device == about->st_dev && share->inode == about->st_ino)
            return true;
    return false;
}

static Share *open_locked(const char *key, const SharePlace *place, size_t size, const char **why)
{
    for (Share *share = state.first; share != NULL; share = share->next)
        if (strcmp(share->key, key) == 0) {
            share->opened++;
            return share;
        }
    int file = share_key_open(place, BODY + size, is_open_here, why);
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
    share->maker = place->process;
    keep_locked(share);
    return share;
}

Share *share_open(ShareKind kind, const char *key, size_t size, const char **why)
{
    SharePlace place;

    *why = "was not made here: it is not a key";
    if (!share_key_read(kind, key, &place))
        return NULL;
    pthread_mutex_lock(&state.lock);
    Share *share = open_locked(key, &place, size, why);
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
