/*
 * copy: the function that moves memory.
 *
 * A copy that does not fit is a violation; in faithful mode the copy then goes
 * as far as it can, where a device would write over other memory.
 */
#include "api/copy.h"

#include <string.h>

#include "api/place.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/imports.h"
#include "memory/memory.h"
#include "memory/written.h"
#include "runtime/context.h"
#include "runtime/visible.h"
#include "stream/order.h"

/* Where a kind of copy says that its destination or source lies. */
static Side side_of(aclrtMemcpyKind kind, bool source)
{
    switch (kind) {
    case ACL_MEMCPY_HOST_TO_HOST:
        return HOST;
    case ACL_MEMCPY_HOST_TO_DEVICE:
    case ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE:
        return source ? HOST : DEVICE;
    case ACL_MEMCPY_DEVICE_TO_HOST:
        return source ? DEVICE : HOST;
    case ACL_MEMCPY_DEVICE_TO_DEVICE:
        return DEVICE;
    default:
        return ANY;
    }
}

static int copy_check_sides(const void *dst, const void *src, aclrtMemcpyKind kind)
{
    int to = side_check(dst, side_of(kind, false), "dst");
    int from = side_check(src, side_of(kind, true), "src");

    return strict_only(to, from);
}

static bool overlap(const unsigned char *a, const unsigned char *b, size_t count)
{
    uintptr_t distance = a > b ? (uintptr_t)a - (uintptr_t)b : (uintptr_t)b - (uintptr_t)a;

    return distance < count;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Finds both sides and checks that they are large enough and apart. */
static int copy_find(const void *dst, const void *src, size_t count, Place *to, Place *from)
{
    int status = place_find(dst, "dst", to);

    if (status == E_NONE)
        status = place_find(src, "src", from);
    if (status != E_NONE)
        return status;
    int beyond = place_check(to, dst, count, "dst");
    int before = place_check(from, src, count, "src");
    status = strict_only(beyond, before);
    if (status == E_NONE && overlap(to->bytes, from->bytes, count))
        status = strict_only(violate(V_OVERLAP,
                                     "dst %p and src %p, %zu "
                                     "bytes",
                                     dst, src, count),
                             E_NONE);
    return status;
}

unsigned char *copy_reach(const void *address, size_t count)
{
    size_t room = host_room(address);
    unsigned char *bytes =
        device_owns(address) ? device_peek(address, &room) : (unsigned char *)(uintptr_t)address;

    return bytes != NULL && count <= room ? bytes : NULL;
}

int copy_move(void *dst, const void *src, size_t count)
{
    Place to = {0};
    Place from = {0};
    int status = copy_find(dst, src, count, &to, &from);

    if (status != E_NONE)
        return status;
    size_t size = smallest(count, to.room, from.room);
    memmove(to.bytes, from.bytes, size);
    device_copied(dst, src, size);
    return E_NONE;
}

int copy_check(const void *dst, const void *src, aclrtMemcpyKind kind)
{
    if (dst == NULL)
        return refuse(E_PARAM, "dst is NULL");
    if (src == NULL)
        return refuse(E_PARAM, "src is NULL");
    if ((int)kind < 0 || kind > ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE)
        return refuse(E_PARAM, "kind %d is not one of 0..5", (int)kind);
    return context_needed();
}

static int check_room(size_t count, size_t destMax)
{
    if (count <= destMax)
        return E_NONE;
    return refuse(E_RT_PARAM, "count %zu is more than destMax %zu", count, destMax);
}

int copy_look(const void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind)
{
    Place to = {0};
    Place from = {0};
    int status = check_room(count, destMax);

    if (status == E_NONE)
        status = copy_check_sides(dst, src, kind);
    return status != E_NONE ? status : copy_find(dst, src, count, &to, &from);
}

int copy_check_order(const void *dst, const void *src, size_t count)
{
    int status = order_check_host(CLAIM_MEMORY, dst, count, true, "the copy writes");

    return status != E_NONE ? status
                            : order_check_host(CLAIM_MEMORY, src, count, false, "the copy reads");
}

static bool is_remote(const void *address)
{
    int chip = import_chip(address);

    return chip >= 0 && chip != visible_device(device_index(address));
}

int copy_check_peer(const void *dst, const void *src, aclrtMemcpyKind kind, bool async)
{
    bool to = is_remote(dst);

    if ((!to && !is_remote(src)) || (async && kind == ACL_MEMCPY_DEVICE_TO_DEVICE))
        return E_NONE;
    return strict_only(violate(V_PEER_COPY, "%s %p, kind %d, %s", to ? "dst" : "src",
                               to ? dst : src, (int)kind, async ? "asynchronous" : "synchronous"),
                       E_NONE);
}

static int copy(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind)
{
    int status = check_room(count, destMax);

    if (status != E_NONE || dst == src)
        return status;
    status = copy_check_sides(dst, src, kind);
    if (status == E_NONE)
        status = copy_check_peer(dst, src, kind, false);
    if (status == E_NONE)
        status = copy_check_order(dst, src, count);
    return status != E_NONE ? status : copy_move(dst, src, count);
}

aclError aclrtMemcpy(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind)
{
    ENTER(aclrtMemcpy, "dst=%p, destMax=%zu, src=%p, count=%zu, kind=%d", dst, destMax, src, count,
          (int)kind);
    if (count == 0)
        LEAVE(E_NONE);
    int status = copy_check(dst, src, kind);
    call.bytes = count;
    LEAVE(status != E_NONE ? status : copy(dst, destMax, src, count, kind));
}
