/*
 * A device is numbered as this process does, the peer as all processes do: its
 * chip.
 */
#include "runtime/peers.h"

#include <stdatomic.h>
#include <string.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/settings.h"
#include "memory/host_memory.h"
#include "runtime/context.h"
#include "runtime/device.h"
#include "runtime/visible.h"

static atomic_bool enabled[DEVICES_MAX][DEVICES_MAX];

int peers_needed(void)
{
    if (strncmp(settings.soc, "Ascend310B", strlen("Ascend310B")) != 0)
        return E_NONE;
    return refuse(E_RT_NOT_SUPPORTED, "a %s shares no memory", settings.soc);
}

bool peer_is_enabled(int device, int chip)
{
    return visible_device(device) == chip || atomic_load(&enabled[device][chip]);
}

void peer_enable(int device, int chip)
{
    atomic_store(&enabled[device][chip], true);
}

/* Two devices, of which the second is another: 0, or a status. */
static int check_pair(int device, int peer)
{
    if (device == peer)
        return refuse(E_PARAM, "peerDeviceId %d is the device itself", peer);
    int status = device_check(peer);
    return status != E_NONE ? status : device_check(device);
}

aclError aclrtDeviceCanAccessPeer(int32_t *canAccessPeer, int32_t deviceId, int32_t peerDeviceId)
{
    ENTER(aclrtDeviceCanAccessPeer, "canAccessPeer=%p, deviceId=%d, peerDeviceId=%d",
          (void *)canAccessPeer, deviceId, peerDeviceId);
    NOT_NULL(canAccessPeer);
    int status = check_pair(deviceId, peerDeviceId);
    if (status == E_NONE)
        status = context_needed();
    if (status == E_NONE)
        *canAccessPeer = 1;
    LEAVE(status);
}

/* The peer of this thread's device: 0, or a status. */
static int find_peer(int peer, int *device, int *chip)
{
    int status = context_needed();

    if (status == E_NONE) {
        *device = context_device();
        status = check_pair(*device, peer);
    }
    if (status == E_NONE)
        status = peers_needed();
    if (status == E_NONE)
        *chip = visible_device(peer);
    return status;
}

aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags)
{
    ENTER(aclrtDeviceEnablePeerAccess, "peerDeviceId=%d, flags=%u", peerDeviceId, flags);
    int device = 0;
    int chip = 0;
    if (flags != 0)
        LEAVE(refuse(E_FEATURE_UNSUPPORTED, "flags %u is reserved and must be 0", flags));
    int status = find_peer(peerDeviceId, &device, &chip);
    if (status == E_NONE)
        peer_enable(device, chip);
    LEAVE(status);
}

aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId)
{
    ENTER(aclrtDeviceDisablePeerAccess, "peerDeviceId=%d", peerDeviceId);
    int device = 0;
    int chip = 0;
    int status = find_peer(peerDeviceId, &device, &chip);
    if (status == E_NONE && !atomic_exchange(&enabled[device][chip], false))
        status = refuse(E_RT_DRIVER, "device %d has no access to device %d", device, peerDeviceId);
    LEAVE(status);
}

aclError aclrtDevicePeerAccessStatus(int32_t deviceId, int32_t peerDeviceId, int32_t *status)
{
    ENTER(aclrtDevicePeerAccessStatus, "deviceId=%d, peerDeviceId=%d, status=%p", deviceId,
          peerDeviceId, (void *)status);
    NOT_NULL(status);
    int result = check_pair(deviceId, peerDeviceId);
    if (result == E_NONE)
        *status = peer_is_enabled(deviceId, visible_device(peerDeviceId));
    LEAVE(result);
}

static void forget_all(void)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        for (int j = 0; j < DEVICES_MAX; j++)
            atomic_store(&enabled[i][j], false);
}

KEEPER(KEEPER_PEERS, forget_all, NULL)
