/*
 * host_owners: host memory of the program's own that nobody owns any more.
 *
 * Only the program knows that. A layer that hands out pointers into objects of
 * its language tells it by aclfakeHost(), as acl_bundle.pyacl does.
 */
#ifndef FAKE_HOST_OWNERS_H
#define FAKE_HOST_OWNERS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on a range has no owner, or has one again. False: no memory. */
bool host_set_owned(const void *address, size_t size, bool owned);

/* Keeps a violation that names the argument, where its memory has no owner. */
void host_check_owner(const void *address, const char *argument);

#endif
