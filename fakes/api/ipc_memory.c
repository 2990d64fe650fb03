/*
 * ipc_memory: the functions that give device memory to another process.
 */
#include <unistd.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/exports.h"
#include "memory/host_memory.h"
#include "memory/imports.h"
#include "memory/memory.h"
#include "runtime/context.h"
#include "runtime/peers.h"
#include "runtime/visible.h"
#include "stream/order.h"

enum { ANYBODY = 1, PEER_ACCESS = 1 };      /* the flags of export and import */

static int check_flags(uint64_t flags, uint64_t most)
{
    if (flags <= most)
        return E_NONE;
    return refuse(E_RT_PARAM, "flags %llu is not 0 or 1", (unsigned long long)flags);
}

/* What every function here needs, behind its arguments. */
static int sharing_needed(void)
{
    int status = context_needed();

    return status != E_NONE ? status : peers_needed();
}

static int check_export(size_t size, size_t len, uint64_t flags)
{
    if (size == 0)
        return refuse(E_RT_PARAM, "size is 0");
    if (len != SHARE_KEY)
        return refuse(E_RT_PARAM, "len %zu is not %d", len, SHARE_KEY);
    int status = check_flags(flags, ANYBODY);
    return status != E_NONE ? status : sharing_needed();
}

aclError aclrtIpcMemGetExportKey(void *devPtr, size_t size, char *key, size_t len, uint64_t flags)
{
    ENTER(aclrtIpcMemGetExportKey, "devPtr=%p, size=%zu, key=%p, len=%zu, flags=%llu", devPtr, size,
          (void *)key, len, (unsigned long long)flags);
    if (devPtr == NULL)
        LEAVE(refuse(E_PARAM, "devPtr is NULL"));
    NOT_NULL(key);
    int status = check_export(size, len, flags);
    if (status == E_NONE)
        status =
            export_make(devPtr, size, visible_device(device_index(devPtr)), flags == ANYBODY, key);
    LEAVE(status);
}

aclError aclrtIpcMemSetImportPid(const char *key, int32_t *pid, size_t num)
{
    ENTER(aclrtIpcMemSetImportPid, "key=%p, pid=%p, num=%zu", (const void *)key, (void *)pid, num);
    NOT_NULL(key);
    NOT_NULL(pid);
    if (num == 0 || num > INT32_MAX)
        LEAVE(refuse(E_RT_PARAM, "num %zu is not one of 1..%d", num, INT32_MAX));
    int status = sharing_needed();
    LEAVE(status != E_NONE ? status : export_allow(key, pid, num));
}

/* Flag 1 opens the way in both directions; without it, it must be open. */
static int reach_enabling(int device, int chip)
{
    peer_enable(device, chip);
    return E_NONE;
}

static int reach(int device, int chip)
{
    if (peer_is_enabled(device, chip))
        return E_NONE;
    return refuse(E_RT_DRIVER,
                  "the key's memory lies on chip %d, which device %d may not reach: "
                  "aclrtDeviceEnablePeerAccess, or flags 1, would let it",
                  chip, device);
}

aclError aclrtIpcMemImportByKey(void **devPtr, const char *key, uint64_t flags)
{
    ENTER(aclrtIpcMemImportByKey, "devPtr=%p, key=%p, flags=%llu", (void *)devPtr,
          (const void *)key, (unsigned long long)flags);
    NOT_NULL(devPtr);
    NOT_NULL(key);
    int status = check_flags(flags, PEER_ACCESS);
    if (status == E_NONE)
        status = sharing_needed();
    if (status != E_NONE)
        LEAVE(status);
    ImportTerms terms = {context_device(), flags == PEER_ACCESS ? reach_enabling : reach};
    LEAVE(import_open(key, &terms, devPtr));
}

/* A stream that is still at work would find other memory there. */
static int check_unused(const char *key)
{
    size_t size = 0;
    const void *address = import_oldest(key, &size);

    return address == NULL ? E_NONE : order_check_end(CLAIM_MEMORY, address, size, "key's memory");
}

aclError aclrtIpcMemClose(const char *key)
{
    ENTER(aclrtIpcMemClose, "key=%p", (const void *)key);
    NOT_NULL(key);
    int status = sharing_needed();
    if (status == E_NONE)
        status = check_unused(key);
    if (status != E_NONE)
        LEAVE(status);
    order_learn();
    LEAVE(import_oldest(key, &(size_t){0}) != NULL ? import_close(key) : export_close(key));
}

/* Here all processes are on the bare machine, as far as they can see. */
aclError aclrtDeviceGetBareTgid(int32_t *pid)
{
    ENTER(aclrtDeviceGetBareTgid, "pid=%p", (void *)pid);
    NOT_NULL(pid);
    *pid = (int32_t)getpid();
    LEAVE(E_NONE);
}
