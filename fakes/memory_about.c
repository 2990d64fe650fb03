/*
 * memory_about: what can be asked of an address, and memory of the program's
 * own that it registers.
 *
 * Registered memory is as good as that of aclrtMallocHost: streams copy it on
 * their own, its ends are checked, and it is the program's to free, once it
 * is unregistered. A device reaches it under the address it has.
 */
#include "acl.h"
#include "calls.h"
#include "device.h"
#include "host_memory.h"
#include "memory.h"
#include "message.h"
#include "order.h"
#include "settings.h"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 };

static aclrtPtrAttributes attributes_of(const void *address)
{
    size_t room = 0;

    if (device_peek(address, &room) != NULL)
        return (aclrtPtrAttributes){
            {(uint32_t)device_index(address), ACL_MEM_LOCATION_TYPE_DEVICE},
            HUGE_PAGE, {0}};
    if (host_room(address) != SIZE_MAX)
        return (aclrtPtrAttributes){{0, ACL_MEM_LOCATION_TYPE_HOST}, PAGE,
                                    {0}};
    return (aclrtPtrAttributes){{0, ACL_MEM_LOCATION_TYPE_UNREGISTERED}, 0,
                                {0}};
}

aclError aclrtPointerGetAttributes(const void *ptr,
                                   aclrtPtrAttributes *attributes)
{
    ENTER(aclrtPointerGetAttributes, "ptr=%p, attributes=%p", ptr,
          (void *)attributes);
    if (ptr == NULL)
        LEAVE(refuse(E_PARAM, "ptr is NULL"));
    NOT_NULL(attributes);
    int status = context_needed();
    if (status == E_NONE)
        *attributes = attributes_of(ptr);
    LEAVE(status);
}

static int check_type(aclrtHostRegisterType type)
{
    if (type == ACL_HOST_REGISTER_MAPPED ||
        type == ACL_HOST_REGISTER_IOMEMORY ||
        type == ACL_HOST_REGISTER_READONLY)
        return E_NONE;
    return refuse(E_RT_PARAM, "type %d is not 0, 4 or 8", (int)type);
}

static int check_size(const void *ptr, uint64_t size)
{
    if (size == 0)
        return refuse(E_PARAM, "size is 0");
    if (size > UINTPTR_MAX - (uintptr_t)ptr)
        return refuse(E_RT_PARAM, "ptr %p and size %llu reach beyond all "
                      "addresses", ptr, (unsigned long long)size);
    return E_NONE;
}

aclError aclrtHostRegister(void *ptr, uint64_t size,
                           aclrtHostRegisterType type, void **devPtr)
{
    ENTER(aclrtHostRegister, "ptr=%p, size=%llu, type=%d, devPtr=%p", ptr,
          (unsigned long long)size, (int)type, (void *)devPtr);
    NOT_NULL(ptr);
    NOT_NULL(devPtr);
    int status = check_size(ptr, size);
    if (status == E_NONE)
        status = check_type(type);
    if (status == E_NONE)
        status = context_needed();
    if (status == E_NONE)
        status = host_register(ptr, (size_t)size);
    if (status == E_NONE)
        *devPtr = ptr;
    LEAVE(status);
}

aclError aclrtHostUnregister(void *ptr)
{
    ENTER(aclrtHostUnregister, "ptr=%p", ptr);
    NOT_NULL(ptr);
    int status = context_needed();
    size_t size = host_room(ptr);
    if (status == E_NONE && size != SIZE_MAX)
        status = order_check_end(CLAIM_MEMORY, ptr, size, "ptr");
    LEAVE(status != E_NONE ? status : host_unregister(ptr));
}
