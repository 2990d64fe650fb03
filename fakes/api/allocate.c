/*
 * allocate: the functions that take memory and give it back.
 *
 * Of a device's memory an allocation takes what was asked for, rounded up to
 * 32 bytes, and on these chips 32 more; its bounds are what was asked for.
 */
#include "api/allocate.h"

#include "call/calls.h"
#include "call/message.h"
#include "call/settings.h"
#include "memory/exports.h"
#include "memory/host_memory.h"
#include "runtime/context.h"
#include "stream/order.h"

/*
 * The kind of pages that a policy gets: huge ones first are huge from 1 MiB on
 * (facts 10.6).
 */
static uint32_t page_of(aclrtMemMallocPolicy policy, size_t size)
{
    switch ((int)policy & 7) {
    case ACL_MEM_MALLOC_HUGE1G_ONLY:
    case ACL_MEM_MALLOC_HUGE1G_ONLY_P2P:
        return PAGE_HUGE_1G;
    case ACL_MEM_MALLOC_NORMAL_ONLY:
    case ACL_MEM_MALLOC_NORMAL_ONLY_P2P:
        return PAGE_NORMAL;
    case ACL_MEM_MALLOC_HUGE_FIRST:
    case ACL_MEM_MALLOC_HUGE_FIRST_P2P:
        return size > 1 << 20 ? PAGE_HUGE : PAGE_NORMAL;
    default:
        return PAGE_HUGE;
    }
}

static int refuse_memory(int device, size_t taken)
{
    size_t left = device_memory_free(device);

    if (left >= taken)
        return refuse(E_RT_MEMORY,
                      "this process has no address space for "
                      "%zu bytes of device %d",
                      taken, device);
    return refuse(E_RT_MEMORY, "device %d has %zu bytes left, not %zu", device, left, taken);
}

/* ACL asks for what the padding adds to overflow, 32 bytes at least. */
int allocate(void **devPtr, size_t size, aclrtMemMallocPolicy policy, size_t padding, Owner owner)
{
    if (size == 0)
        return refuse(E_PARAM, "size is 0");
    if (size > SIZE_MAX - ALLOCATION_PADDING - padding)
        return refuse(E_PARAM, "size %zu is too large to be rounded", size);
    int status = context_needed();
    if (status != E_NONE)
        return status;
    int device = context_device();
    size_t taken =
        (size + ALLOCATION_PADDING - 1) / ALLOCATION_PADDING * ALLOCATION_PADDING + padding;
    void *address = device_alloc(device, size, taken, page_of(policy, size), owner);
    if (address == NULL)
        return refuse_memory(device, taken);
    *devPtr = address;
    return E_NONE;
}

aclError aclrtMalloc(void **devPtr, size_t size, aclrtMemMallocPolicy policy)
{
    ENTER(aclrtMalloc, "devPtr=%p, size=%zu, policy=%d", (void *)devPtr, size, (int)policy);
    NOT_NULL(devPtr);
    bool whole = policy == ACL_MEM_MALLOC_HUGE1G_ONLY || policy == ACL_MEM_MALLOC_HUGE1G_ONLY_P2P;
    LEAVE(allocate(devPtr, size, policy, whole ? 0 : ALLOCATION_PADDING, OWNER_USER));
}

aclError aclrtMallocAlign32(void **devPtr, size_t size, aclrtMemMallocPolicy policy)
{
    ENTER(aclrtMallocAlign32, "devPtr=%p, size=%zu, policy=%d", (void *)devPtr, size, (int)policy);
    NOT_NULL(devPtr);
    LEAVE(allocate(devPtr, size, policy, 0, OWNER_USER));
}

aclError aclrtMallocCached(void **devPtr, size_t size, aclrtMemMallocPolicy policy)
{
    ENTER(aclrtMallocCached, "devPtr=%p, size=%zu, policy=%d", (void *)devPtr, size, (int)policy);
    NOT_NULL(devPtr);
    LEAVE(allocate(devPtr, size, policy, ALLOCATION_PADDING, OWNER_USER));
}

/* Attributes say which module asks, and for which device. */
static int check_attribute(const aclrtMallocAttribute *one)
{
    if ((int)one->attr < 0 || one->attr > ACL_RT_MEM_ATTR_VA_FLAG)
        return refuse(E_RT_PARAM, "attribute %d is not one of 0..3", (int)one->attr);
    if (one->attr != ACL_RT_MEM_ATTR_DEVICE_ID || one->value.deviceId == (uint32_t)context_device())
        return E_NONE;
    return refuse(E_RT_PARAM,
                  "attribute deviceId is %u, and this thread's "
                  "device %d",
                  one->value.deviceId, context_device());
}

static int check_config(const aclrtMallocConfig *cfg)
{
    int status = context_needed();

    for (size_t i = 0; cfg != NULL && i < cfg->numAttrs; i++)
        if (status == E_NONE)
            status = check_attribute(&cfg->attrs[i]);
    return status;
}

static int check_attributes(const aclrtMallocConfig *cfg)
{
    if (cfg == NULL || cfg->numAttrs == 0 || cfg->attrs != NULL)
        return E_NONE;
    return refuse(E_PARAM, "cfg->numAttrs is %zu and cfg->attrs is NULL", cfg->numAttrs);
}

int allocate_check_config(const aclrtMallocConfig *cfg)
{
    int status = check_attributes(cfg);

    return status != E_NONE ? status : check_config(cfg);
}

/* Takes what is asked for, without the rest that aclrtMalloc adds. */
aclError aclrtMallocWithCfg(void **devPtr, size_t size, aclrtMemMallocPolicy policy,
                            aclrtMallocConfig *cfg)
{
    ENTER(aclrtMallocWithCfg, "devPtr=%p, size=%zu, policy=%d, cfg=%p", (void *)devPtr, size,
          (int)policy, (void *)cfg);
    NOT_NULL(devPtr);
    int status = check_attributes(cfg);
    if (status == E_NONE && size == 0)
        status = refuse(E_PARAM, "size is 0");
    if (status == E_NONE)
        status = check_config(cfg);
    LEAVE(status != E_NONE ? status : allocate(devPtr, size, policy, 0, OWNER_USER));
}

/* A device that is still at work would write into memory of another. */
static int check_unused(const void *devPtr)
{
    size_t size = 0;

    if (device_peek(devPtr, &size) == NULL)
        return E_NONE;
    int status = order_check_end(CLAIM_MEMORY, devPtr, size, "devPtr");
    return settings.strict ? status : E_NONE;
}

/* Freed under a worker's hands, this memory would be this process's end. */
static int check_host_unused(const void *hostPtr)
{
    size_t size = host_room(hostPtr);

    return size == SIZE_MAX ? E_NONE : order_check_end(CLAIM_MEMORY, hostPtr, size, "hostPtr");
}

int allocate_free(void *devPtr, Owner owner)
{
    if (devPtr == NULL)
        return refuse(E_PARAM, "devPtr is NULL");
    int status = check_unused(devPtr);
    if (status == E_NONE)
        status = export_check_free(devPtr);
    return status != E_NONE ? status : device_free(devPtr, owner);
}

aclError aclrtFree(void *devPtr)
{
    ENTER(aclrtFree, "devPtr=%p", devPtr);
    LEAVE(allocate_free(devPtr, OWNER_USER));
}

static int allocate_host(void **hostPtr, size_t size)
{
    void *memory = host_alloc(size);

    if (memory == NULL)
        return refuse(E_RT_MEMORY, "the host has no %zu bytes", size);
    *hostPtr = memory;
    return E_NONE;
}

aclError aclrtMallocHost(void **hostPtr, size_t size)
{
    ENTER(aclrtMallocHost, "hostPtr=%p, size=%zu", (void *)hostPtr, size);
    NOT_NULL(hostPtr);
    if (size == 0)
        LEAVE(refuse(E_PARAM, "size is 0"));
    int status = context_needed();
    LEAVE(status != E_NONE ? status : allocate_host(hostPtr, size));
}

aclError aclrtMallocHostWithCfg(void **ptr, uint64_t size, aclrtMallocConfig *cfg)
{
    ENTER(aclrtMallocHostWithCfg, "ptr=%p, size=%llu, cfg=%p", (void *)ptr,
          (unsigned long long)size, (void *)cfg);
    NOT_NULL(ptr);
    int status = check_attributes(cfg);
    if (status == E_NONE && size == 0)
        status = refuse(E_PARAM, "size is 0");
    if (status == E_NONE)
        status = check_config(cfg);
    LEAVE(status != E_NONE ? status : allocate_host(ptr, (size_t)size));
}

aclError aclrtFreeHost(void *hostPtr)
{
    ENTER(aclrtFreeHost, "hostPtr=%p", hostPtr);
    if (hostPtr == NULL)
        LEAVE(refuse(E_PARAM, "hostPtr is NULL"));
    int status = check_host_unused(hostPtr);
    LEAVE(status != E_NONE ? status : host_free(hostPtr));
}

/* Is this an attribute of the memory that the device has (HBM, no DDR)? */
static bool attribute_present(aclrtMemAttr attr)
{
    return attr != ACL_DDR_MEM && attr != ACL_DDR_MEM_HUGE && attr != ACL_DDR_MEM_NORMAL &&
           attr != ACL_DDR_MEM_P2P_HUGE && attr != ACL_DDR_MEM_P2P_NORMAL;
}

aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t *free, size_t *total)
{
    ENTER(aclrtGetMemInfo, "attr=%d, free=%p, total=%p", (int)attr, (void *)free, (void *)total);
    NOT_NULL(free);
    NOT_NULL(total);
    if ((int)attr < 0 || attr > ACL_MEM_P2P_HUGE1G)
        LEAVE(refuse(E_RT_MEMORY_TYPE, "attr %d is not one of 0..17", (int)attr));
    int status = context_needed();
    if (status != E_NONE)
        LEAVE(status);
    bool present = attribute_present(attr);
    *free = present ? device_memory_free(context_device()) : 0;
    *total = present ? settings.memory : 0;
    LEAVE(E_NONE);
}
