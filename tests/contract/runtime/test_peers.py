"""Devices that reach each other's memory (facts 10.5)."""

from __future__ import annotations

import pytest

from .. import codes
from ..face import Acl


@pytest.fixture
def two(acl: Acl) -> Acl:
    """Two devices; this thread's is 0."""
    acl.set("devices", 2)
    acl.start()
    return acl


def status_of(acl: Acl, device: int, peer: int) -> int:
    status = acl.new("int32_t *", -1)
    assert acl.aclrtDevicePeerAccessStatus(device, peer, status) == codes.SUCCESS
    return int(status[0])


def test_all_devices_can(two: Acl) -> None:
    can = two.new("int32_t *", -1)
    assert two.aclrtDeviceCanAccessPeer(can, 0, 1) == codes.SUCCESS
    assert can[0] == 1


def test_access_is_of_one_direction(two: Acl) -> None:
    assert status_of(two, 0, 1) == 0
    assert two.aclrtDeviceEnablePeerAccess(1, 0) == codes.SUCCESS
    assert (status_of(two, 0, 1), status_of(two, 1, 0)) == (1, 0)
    assert two.aclrtDeviceEnablePeerAccess(1, 0) == codes.SUCCESS
    assert two.aclrtDeviceDisablePeerAccess(1) == codes.SUCCESS
    assert status_of(two, 0, 1) == 0
    assert two.aclrtDeviceDisablePeerAccess(1) == codes.RT_DRV_INTERNAL_ERROR


def test_arguments_facts_10_5(two: Acl) -> None:
    can = two.new("int32_t *")
    assert two.aclrtDeviceCanAccessPeer(two.NULL, 0, 1) == codes.INVALID_PARAM
    assert two.aclrtDeviceCanAccessPeer(can, 1, 1) == codes.INVALID_PARAM
    assert two.aclrtDeviceCanAccessPeer(can, 0, 2) == codes.RT_INVALID_DEVICEID
    assert two.aclrtDeviceCanAccessPeer(can, 2, 0) == codes.RT_INVALID_DEVICEID
    assert two.aclrtDeviceEnablePeerAccess(1, 1) == codes.FEATURE_UNSUPPORTED
    assert two.aclrtDeviceEnablePeerAccess(0, 0) == codes.INVALID_PARAM
    assert two.aclrtDeviceEnablePeerAccess(2, 0) == codes.RT_INVALID_DEVICEID
    assert two.aclrtDeviceDisablePeerAccess(0) == codes.INVALID_PARAM
    assert two.aclrtDeviceDisablePeerAccess(-1) == codes.RT_INVALID_DEVICEID
    assert two.aclrtDevicePeerAccessStatus(0, 1, two.NULL) == codes.INVALID_PARAM


def test_they_need_a_context_facts_10_5(acl: Acl) -> None:
    acl.set("devices", 2)
    can = acl.new("int32_t *")
    assert acl.aclrtDeviceCanAccessPeer(can, 0, 1) == codes.RT_CONTEXT_NULL
    assert acl.aclrtDeviceEnablePeerAccess(1, 0) == codes.RT_CONTEXT_NULL
    assert acl.aclrtDeviceDisablePeerAccess(1) == codes.RT_CONTEXT_NULL
