#include "call/chosen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "call/fork.h"
#include "call/settings.h"

enum { CHOSEN_MAX = 32 };

static struct {
    pthread_mutex_t lock;
    char *value[CHOSEN_MAX];    /* owned; NULL: the default */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void chosen_keep(size_t i, const char *value)
{
    if (i >= CHOSEN_MAX)
        return;
    pthread_mutex_lock(&state.lock);
    free(state.value[i]);
    state.value[i] = strdup(value);
    pthread_mutex_unlock(&state.lock);
}

bool chosen_is(size_t i)
{
    pthread_mutex_lock(&state.lock);
    bool kept = i < CHOSEN_MAX && state.value[i] != NULL;
    pthread_mutex_unlock(&state.lock);
    return kept;
}

void chosen_reset(void)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < CHOSEN_MAX; i++) {
        free(state.value[i]);
        state.value[i] = NULL;
    }
    pthread_mutex_unlock(&state.lock);
}

static void write_value(Text *text, size_t i)
{
    const char *value = state.value[i];

    text_add(text, "{\"key\": \"%s\", \"value\": ", settings_key(i));
    text_add_string(text, value != NULL ? value : settings_default(i));
    text_add(text, "}\n");
}

void chosen_read(Text *text)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < CHOSEN_MAX && settings_key(i) != NULL; i++)
        if (settings_default(i) != NULL)
            write_value(text, i);
    pthread_mutex_unlock(&state.lock);
}
