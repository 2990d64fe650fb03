#include "memory/closed_keys.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/codes.h"
#include "base/locks.h"
#include "base/share.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/violations.h"

enum { KEPT = 256 };

typedef struct ClosedKey {
    char key[SHARE_KEY];
    Origin made;
    Origin closed;
} ClosedKey;

static struct {
    pthread_mutex_t lock;
    ClosedKey key[KEPT];
    size_t count;               /* ever; the newest replaces the oldest */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void key_closed(const char *key, Origin made)
{
    pthread_mutex_lock(&state.lock);
    ClosedKey *kept = &state.key[state.count++ % KEPT];
    snprintf(kept->key, sizeof kept->key, "%s", key);
    kept->made = made;
    kept->closed = call_origin();
    pthread_mutex_unlock(&state.lock);
}

static const ClosedKey *find_locked(const char *key)
{
    size_t kept = state.count < KEPT ? state.count : KEPT;

    for (size_t i = 1; i <= kept; i++) {
        const ClosedKey *one = &state.key[(state.count - i) % KEPT];
        if (strcmp(one->key, key) == 0)
            return one;
    }
    return NULL;
}

int key_complain(const char *key)
{
    char text[HISTORY_SIZE] = "";

    pthread_mutex_lock(&state.lock);
    const ClosedKey *found = find_locked(key);
    if (found != NULL)
        history_text(found->made, found->closed, text);
    pthread_mutex_unlock(&state.lock);
    if (*text != '\0')
        violate(V_KEY_CLOSED, "key \"%.64s\", %s", key, text);
    else
        violate(V_UNKNOWN_KEY, "key \"%.64s\"", key);
    return E_RT_DRIVER;
}

static void forget_all(void)
{
    state.count = 0;
}

KEEPER(KEEPER_CLOSED_KEYS, forget_all, NULL)
