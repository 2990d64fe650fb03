#include "memory/objects.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/locks.h"
#include "call/keepers.h"
#include "call/tally.h"
#include "call/violations.h"

enum {
    HANDLE_STEP = 16,           /* bytes between two handles */
    CHUNK_SLOTS = 4096,
    CHUNKS = 4096,
    QUARANTINE = 16384          /* deaths until a slot is used again */
};

#define SLOTS ((size_t)CHUNK_SLOTS * CHUNKS)
#define NO_SLOT SIZE_MAX

typedef struct Slot {
    atomic_int kind;            /* KIND_NONE: never used */
    atomic_bool alive;
    void *body;
    void (*release)(void *body);
    const void *owner;
    Origin made;
    Origin killed;
    size_t next;                /* in the queue of the dead */
} Slot;

/* The dead wait in a queue: oldest first, killed ones go to its end. */
static struct {
    pthread_mutex_t lock;
    unsigned char *range;       /* of handles; PROT_NONE; stays for ever */
    _Atomic(Slot *) chunk[CHUNKS];
    size_t used;
    size_t dead;
    size_t first;
    size_t last;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .first = NO_SLOT};

HELD_OVER_FORK(state.lock)

static bool reserve_range(void)
{
    if (state.range != NULL)
        return true;
    void *range = mmap(NULL, SLOTS * HANDLE_STEP, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED)
        return false;
    state.range = range;
    return true;
}

static Slot *slot_at(size_t index)
{
    Slot *chunk = atomic_load_explicit(&state.chunk[index / CHUNK_SLOTS], memory_order_acquire);

    return chunk == NULL ? NULL : &chunk[index % CHUNK_SLOTS];
}

bool object_is_handle(const void *address)
{
    return state.range != NULL && (uintptr_t)address - (uintptr_t)state.range < SLOTS * HANDLE_STEP;
}

/* The slot of a handle that was handed out at some time, or NULL. */
static Slot *slot_of(const void *handle)
{
    size_t offset = (uintptr_t)handle - (uintptr_t)state.range;

    if (!object_is_handle(handle) || offset % HANDLE_STEP != 0)
        return NULL;
    Slot *slot = slot_at(offset / HANDLE_STEP);
    if (slot == NULL || atomic_load(&slot->kind) == KIND_NONE)
        return NULL;
    return slot;
}

static void *handle_of(size_t index)
{
    return state.range + index * HANDLE_STEP;
}

/* A body whose slot another object has now. */
typedef struct Remains {
    void *body;
    void (*release)(void *body);
} Remains;

/* Without the lock: a release may take others, the streams' for one. */
static void remains_free(Remains remains)
{
    if (remains.release != NULL && remains.body != NULL)
        remains.release(remains.body);
    free(remains.body);
}

static Remains remains_of(const Slot *slot)
{
    return (Remains){slot->body, slot->release};
}

/* The index of an unused slot; a new one while the dead are few. */
static size_t slot_take(void)
{
    if (state.dead > QUARANTINE || state.used == SLOTS) {
        size_t index = state.first;
        if (index == NO_SLOT)
            return NO_SLOT;
        state.first = slot_at(index)->next;
        state.dead--;
        return index;
    }
    _Atomic(Slot *) *chunk = &state.chunk[state.used / CHUNK_SLOTS];
    if (atomic_load(chunk) == NULL)
        atomic_store(chunk, calloc(CHUNK_SLOTS, sizeof(Slot)));
    return atomic_load(chunk) == NULL ? NO_SLOT : state.used++;
}

/* Brings a slot to life; readers see it only when it is complete. */
static void slot_fill(Slot *slot, Kind kind)
{
    slot->made = call_origin();
    atomic_store(&slot->kind, (int)kind);
    atomic_store_explicit(&slot->alive, true, memory_order_release);
}

void *object_new(Kind kind, size_t size, void (*release)(void *body), const void *owner,
                 void **handle)
{
    void *body = calloc(1, size);
    Remains before = {0};

    if (body == NULL)
        return NULL;
    pthread_mutex_lock(&state.lock);
    size_t index = reserve_range() ? slot_take() : NO_SLOT;
    if (index != NO_SLOT) {
        before = remains_of(slot_at(index));
        slot_at(index)->body = body;
        slot_at(index)->release = release;
        slot_at(index)->owner = owner;
        slot_fill(slot_at(index), kind);
        if (owner == NULL)
            tally_made(kind_name(kind));
        *handle = handle_of(index);
    }
    pthread_mutex_unlock(&state.lock);
    remains_free(before);
    if (index != NO_SLOT)
        return body;
    free(body);
    return NULL;
}

void *object_peek(const void *handle, Kind kind)
{
    Slot *slot = slot_of(handle);

    if (slot == NULL || !atomic_load_explicit(&slot->alive, memory_order_acquire) ||
        atomic_load_explicit(&slot->kind, memory_order_relaxed) != (int)kind)
        return NULL;
    return slot->body;
}

const char *object_history(const void *handle, char *text)
{
    static const Origin alive;
    const Slot *slot = slot_of(handle);

    if (slot == NULL)
        return strcpy(text, "never made");
    return history_text(slot->made, atomic_load(&slot->alive) ? alive : slot->killed, text);
}

/* ", an event": what a handle's argument does not say. */
static const char *described(Kind kind, const char *argument, char *text)
{
    *text = '\0';
    if (!kind_is_said(kind, argument))
        snprintf(text, HISTORY_SIZE, ", %s %s", kind_article(kind), kind_name(kind));
    return text;
}

/* "should be an event and " */
static const char *wanted(Kind kind, const char *argument, char *text)
{
    *text = '\0';
    if (!kind_is_said(kind, argument))
        snprintf(text, HISTORY_SIZE, "should be %s %s and ", kind_article(kind), kind_name(kind));
    return text;
}

/* Says why a handle is not what it should be. */
static void complain(const void *handle, Kind kind, const char *argument, ViolationId when_dead)
{
    Slot *slot = slot_of(handle);
    char text[HISTORY_SIZE];
    char kinds[HISTORY_SIZE];

    object_history(handle, text);
    if (slot == NULL) {
        violate(V_UNKNOWN_HANDLE, "%s %p%s", argument, handle, described(kind, argument, kinds));
        return;
    }
    Kind found = (Kind)atomic_load(&slot->kind);
    if (!atomic_load(&slot->alive))
        violate(when_dead, "%s %p%s, %s", argument, handle, described(found, argument, kinds),
                text);
    else
        violate(V_WRONG_KIND, "%s %p %sis %s %s, %s", argument, handle,
                wanted(kind, argument, kinds), kind_article(found), kind_name(found), text);
}

void *object_find(const void *handle, Kind kind, const char *argument)
{
    void *body = object_peek(handle, kind);

    if (body == NULL)
        complain(handle, kind, argument, V_DEAD_HANDLE);
    return body;
}

/* Ends the object of a slot. False when two threads destroy it and this is the second. */
static bool slot_die(const void *handle)
{
    Slot *slot = slot_of(handle);
    size_t index = ((uintptr_t)handle - (uintptr_t)state.range) / HANDLE_STEP;

    pthread_mutex_lock(&state.lock);
    bool ours = atomic_load(&slot->alive);
    if (ours) {
        slot->killed = call_origin();
        slot->next = NO_SLOT;
        atomic_store(&slot->alive, false);
        if (state.first == NO_SLOT)
            state.first = index;
        else
            slot_at(state.last)->next = index;
        state.last = index;
        state.dead++;
    }
    pthread_mutex_unlock(&state.lock);
    return ours;
}

bool object_destroy(const void *handle, Kind kind, const char *argument)
{
    if (object_peek(handle, kind) == NULL) {
        complain(handle, kind, argument, V_DOUBLE_DESTROY);
        return false;
    }
    if (slot_of(handle)->owner != NULL) {
        char text[HISTORY_SIZE];
        violate(V_NOT_OWNER, "%s %p belongs to %p, %s", argument, handle, slot_of(handle)->owner,
                object_history(handle, text));
        return false;
    }
    if (slot_die(handle))
        return true;
    complain(handle, kind, argument, V_DOUBLE_DESTROY);
    return false;
}

void object_kill(const void *handle)
{
    if (slot_of(handle) != NULL)
        slot_die(handle);
}

/* What an object owns is its own affair: only the owner is listed, without the bytes of its body. */
static void list_live(LiveVisitor *visit, void *to)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.used; i++) {
        Slot *slot = slot_at(i);
        if (!atomic_load(&slot->alive) || slot->owner != NULL)
            continue;
        visit(&(Live){kind_name((Kind)atomic_load(&slot->kind)), (uintptr_t)handle_of(i),
                      slot->made, 0},
              to);
    }
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    for (size_t i = 0; i < state.used; i++)
        remains_free(remains_of(slot_at(i)));
    for (size_t i = 0; i < CHUNKS; i++)
        free(atomic_exchange(&state.chunk[i], NULL));
    state.used = 0;
    state.dead = 0;
    state.first = NO_SLOT;
}

KEEPER(KEEPER_OBJECTS, forget_all, list_live)
