/*
 * fill_words: aclrtMemsetD32.
 */
#include <string.h>

#include "acl.h"
#include "calls.h"
#include "copy.h"
#include "device.h"
#include "host_memory.h"
#include "memory.h"
#include "message.h"
#include "order.h"
#include "written.h"

/* CANN's checks, in its order; then only memory that is known is filled. */
static int check(const void *ptr, size_t memSize, size_t count)
{
    if (ptr == NULL)
        return refuse(E_PARAM, "ptr is NULL");
    if ((uintptr_t)ptr % sizeof(uint32_t) != 0)
        return refuse(E_PARAM, "ptr %p is not aligned to 4 bytes", ptr);
    if (count > SIZE_MAX / sizeof(uint32_t))
        return refuse(E_PARAM, "N %zu times 4 is too much", count);
    if (memSize < count * sizeof(uint32_t))
        return refuse(E_PARAM, "N %zu times 4 is more than memSize %zu",
                      count, memSize);
    int status = context_needed();
    if (status == E_NONE && !copy_is_reachable(ptr))
        status = refuse(E_PARAM, "ptr %p is not of aclrtMalloc, "
                        "aclrtMallocHost or aclrtHostRegister", ptr);
    return status;
}

static int fill(void *ptr, uint32_t value, size_t count)
{
    unsigned char *bytes = ptr;
    size_t room = host_room(ptr);

    if (device_owns(ptr))
        bytes = device_peek(ptr, &room);
    if (bytes == NULL)
        return device_complain(ptr, "ptr");
    if (count > room / sizeof value)
        count = room / sizeof value;    /* in faithful mode */
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * sizeof value, &value, sizeof value);
    device_written(ptr, count * sizeof value);
    return E_NONE;
}

aclError aclrtMemsetD32(void *ptr, size_t memSize, uint32_t value, size_t N)
{
    ENTER(aclrtMemsetD32, "ptr=%p, memSize=%zu, value=0x%x, N=%zu", ptr,
          memSize, value, N);
    if (N == 0)
        LEAVE(E_NONE);
    int status = check(ptr, memSize, N);
    if (status == E_NONE)
        status = fill_look(ptr, memSize, N * sizeof value);
    if (status == E_NONE)
        status = order_check_host(CLAIM_MEMORY, ptr, N * sizeof value, true,
                                  "aclrtMemsetD32 writes");
    call.bytes = N * sizeof value;
    LEAVE(status != E_NONE ? status : fill(ptr, value, N));
}
