/*
 * memory_about: what can be asked of an address, and memory of the program's
 * own that it registers.
 *
 * Registered memory is as good as that of aclrtMallocHost: streams copy it on
 * their own, its ends are checked, and it is the program's to free, once it
 * is unregistered. A device reaches it under the address it has.
 */
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "runtime/context.h"
#include "stream/order.h"

enum { PAGE = 4096 };

/* MAPPED, IOMEMORY, READONLY and PINNED of the ACL_HOST_REG_ flags. */
enum { REGISTER_FLAGS = 0x2 | 0x4 | 0x8 | 0x10000000 };

static aclrtPtrAttributes attributes_of(const void *address)
{
    DeviceRange range;

    if (device_find(address, &range))
        return (aclrtPtrAttributes){
            {(uint32_t)device_index(address), ACL_MEM_LOCATION_TYPE_DEVICE}, range.page, {0}};
    if (host_room(address) != SIZE_MAX)
        return (aclrtPtrAttributes){{0, ACL_MEM_LOCATION_TYPE_HOST}, PAGE, {0}};
    return (aclrtPtrAttributes){{0, ACL_MEM_LOCATION_TYPE_UNREGISTERED}, 0, {0}};
}

aclError aclrtPointerGetAttributes(const void *ptr, aclrtPtrAttributes *attributes)
{
    ENTER(aclrtPointerGetAttributes, "ptr=%p, attributes=%p", ptr, (void *)attributes);
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
    if (type == ACL_HOST_REGISTER_MAPPED || type == ACL_HOST_REGISTER_IOMEMORY ||
        type == ACL_HOST_REGISTER_READONLY)
        return E_NONE;
    return refuse(E_RT_PARAM, "type %d is not 0, 4 or 8", (int)type);
}

static int check_size(const void *ptr, uint64_t size)
{
    if (size == 0)
        return refuse(E_PARAM, "size is 0");
    if (size > UINTPTR_MAX - (uintptr_t)ptr)
        return refuse(E_RT_PARAM,
                      "ptr %p and size %llu reach beyond all "
                      "addresses",
                      ptr, (unsigned long long)size);
    return E_NONE;
}

aclError aclrtHostRegister(void *ptr, uint64_t size, aclrtHostRegisterType type, void **devPtr)
{
    ENTER(aclrtHostRegister, "ptr=%p, size=%llu, type=%d, devPtr=%p", ptr, (unsigned long long)size,
          (int)type, (void *)devPtr);
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

static int check_flag(uint32_t flag)
{
    if (flag != 0 && (flag & ~(uint32_t)REGISTER_FLAGS) == 0)
        return E_NONE;
    return refuse(E_RT_PARAM,
                  "flag 0x%x is not made of 0x2, 0x4, 0x8 and "
                  "0x10000000",
                  flag);
}

/* Without an address of the device: aclrtHostGetDevicePointer tells that. */
aclError aclrtHostRegisterV2(void *ptr, uint64_t size, uint32_t flag)
{
    ENTER(aclrtHostRegisterV2, "ptr=%p, size=%llu, flag=0x%x", ptr, (unsigned long long)size, flag);
    NOT_NULL(ptr);
    int status = check_size(ptr, size);
    if (status == E_NONE)
        status = check_flag(flag);
    if (status == E_NONE)
        status = context_needed();
    LEAVE(status != E_NONE ? status : host_register(ptr, (size_t)size));
}

/* Memory that is registered has one address for host and device. */
aclError aclrtHostGetDevicePointer(void *pHost, void **pDevice, uint32_t flag)
{
    ENTER(aclrtHostGetDevicePointer, "pHost=%p, pDevice=%p, flag=0x%x", pHost, (void *)pDevice,
          flag);
    NOT_NULL(pHost);
    NOT_NULL(pDevice);
    if (flag != 0)
        LEAVE(refuse(E_PARAM, "flag 0x%x is reserved and must be 0", flag));
    int status = context_needed();
    if (status == E_NONE && host_room(pHost) == SIZE_MAX)
        status = refuse(E_RT_PARAM, "pHost %p is not registered", pHost);
    if (status == E_NONE)
        *pDevice = pHost;
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
