/*
 * copy: the checks and the moving that all copies share.
 */
#ifndef FAKE_COPY_H
#define FAKE_COPY_H

#include <stdbool.h>

#include "base/acl.h"

/* The checks of a copy, in ACL's order, up to the question of the device. */
int copy_check(const void *dst, const void *src, aclrtMemcpyKind kind);

/*
 * Does memory imported from another card take the copy? 0, or the status of a
 * violation.
 */
int copy_check_peer(const void *dst, const void *src, aclrtMemcpyKind kind, bool async);

/* The checks of sides and bounds: 0, or the status of a violation. */
int copy_look(const void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind);

/* May the host touch both sides, or is a stream still at work on them? */
int copy_check_order(const void *dst, const void *src, size_t count);

/* The bytes behind an address that has so many of them left, or NULL. */
unsigned char *copy_reach(const void *address, size_t count);

/* Moves; what became wrong since the look is a violation. */
int copy_move(void *dst, const void *src, size_t count);

/* Can a stream reach it on its own? Pinned host memory, or a device's. */
bool copy_is_reachable(const void *address);

/* Host to host, said or found out, is not for a stream on a PCIe card. */
int copy_check_async_kind(const void *dst, const void *src, aclrtMemcpyKind kind);

#endif
