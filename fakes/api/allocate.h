/*
 * allocate: device memory of the user's, for whichever function gives it out.
 */
#ifndef FAKE_ALLOCATE_H
#define FAKE_ALLOCATE_H

#include "base/acl.h"
#include "memory/memory.h"

enum { ALLOCATION_PADDING = 32 };

/* Takes memory of the context's device: 0, or a status. padding is taken besides. */
int allocate(void **devPtr, size_t size, aclrtMemMallocPolicy policy, size_t padding, Owner owner);

/* Checks a configuration, which may be NULL: 0, or a status. */
int allocate_check_config(const aclrtMallocConfig *cfg);

/* Gives it back: 0, or the status of a violation, for what is in use among others. */
int allocate_free(void *devPtr, Owner owner);

#endif
