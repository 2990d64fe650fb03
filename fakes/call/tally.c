#include "call/tally.h"

#include <pthread.h>
#include <string.h>

#include "base/locks.h"
#include "call/keepers.h"

enum { KINDS_MAX = 64 };

static struct {
    pthread_mutex_t lock;
    size_t count;
    struct {
        const char *kind;
        uint64_t made;
    } row[KINDS_MAX];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void tally_made(const char *kind)
{
    size_t i = 0;

    pthread_mutex_lock(&state.lock);
    while (i < state.count && strcmp(state.row[i].kind, kind) != 0)
        i++;
    if (i < KINDS_MAX) {
        state.row[i].kind = kind;
        state.row[i].made++;
        if (i == state.count)
            state.count++;
    }
    pthread_mutex_unlock(&state.lock);
}

const char *tally_row(size_t i, uint64_t *made)
{
    const char *kind = NULL;

    pthread_mutex_lock(&state.lock);
    if (i < state.count) {
        kind = state.row[i].kind;
        *made = state.row[i].made;
    }
    pthread_mutex_unlock(&state.lock);
    return kind;
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    memset(state.row, 0, sizeof state.row);
    state.count = 0;
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_TALLY, forget_all, NULL)
