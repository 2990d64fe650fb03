/*
 * host_memory: the host memory that aclrtMallocHost handed out, and what can
 * be told about host addresses in general.
 *
 * Most host addresses are the user's own and nothing is known about them.
 * Known are: the ranges of device memory and of handles, which the host
 * cannot reach, and the allocations of this file, whose ends are checked.
 */
#ifndef FAKE_HOST_MEMORY_H
#define FAKE_HOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "call/calls.h"
#include "call/keepers.h"

/* Ordinary memory, 64-byte aligned, filled as fresh memory looks, or NULL. */
void *host_alloc(size_t size);

/* Frees what host_alloc() returned: 0, or the status of a violation. */
int host_free(void *address);

/*
 * Makes memory of the program's own known, as if host_alloc() had made it: 0,
 * or 507910 where any of it is known already.
 */
int host_register(void *address, size_t size);

/* Forgets it: 0, or 507911 for what host_register() was not given. */
int host_unregister(void *address);

/*
 * How many bytes may be touched from a host address on: to the end of its
 * allocation, or SIZE_MAX where nothing is known.
 */
size_t host_room(const void *address);

/*
 * 0 when the host can, as far as is known, touch the address; otherwise the
 * status of a violation that names the argument.
 */
int host_check(const void *address, const char *argument);

/*
 * What NOT_NULL refuses: an argument that is NULL (100000) or that the host
 * cannot reach. 0 otherwise.
 */
int argument_check(const void *address, const char *argument);

#define NOT_NULL(argument) \
    do { \
        int wrong = argument_check(argument, #argument); \
        if (wrong != E_NONE) \
            LEAVE(wrong); \
    } while (0)

/*
 * The calls that made and freed the host memory around an address, as
 * device_history() tells them of device memory.
 */
const char *host_history(const void *address, char *text);

#endif
