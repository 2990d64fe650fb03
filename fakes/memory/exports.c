#include "memory/exports.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/codes.h"
#include "base/locks.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/tally.h"
#include "call/violations.h"
#include "memory/closed_keys.h"
#include "memory/memory.h"

typedef struct Export {
    struct Export *next;
    Share *share;
    uintptr_t start;
    size_t size;
    Origin made;
} Export;

static struct {
    pthread_mutex_t lock;
    Export *first;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static Exported *body_of(const Export *export)
{
    return share_body(export->share);
}

/* The export of a key; NULL: this process has none. The lock is held. */
static Export **link_of(const char *key)
{
    Export **link = &state.first;

    while (*link != NULL && strcmp(share_key((*link)->share), key) != 0)
        link = &(*link)->next;
    return link;
}

/* An export that has a byte of a range, or NULL. The lock is held. */
static const Export *export_in(uintptr_t start, size_t size)
{
    for (const Export *export = state.first; export != NULL; export = export->next)
        if (start < export->start + export->size && export->start < start + size)
            return export;
    return NULL;
}

/* Which kind of pages it is, in a message. */
static const char *page_text(uint32_t page)
{
    return page == PAGE_NORMAL ? "4 KiB" : page == PAGE_HUGE ? "2 MiB" : "1 GiB";
}

static int check_range(const void *address, size_t size, const DeviceRange *range)
{
    char text[HISTORY_SIZE];

    if (range->owner == OWNER_LIBRARY || range->owner == OWNER_IMPORT)
        return refuse(E_RT_DRIVER, "devPtr %p is not memory of aclrtMalloc, %s", address,
                      device_history(address, text));
    if (size > range->size - ((uintptr_t)address - range->start))
        return refuse(E_RT_DRIVER, "size %zu reaches past the end of devPtr %p, %s", size, address,
                      device_history(address, text));
    if (range->size % range->page == 0 && ((uintptr_t)address - range->start) % range->page == 0)
        return E_NONE;
    return refuse(E_RT_DRIVER,
                  "devPtr %p, in an allocation of %zu bytes, does not start a page of its kind, "
                  "%s: memory that is shared is allocated in whole pages",
                  address, range->size, page_text(range->page));
}

/* The range of memory that can be exported: 0, or a status. */
static int find_range(const void *address, size_t size, DeviceRange *range)
{
    static const Origin alive;
    char text[HISTORY_SIZE];

    if (!device_find(address, range))
        return refuse(E_RT_DRIVER, "devPtr %p is not device memory of this process", address);
    int status = check_range(address, size, range);
    const Export *other = export_in((uintptr_t)address, size);
    if (status == E_NONE && other != NULL)
        status = refuse(E_RT_DRIVER, "devPtr %p is exported already, as %s, %s", address,
                        share_key(other->share), history_text(other->made, alive, text));
    return status;
}

/* What others need to find the memory. False: the arena's file is not there. */
static bool describe(Exported *body, const void *address, size_t size)
{
    const Arena *arena = device_arena(address);
    struct stat about;

    if (arena == NULL || fstat(arena->file, &about) != 0)
        return false;
    body->file = arena->file;
    body->device = about.st_dev;
    body->inode = about.st_ino;
    body->window = arena->size;
    body->offset = (uintptr_t)address - arena->base;
    body->size = size;
    return true;
}

static int make_locked(const void *address, size_t size, int chip, bool anybody, char *key)
{
    DeviceRange range;
    int status = find_range(address, size, &range);

    if (status != E_NONE)
        return status;
    Export *export = calloc(1, sizeof *export);
    Share *share = export == NULL ? NULL : share_make(SHARE_MEMORY, sizeof(Exported));
    if (share == NULL || !describe(share_body(share), address, size)) {
        if (share != NULL)
            share_close(share);
        free(export);
        return refuse(E_RT_DRIVER, "this process has no memory or no file descriptor for a key");
    }
    *export = (Export){state.first, share, (uintptr_t)address, size, call_origin()};
    state.first = export;
    body_of(export)->chip = chip;
    body_of(export)->anybody = anybody;
    uses_begin(share, &body_of(export)->uses, (uintptr_t)address, size, true);
    strcpy(key, share_key(share));
    tally_made("export key");
    return E_NONE;
}

int export_make(void *address, size_t size, int chip, bool anybody, char *key)
{
    pthread_mutex_lock(&state.lock);
    int status = make_locked(address, size, chip, anybody, key);
    pthread_mutex_unlock(&state.lock);
    return status;
}

static int allow_locked(const char *key, const int32_t *process, size_t count)
{
    const Export *export = *link_of(key);

    if (export == NULL)
        return refuse(E_RT_DRIVER, "this process has not exported key \"%.64s\"", key);
    Exported *body = body_of(export);
    unsigned known = atomic_load(&body->allowed);
    if (count > EXPORT_ALLOWED - known)
        return refuse(E_RT_DRIVER, "key \"%.64s\" would name %zu processes, and may name %d", key,
                      known + count, EXPORT_ALLOWED);
    for (size_t i = 0; i < count; i++)
        atomic_store(&body->process[known + i], process[i]);
    atomic_store(&body->allowed, known + (unsigned)count);
    return E_NONE;
}

int export_allow(const char *key, const int32_t *process, size_t count)
{
    pthread_mutex_lock(&state.lock);
    int status = allow_locked(key, process, count);
    pthread_mutex_unlock(&state.lock);
    return status;
}

/* The key is no more; importers see it. The lock is held. */
static void end(Export **link)
{
    Export *export = *link;

    *link = export->next;
    uses_end(&body_of(export)->uses, export->start);
    atomic_store(&body_of(export)->ended, true);
    key_closed(share_key(export->share), export->made);
    share_close(export->share);
    free(export);
}

static int close_locked(const char *key)
{
    Export **link = link_of(key);

    if (*link == NULL)
        return key_complain(key);
    long other = share_other((*link)->share);
    int status = E_NONE;
    if (other != 0)
        status = violate(V_KEY_IMPORTED, "key \"%.64s\", by process %ld", key, other);
    if (status != E_NONE && settings.strict)
        return status;
    end(link);
    return E_NONE;
}

int export_close(const char *key)
{
    pthread_mutex_lock(&state.lock);
    int status = close_locked(key);
    pthread_mutex_unlock(&state.lock);
    return status;
}

static int check_free_locked(const DeviceRange *range)
{
    const Export *export = export_in(range->start, range->size);
    char text[HISTORY_SIZE];

    if (export == NULL)
        return E_NONE;
    long other = share_other(export->share);
    return violate(V_EXPORTED_MEMORY, "devPtr 0x%llx, key by %s, %s",
                   (unsigned long long)range->start, origin_text(export->made, text, sizeof text),
                   other != 0 ? "imported by another process" : "imported by nobody");
}

static void end_in(const DeviceRange *range)
{
    Export **link = &state.first;

    while (*link != NULL)
        if ((*link)->start - range->start < range->size)
            end(link);
        else
            link = &(*link)->next;
}

int export_check_free(const void *address)
{
    DeviceRange range;

    if (!device_find(address, &range) || range.start != (uintptr_t)address)
        return E_NONE;
    pthread_mutex_lock(&state.lock);
    int status = check_free_locked(&range);
    if (status != E_NONE && !settings.strict)
        end_in(&range);
    pthread_mutex_unlock(&state.lock);
    return settings.strict ? status : E_NONE;
}

static void list_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&state.lock);
    for (const Export *export = state.first; export != NULL; export = export->next)
        visit(&(Live){"export key", export->start, export->made, export->size}, to);
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    while (state.first != NULL)
        end(&state.first);
}

KEEPER(KEEPER_EXPORTS, forget_all, list_live)
