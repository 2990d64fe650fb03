#include "profile/names.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "memory/host_memory.h"

enum { NAME_SIZE = 128, BUCKETS = 256 };

typedef struct Name {
    struct Name *next;
    uint64_t id;
    char text[NAME_SIZE];       /* what is longer is cut */
} Name;

static struct {
    pthread_mutex_t lock;
    Name *names[BUCKETS];       /* by the last bits of their numbers */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/* The lock is held. */
static const Name *find(uint64_t id)
{
    const Name *name = state.names[id % BUCKETS];

    while (name != NULL && name->id != id)
        name = name->next;
    return name;
}

/* A number whose text is lost, where memory is short, is still the text's number. */
static void keep(uint64_t id, const char *text)
{
    pthread_mutex_lock(&state.lock);
    Name *made = find(id) == NULL ? calloc(1, sizeof *made) : NULL;
    if (made != NULL) {
        made->id = id;
        snprintf(made->text, sizeof made->text, "%s", text);
        made->next = state.names[id % BUCKETS];
        state.names[id % BUCKETS] = made;
    }
    pthread_mutex_unlock(&state.lock);
}

/* The same number for the same text, within a process and across them. */
uint64_t aclprofStr2Id(const char *message)
{
    ENTER_AS(aclprofStr2Id, 0, "message=%p", (const void *)message);
    uint64_t id = 14695981039346656037u;
    if (message == NULL || host_check(message, "message") != E_NONE)
        return 0;
    for (const char *at = message; *at != '\0'; at++)
        id = (id ^ (unsigned char)*at) * 1099511628211u;
    keep(id, message);
    return id;
}

void name_copy(uint64_t id, char *text, size_t size)
{
    pthread_mutex_lock(&state.lock);
    const Name *name = find(id);
    if (name != NULL)
        snprintf(text, size, "%s", name->text);
    else
        snprintf(text, size, "%llu", (unsigned long long)id);
    pthread_mutex_unlock(&state.lock);
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < BUCKETS; i++)
        while (state.names[i] != NULL) {
            Name *first = state.names[i];
            state.names[i] = first->next;
            free(first);
        }
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_NAMES, forget_all, NULL)
