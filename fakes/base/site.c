#include "base/site.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FRAMES_MAX = 64 };

/* The call lies before its return address, maybe as the last of a function. */
static bool look_up(const void *address, Dl_info *info, struct link_map **map)
{
    const void *call = (const char *)address - 1;

    return dladdr1(call, info, (void **)map, RTLD_DL_LINKMAP) != 0 && info->dli_fname != NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

const char *site_text(const void *address, char *text)
{
    Dl_info info;
    struct link_map *map;

    *text = '\0';
    if (address == NULL)
        return text;
    if (!look_up(address, &info, &map)) {
        snprintf(text, SITE_SIZE, "%p", address);
        return text;
    }
    uintptr_t offset = (uintptr_t)address - 1 - map->l_addr;
    const char *file = base_name(info.dli_fname);
    if (info.dli_sname == NULL)
        snprintf(text, SITE_SIZE, "%.100s+0x%zx", file, (size_t)offset);
    else
        snprintf(text, SITE_SIZE, "%.100s+0x%zx (%.100s+0x%zx)", info.dli_sname,
                 (size_t)((uintptr_t)address - 1 - (uintptr_t)info.dli_saddr), file,
                 (size_t)offset);
    return text;
}

/* The module that an interpreter of Python lies in, if one is here. */
static const void *interpreter(void)
{
    Dl_info info;
    const void *python = dlsym(RTLD_DEFAULT, "Py_GetVersion");

    return python != NULL && dladdr(python, &info) != 0 ? info.dli_fbase : NULL;
}

/* Does the program's own code end here? */
static bool is_outside(const void *address, const void *python)
{
    Dl_info info;
    struct link_map *map;

    return !look_up(address, &info, &map) || info.dli_fbase == python ||
           strncmp(base_name(info.dli_fname), "libc.so", 7) == 0 ||
           strncmp(base_name(info.dli_fname), "libpthread", 10) == 0 ||
           (info.dli_sname != NULL && strcmp(info.dli_sname, "_start") == 0);
}

/* What lies between a callback and who made this library call it. */
static bool is_own(const void *address)
{
    static const char own_code[] = "";
    Dl_info own;
    Dl_info info;

    return dladdr(own_code, &own) != 0 && dladdr(address, &info) != 0 &&
           own.dli_fbase == info.dli_fbase;
}

size_t site_stack(const void *caller, const void **stack)
{
    void *frames[FRAMES_MAX];
    int count = caller != NULL ? backtrace(frames, FRAMES_MAX) : 0;
    const void *python = count > 0 ? interpreter() : NULL;
    size_t used = 0;
    int i = 0;

    while (i < count && frames[i] != caller)
        i++;
    if (caller != NULL)
        stack[used++] = caller;
    for (i++; i < count && used < STACK_MAX && !is_outside(frames[i], python); i++)
        if (!is_own(frames[i]))
            stack[used++] = frames[i];
    return used;
}
