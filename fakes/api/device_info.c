/*
 * device_info: what can be asked about a device without using it.
 */
#include <string.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/settings.h"
#include "memory/host_memory.h"
#include "runtime/device.h"
#include "runtime/visible.h"

enum { NOT_TOLD = -1 };

/* As CANN's platform_config/<soc>.ini has them; no file, no answer. */
static const struct {
    const char *soc;
    int64_t aicore;
    int64_t cube;
    int64_t vector;
} cores[] = {
    {"Ascend310P3", 8, 8, 7},    {"Ascend910B1", 24, 24, 48}, {"Ascend910B2", 24, 24, 48},
    {"Ascend910B3", 20, 20, 40}, {"Ascend910B4", 20, 20, 40},
};

static int64_t count_cores(aclrtDevAttr attr)
{
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++) {
        if (strcmp(cores[i].soc, settings.soc) != 0)
            continue;
        if (attr == ACL_DEV_ATTR_VECTOR_CORE_NUM)
            return cores[i].vector;
        return attr == ACL_DEV_ATTR_CUBE_CORE_NUM ? cores[i].cube : cores[i].aicore;
    }
    return NOT_TOLD;
}

static int64_t attribute(int device, aclrtDevAttr attr)
{
    switch (attr) {
    case ACL_DEV_ATTR_AICORE_CORE_NUM:
    case ACL_DEV_ATTR_CUBE_CORE_NUM:
    case ACL_DEV_ATTR_VECTOR_CORE_NUM:
        return count_cores(attr);
    case ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE:
        return (int64_t)settings.memory;
    case ACL_DEV_ATTR_PHY_CHIP_ID:
        return visible_device(device);
    case ACL_DEV_ATTR_IS_VIRTUAL:
        return 0;
    default:
        return NOT_TOLD;
    }
}

const char *aclrtGetSocName(void)
{
    ENTER_AS(aclrtGetSocName, NULL, NO_ARGS);
    return settings.soc;
}

aclError aclrtGetDeviceInfo(uint32_t deviceId, aclrtDevAttr attr, int64_t *value)
{
    ENTER(aclrtGetDeviceInfo, "deviceId=%u, attr=%d, value=%p", deviceId, (int)attr, (void *)value);
    NOT_NULL(value);
    int device = deviceId <= INT32_MAX ? (int)deviceId : -1;
    int status = device_check(device);
    if (status != E_NONE)
        LEAVE(status);
    int64_t told = attribute(device, attr);
    if (told == NOT_TOLD)
        LEAVE(refuse(E_RT_NOT_SUPPORTED,
                     "the fake does not know attribute "
                     "%d of a %s",
                     (int)attr, settings.soc));
    *value = told;
    LEAVE(E_NONE);
}

/* CANN fails for no device: what it cannot learn is -1. So is memory's. */
aclError aclrtGetDeviceUtilizationRate(int32_t deviceId, aclrtUtilizationInfo *utilizationInfo)
{
    ENTER(aclrtGetDeviceUtilizationRate, "deviceId=%d, utilizationInfo=%p", deviceId,
          (void *)utilizationInfo);
    NOT_NULL(utilizationInfo);
    if (utilizationInfo->utilizationExtend != NULL)
        LEAVE(refuse(E_PARAM, "utilizationInfo->utilizationExtend is "
                              "reserved and must be NULL"));
    bool present = deviceId >= 0 && deviceId < visible_count();
    int32_t idle = present ? 0 : NOT_TOLD;
    *utilizationInfo = (aclrtUtilizationInfo){idle, idle, idle, NOT_TOLD, NULL};
    LEAVE(E_NONE);
}

aclError aclrtGetPrimaryCtxState(int32_t deviceId, uint32_t *flags, int32_t *active)
{
    ENTER(aclrtGetPrimaryCtxState, "deviceId=%d, flags=%p, active=%p", deviceId, (void *)flags,
          (void *)active);
    NOT_NULL(active);
    if (flags != NULL)
        LEAVE(refuse(E_PARAM, "flags is reserved and must be NULL"));
    int status = device_check(deviceId);
    if (status == E_NONE)
        *active = device_is_set(deviceId);
    LEAVE(status);
}

/* Kept nowhere: no operator of the fake runs long enough to be stopped. */
aclError aclrtSetOpWaitTimeout(uint32_t timeout)
{
    ENTER(aclrtSetOpWaitTimeout, "timeout=%u", timeout);
    LEAVE(E_NONE);
}

aclError aclrtSetOpExecuteTimeOut(uint32_t timeout)
{
    ENTER(aclrtSetOpExecuteTimeOut, "timeout=%u", timeout);
    LEAVE(E_NONE);
}
