#include "memory/imports.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codes.h"
#include "base/locks.h"
#include "call/message.h"
#include "memory/closed_keys.h"
#include "memory/exports.h"
#include "memory/memory.h"

typedef struct Import {
    struct Import *next;        /* the one before it */
    Share *share;
    uintptr_t address;
    size_t size;
    Origin made;
} Import;

static struct {
    pthread_mutex_t lock;
    Import *first;
    atomic_int count;           /* read without the lock: mostly none */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static bool is_gone(const Share *share)
{
    const Exported *body = share_body(share);

    return atomic_load(&body->ended) || !share_has_member(share, 0);
}

static bool is_allowed(const Exported *body)
{
    unsigned count = atomic_load(&body->allowed);

    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&body->process[i]) == (int)getpid())
            return true;
    return body->anybody;
}

/* May this process have it? 0, or a status. */
static int check_share(const Share *share, const ImportTerms *terms)
{
    const Exported *body = share_body(share);

    if (share_member(share) == 0)
        return refuse(E_RT_DRIVER, "this process has exported the key itself; "
                                   "another one imports it");
    if (is_gone(share))
        return refuse(E_RT_DRIVER, "the process that exported the key has closed it or has ended");
    if (!is_allowed(body))
        return refuse(E_RT_DRIVER,
                      "process %ld is not among the %u that aclrtIpcMemSetImportPid let import "
                      "the key",
                      (long)getpid(), atomic_load(&body->allowed));
    return terms->reach(terms->device, body->chip);
}

/* The exporter's arena, checked to be the right file; -1: it is not there. */
static int open_arena(const Share *share)
{
    const Exported *body = share_body(share);
    struct stat about;
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/fd/%d", share_maker(share), body->file);
    int file = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return -1;
    if (fstat(file, &about) == 0 && about.st_dev == body->device && about.st_ino == body->inode)
        return file;
    close(file);
    return -1;
}

static void *map(const Share *share, int device)
{
    const Exported *body = share_body(share);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    ArenaPages pages = {open_arena(share), body->window, body->offset,
                        (body->size + page - 1) / page * page};

    if (pages.file < 0)
        return NULL;
    void *address = device_borrow(device, body->size, &pages);
    close(pages.file);
    return address;
}

/* The share is the import's from here on, or closed. */
static int import_share(Share *share, const ImportTerms *terms, void **address)
{
    int status = check_share(share, terms);
    Import *import = status == E_NONE ? calloc(1, sizeof *import) : NULL;

    if (status == E_NONE) {
        *address = import != NULL ? map(share, terms->device) : NULL;
        if (*address == NULL)
            status = refuse(E_RT_DRIVER, "the key's memory is no longer there, or this process "
                                         "has no address space for it");
    }
    if (status != E_NONE) {
        free(import);
        share_close(share);
        return status;
    }
    Exported *body = share_body(share);
    uses_begin(share, &body->uses, (uintptr_t)*address, body->size, false);
    pthread_mutex_lock(&state.lock);
    *import = (Import){state.first, share, (uintptr_t)*address, body->size, call_origin()};
    state.first = import;
    atomic_fetch_add(&state.count, 1);
    pthread_mutex_unlock(&state.lock);
    return E_NONE;
}

int import_open(const char *key, const ImportTerms *terms, void **address)
{
    const char *why = NULL;
    Share *share = share_open(SHARE_MEMORY, key, sizeof(Exported), &why);

    if (share == NULL)
        return refuse(E_RT_DRIVER, "key \"%.64s\" %s", key, why);
    return import_share(share, terms, address);
}

/* The oldest import of a key; NULL there: none. The lock is held. */
static Import **link_of(const char *key)
{
    Import **found = NULL;
    Import **link = &state.first;

    for (; *link != NULL; link = &(*link)->next)
        if (strcmp(share_key((*link)->share), key) == 0)
            found = link;
    return found != NULL ? found : link;
}

const void *import_oldest(const char *key, size_t *size)
{
    pthread_mutex_lock(&state.lock);
    const Import *import = *link_of(key);
    const void *address = import != NULL ? (const void *)import->address : NULL;
    if (import != NULL)
        *size = import->size;
    pthread_mutex_unlock(&state.lock);
    return address;
}

static void end(Import *import)
{
    const Exported *body = share_body(import->share);

    uses_end(&body->uses, import->address);
    device_unborrow((void *)import->address);
    key_closed(share_key(import->share), import->made);
    share_close(import->share);
    free(import);
}

int import_close(const char *key)
{
    pthread_mutex_lock(&state.lock);
    Import **link = link_of(key);
    Import *import = *link;
    if (import != NULL) {
        *link = import->next;
        atomic_fetch_sub(&state.count, 1);
    }
    pthread_mutex_unlock(&state.lock);
    if (import == NULL)
        return key_complain(key);
    end(import);
    return E_NONE;
}

/* The import around an address, or NULL. The lock is held. */
static const Import *import_at(const void *address)
{
    for (const Import *import = state.first; import != NULL; import = import->next)
        if ((uintptr_t)address - import->address < import->size)
            return import;
    return NULL;
}

bool import_is_lost(const void *address)
{
    if (atomic_load(&state.count) == 0)
        return false;
    pthread_mutex_lock(&state.lock);
    const Import *import = import_at(address);
    bool lost = import != NULL && is_gone(import->share);
    pthread_mutex_unlock(&state.lock);
    return lost;
}

int import_chip(const void *address)
{
    int chip = -1;

    if (atomic_load(&state.count) == 0)
        return chip;
    pthread_mutex_lock(&state.lock);
    const Import *import = import_at(address);
    if (import != NULL)
        chip = ((const Exported *)share_body(import->share))->chip;
    pthread_mutex_unlock(&state.lock);
    return chip;
}

static void forget_all(void)
{
    while (state.first != NULL) {
        Import *import = state.first;
        state.first = import->next;
        end(import);
    }
    atomic_store(&state.count, 0);
}

KEEPER(KEEPER_IMPORTS, forget_all, NULL)
