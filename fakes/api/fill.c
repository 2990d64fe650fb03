/*
 * fill: aclrtMemset, and what it shares with its asynchronous sister.
 */
#include "api/fill.h"

#include <string.h>

#include "api/place.h"
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/written.h"
#include "runtime/context.h"
#include "stream/order.h"

static int fill_find(const void *devPtr, size_t count, Place *place)
{
    int status = place_find(devPtr, "devPtr", place);

    return status != E_NONE ? status
                            : strict_only(place_check(place, devPtr, count, "devPtr"), E_NONE);
}

int fill_look(const void *devPtr, size_t maxCount, size_t count)
{
    Place place = {0};

    if (devPtr == NULL)
        return refuse(E_PARAM, "devPtr is NULL");
    int status = context_needed();
    if (status == E_NONE && count > maxCount)
        status = refuse(E_RT_PARAM, "count %zu is more than maxCount %zu", count, maxCount);
    return status != E_NONE ? status : fill_find(devPtr, count, &place);
}

int fill_move(void *devPtr, int32_t value, size_t count)
{
    Place place = {0};
    int status = fill_find(devPtr, count, &place);

    if (status != E_NONE)
        return status;
    size_t size = count < place.room ? count : place.room;
    memset(place.bytes, value, size);
    device_written(devPtr, size);
    return E_NONE;
}

aclError aclrtMemset(void *devPtr, size_t maxCount, int32_t value, size_t count)
{
    ENTER(aclrtMemset, "devPtr=%p, maxCount=%zu, value=%d, count=%zu", devPtr, maxCount, value,
          count);
    if (count == 0)
        LEAVE(E_NONE);
    int status = fill_look(devPtr, maxCount, count);
    if (status == E_NONE)
        status = order_check_host(CLAIM_MEMORY, devPtr, count, true, "aclrtMemset writes");
    if (status == E_NONE)
        status = fill_move(devPtr, value, count);
    call.bytes = count;
    LEAVE(status);
}
