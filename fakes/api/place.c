#include "api/place.h"

#include "base/acl.h"
#include "call/calls.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/memory.h"

int side_check(const void *address, Side side, const char *argument)
{
    bool device = device_owns(address);

    if (settings.run_mode == ACL_DEVICE)
        return E_NONE;
    if (side == ANY || device == (side == DEVICE))
        return E_NONE;
    return violate(V_WRONG_DIRECTION, "%s %p is %s memory", argument, address,
                   device ? "device" : "host");
}

int place_find(const void *address, const char *argument, Place *place)
{
    if (device_owns(address)) {
        place->bytes = device_peek(address, &place->room);
        return place->bytes != NULL ? E_NONE : device_complain(address, argument);
    }
    place->bytes = (unsigned char *)(uintptr_t)address;
    place->room = host_room(address);
    return host_check(address, argument);
}

int place_check(const Place *place, const void *address, size_t count, const char *argument)
{
    if (count <= place->room)
        return E_NONE;
    ViolationId id = device_owns(address) ? V_OUT_OF_BOUNDS : V_HOST_OUT_OF_BOUNDS;
    char text[HISTORY_SIZE];
    return violate(
        id, "%s %p has %zu bytes left, not %zu, %s", argument, address, place->room, count,
        device_owns(address) ? device_history(address, text) : host_history(address, text));
}

int strict_only(int first, int second)
{
    if (!settings.strict)
        return E_NONE;
    return first != E_NONE ? first : second;
}
