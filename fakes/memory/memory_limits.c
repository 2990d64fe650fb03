/*
 * memory_limits: how much memory the devices have, as settings.
 */
#include <string.h>

#include "call/settings.h"
#include "memory/device_heaps.h"

#define MEMORY_MAX (UINT64_C(1) << 40)

/*
 * May the devices have so much memory from now on? Not more than they were
 * born with while any of it is in use.
 */
static bool resize(uint64_t memory)
{
    bool possible = true;

    pthread_mutex_lock(&device_heaps.lock);
    for (int i = 0; i < device_heaps.opened; i++) {
        Heap *device = &device_heaps.device[i];
        if (!atomic_load(&device->open) || memory <= device->born_with)
            continue;
        if (device->all.count == 0)
            heap_close(device);
        else
            possible = false;
    }
    pthread_mutex_unlock(&device_heaps.lock);
    return possible;
}

static const char *set_memory(const char *value)
{
    uint64_t number;

    if (!setting_number(value, 1, MEMORY_MAX, &number))
        return "a number of bytes from 1 to 1 TiB";
    if (!resize(number))
        return "not more memory than the devices were born with, while it is "
               "in use";
    settings.memory = number;
    return NULL;
}

SETTING(SETTING_MEMORY, "memory", set_memory, NULL)

/* Every allocation fails once the devices have given so many bytes more. */
static const char *set_memory_ends(const char *value)
{
    uint64_t number = UINT64_MAX;

    if (strcmp(value, "never") != 0 && !setting_number(value, 0, MEMORY_MAX, &number))
        return "a number of bytes up to 1 TiB, or never";
    pthread_mutex_lock(&device_heaps.lock);
    device_heaps.ends = number;
    pthread_mutex_unlock(&device_heaps.lock);
    return NULL;
}

SETTING(SETTING_MEMORY_ENDS, "memory_ends", set_memory_ends, "never")
