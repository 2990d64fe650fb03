/*
 * media_memory: acldvppMalloc, its sister and acldvppFree (facts 11.2).
 */
#include "api/allocate.h"
#include "base/acl.h"
#include "call/calls.h"
#include "memory/host_memory.h"

aclError acldvppMalloc(void **devPtr, size_t size)
{
    ENTER(acldvppMalloc, "devPtr=%p, size=%zu", (void *)devPtr, size);
    NOT_NULL(devPtr);
    LEAVE(allocate(devPtr, size, ACL_MEM_MALLOC_HUGE_FIRST, ALLOCATION_PADDING, OWNER_MEDIA));
}

aclError acldvppMallocWithCfg(void **devPtr, size_t size, aclrtMemMallocPolicy policy,
                              aclrtMallocConfig *cfg)
{
    ENTER(acldvppMallocWithCfg, "devPtr=%p, size=%zu, policy=%d, cfg=%p", (void *)devPtr, size,
          (int)policy, (void *)cfg);
    NOT_NULL(devPtr);
    int status = allocate_check_config(cfg);
    LEAVE(status != E_NONE ? status
                           : allocate(devPtr, size, policy, ALLOCATION_PADDING, OWNER_MEDIA));
}

aclError acldvppFree(void *devPtr)
{
    ENTER(acldvppFree, "devPtr=%p", devPtr);
    LEAVE(allocate_free(devPtr, OWNER_MEDIA));
}
