/*
 * copy: the functions that move and fill memory.
 *
 * Each side of a copy is resolved to bytes this process can touch: a device
 * address through its allocation, a host address as it stands. What does not
 * fit is a violation; in faithful mode the copy then goes as far as it can,
 * where a device would write over other memory.
 */
#include "api/copy.h"

#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "memory/written.h"
#include "runtime/device.h"
#include "stream/order.h"

typedef enum Side { HOST, DEVICE, ANY } Side;

typedef struct Place {
    unsigned char *bytes;
    size_t room;
} Place;

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

/*
 * Checks one address against the side it should be on. A program that runs
 * on the device itself has no other side: all its memory is the device's.
 */
static int side_check(const void *address, Side side, const char *argument)
{
    bool device = device_owns(address);

    if (settings.run_mode == ACL_DEVICE)
        return E_NONE;
    if (side == ANY || device == (side == DEVICE))
        return E_NONE;
    return violate(V_WRONG_DIRECTION, "%s %p is %s memory", argument,
                   address, device ? "device" : "host");
}

/* Finds the bytes of one side; the status of a violation if it cannot. */
static int place_find(const void *address, const char *argument, Place *place)
{
    if (device_owns(address)) {
        place->bytes = device_peek(address, &place->room);
        return place->bytes != NULL ? E_NONE
                                    : device_complain(address, argument);
    }
    place->bytes = (unsigned char *)(uintptr_t)address;
    place->room = host_room(address);
    return host_check(address, argument);
}

static int place_check(const Place *place, const void *address, size_t count,
                       const char *argument)
{
    if (count <= place->room)
        return E_NONE;
    ViolationId id = device_owns(address) ? V_OUT_OF_BOUNDS
                                          : V_HOST_OUT_OF_BOUNDS;
    char text[HISTORY_SIZE];
    return violate(id, "%s %p has %zu bytes left, not %zu, %s", argument,
                   address, place->room, count,
                   device_owns(address) ? device_history(address, text)
                                        : host_history(address, text));
}

/* In strict mode the first status that is not 0, in faithful mode none. */
static int strict_only(int first, int second)
{
    if (!settings.strict)
        return E_NONE;
    return first != E_NONE ? first : second;
}

static int copy_check_sides(const void *dst, const void *src,
                            aclrtMemcpyKind kind)
{
    int to = side_check(dst, side_of(kind, false), "dst");
    int from = side_check(src, side_of(kind, true), "src");

    return strict_only(to, from);
}

static bool overlap(const unsigned char *a, const unsigned char *b,
                    size_t count)
{
    uintptr_t distance = a > b ? (uintptr_t)a - (uintptr_t)b
                               : (uintptr_t)b - (uintptr_t)a;

    return distance < count;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Finds both sides and checks that they are large enough and apart. */
static int copy_find(const void *dst, const void *src, size_t count,
                     Place *to, Place *from)
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
        status = strict_only(violate(V_OVERLAP, "dst %p and src %p, %zu "
                                     "bytes", dst, src, count), E_NONE);
    return status;
}

unsigned char *copy_reach(const void *address, size_t count)
{
    size_t room = host_room(address);
    unsigned char *bytes = device_owns(address)
                               ? device_peek(address, &room)
                               : (unsigned char *)(uintptr_t)address;

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
    return refuse(E_RT_PARAM, "count %zu is more than destMax %zu", count,
                  destMax);
}

int copy_look(const void *dst, size_t destMax, const void *src, size_t count,
              aclrtMemcpyKind kind)
{
    Place to = {0};
    Place from = {0};
    int status = check_room(count, destMax);

    if (status == E_NONE)
        status = copy_check_sides(dst, src, kind);
    return status != E_NONE ? status
                            : copy_find(dst, src, count, &to, &from);
}

int copy_check_order(const void *dst, const void *src, size_t count)
{
    int status = order_check_host(CLAIM_MEMORY, dst, count, true,
                                  "the copy writes");

    return status != E_NONE
               ? status
               : order_check_host(CLAIM_MEMORY, src, count, false,
                                  "the copy reads");
}

static int copy(void *dst, size_t destMax, const void *src, size_t count,
                aclrtMemcpyKind kind)
{
    int status = check_room(count, destMax);

    if (status != E_NONE || dst == src)
        return status;
    status = copy_check_sides(dst, src, kind);
    if (status == E_NONE)
        status = copy_check_order(dst, src, count);
    return status != E_NONE ? status : copy_move(dst, src, count);
}

aclError aclrtMemcpy(void *dst, size_t destMax, const void *src, size_t count,
                     aclrtMemcpyKind kind)
{
    ENTER(aclrtMemcpy, "dst=%p, destMax=%zu, src=%p, count=%zu, kind=%d",
          dst, destMax, src, count, (int)kind);
    if (count == 0)
        LEAVE(E_NONE);
    int status = copy_check(dst, src, kind);
    call.bytes = count;
    LEAVE(status != E_NONE ? status : copy(dst, destMax, src, count, kind));
}

static int fill_find(const void *devPtr, size_t count, Place *place)
{
    int status = place_find(devPtr, "devPtr", place);

    return status != E_NONE
               ? status
               : strict_only(place_check(place, devPtr, count, "devPtr"),
                             E_NONE);
}

int fill_look(const void *devPtr, size_t maxCount, size_t count)
{
    Place place = {0};

    if (devPtr == NULL)
        return refuse(E_PARAM, "devPtr is NULL");
    int status = context_needed();
    if (status == E_NONE && count > maxCount)
        status = refuse(E_RT_PARAM, "count %zu is more than maxCount %zu",
                        count, maxCount);
    return status != E_NONE ? status : fill_find(devPtr, count, &place);
}

int fill_move(void *devPtr, int32_t value, size_t count)
{
    Place place = {0};
    int status = fill_find(devPtr, count, &place);

    if (status != E_NONE)
        return status;
    size_t size = smallest(count, place.room, SIZE_MAX);
    memset(place.bytes, value, size);
    device_written(devPtr, size);
    return E_NONE;
}

aclError aclrtMemset(void *devPtr, size_t maxCount, int32_t value,
                     size_t count)
{
    ENTER(aclrtMemset, "devPtr=%p, maxCount=%zu, value=%d, count=%zu",
          devPtr, maxCount, value, count);
    if (count == 0)
        LEAVE(E_NONE);
    int status = fill_look(devPtr, maxCount, count);
    if (status == E_NONE)
        status = order_check_host(CLAIM_MEMORY, devPtr, count, true,
                                  "aclrtMemset writes");
    if (status == E_NONE)
        status = fill_move(devPtr, value, count);
    call.bytes = count;
    LEAVE(status);
}
