#include "runtime/visible.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/locks.h"
#include "call/settings.h"

static struct {
    pthread_mutex_t lock;
    bool read;
    char *list;                 /* owned */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

const char *visible_list(void)
{
    pthread_mutex_lock(&state.lock);
    if (!state.read) {
        const char *given = getenv("ASCEND_RT_VISIBLE_DEVICES");
        state.list = given != NULL ? strdup(given) : NULL;
        state.read = true;
    }
    const char *list = state.list;
    pthread_mutex_unlock(&state.lock);
    return list;
}

/* The device that a list goes on with; -1: it ends, or names none. */
static int next_device(const char **list)
{
    int device = -1;

    for (; **list >= '0' && **list <= '9'; (*list)++) {
        device = (device < 0 ? 0 : device) * 10 + (**list - '0');
        if (device >= settings.devices)
            return -1;
    }
    return device;
}

/* Into listed, which has room for all; not more are read than there are. */
static int read_list(const char *list, int *listed)
{
    int count = 0;

    while (count < settings.devices) {
        int device = next_device(&list);
        if (device < 0)
            break;
        if (count > 0 && device <= listed[count - 1])
            return 0;
        listed[count++] = device;
        if (*list++ != ',')
            break;
    }
    return count;
}

int visible_count(void)
{
    int listed[DEVICES_MAX];
    const char *list = visible_list();

    return list != NULL ? read_list(list, listed) : settings.devices;
}

int visible_device(int device)
{
    int listed[DEVICES_MAX];
    const char *list = visible_list();

    if (device < 0 || device >= visible_count())
        return -1;
    if (list == NULL)
        return device;
    read_list(list, listed);
    return listed[device];
}

void visible_reset(void)
{
    free(state.list);
    state.list = NULL;
    state.read = false;
}
