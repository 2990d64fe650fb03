"""Devices and the thread's place on them (facts 1.2)."""

from __future__ import annotations

import pytest

from .. import codes
from ..face import Acl
from ..threads import elsewhere


@pytest.fixture
def two(acl: Acl) -> Acl:
    """A machine with two devices."""
    acl.set("devices", 2)
    return acl


def device(acl: Acl) -> int:
    """Which device is current."""
    answer = acl.new("int32_t *", -1)
    assert acl.aclrtGetDevice(answer) == codes.SUCCESS
    return int(answer[0])


def context(acl: Acl) -> object:
    """Which context is current."""
    answer = acl.new("aclrtContext *")
    assert acl.aclrtGetCurrentContext(answer) == codes.SUCCESS
    return answer[0]


@pytest.mark.parametrize("number", [-1, 2, 64, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize(
    "function", ["aclrtSetDevice", "aclrtResetDevice", "aclrtResetDeviceForce"]
)
def test_device_out_of_range_facts_1_2(two: Acl, function: str, number: int) -> None:
    assert getattr(two, function)(number) == codes.RT_INVALID_DEVICEID


def test_count_needs_no_device_facts_1_2(two: Acl) -> None:
    count = two.new("uint32_t *")
    assert two.aclrtGetDeviceCount(count) == codes.SUCCESS
    assert count[0] == 2


@pytest.mark.parametrize("function", ["aclrtGetDeviceCount", "aclrtGetDevice", "aclrtGetRunMode"])
def test_answers_need_a_place_facts_1_2(acl: Acl, function: str) -> None:
    """NULL is refused before the context is asked for."""
    assert getattr(acl, function)(acl.NULL) == codes.INVALID_PARAM


def test_set_device_makes_it_current_facts_1_2(two: Acl) -> None:
    assert two.aclrtSetDevice(1) == codes.SUCCESS
    assert device(two) == 1
    assert two.aclrtSetDevice(0) == codes.SUCCESS
    assert device(two) == 0


def test_default_context_is_shared_by_threads_facts_1_2(two: Acl) -> None:
    two.aclrtSetDevice(1)

    def other() -> object:
        assert two.aclrtSetDevice(1) == codes.SUCCESS
        return context(two)

    assert elsewhere(other) == context(two)


def test_set_device_drops_an_explicit_context_facts_1_2(acl: Acl) -> None:
    made = acl.new("aclrtContext *")
    assert acl.aclrtCreateContext(made, 0) == codes.SUCCESS
    assert context(acl) == made[0]
    assert acl.aclrtSetDevice(0) == codes.SUCCESS
    assert context(acl) != made[0]


def test_no_device_yet_facts_1_2(acl: Acl) -> None:
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL


def test_reset_counts_facts_1_2(acl: Acl) -> None:
    acl.aclrtSetDevice(0)
    acl.aclrtSetDevice(0)
    assert acl.aclrtResetDevice(0) == codes.SUCCESS
    assert device(acl) == 0, "set twice, reset once: still there"
    assert acl.aclrtResetDevice(0) == codes.SUCCESS
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL
    assert acl.aclrtResetDevice(0) == codes.RT_CONTEXT_RELEASE_ERROR


@pytest.mark.parametrize("function", ["aclrtResetDevice", "aclrtResetDeviceForce"])
def test_reset_of_a_device_never_set_facts_1_2(two: Acl, function: str) -> None:
    two.aclrtSetDevice(0)
    assert getattr(two, function)(1) == codes.RT_CONTEXT_RELEASE_ERROR


def test_forced_reset_ignores_the_count_facts_1_2(acl: Acl) -> None:
    for _ in range(3):
        acl.aclrtSetDevice(0)
    assert acl.aclrtResetDeviceForce(0) == codes.SUCCESS
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL
    assert acl.aclrtResetDevice(0) == codes.RT_CONTEXT_RELEASE_ERROR


def test_devices_are_counted_per_device_facts_1_2(two: Acl) -> None:
    two.aclrtSetDevice(0)
    two.aclrtSetDevice(1)
    assert two.aclrtResetDevice(1) == codes.SUCCESS
    assert two.aclrtResetDevice(1) == codes.RT_CONTEXT_RELEASE_ERROR
    assert two.aclrtResetDevice(0) == codes.SUCCESS


def test_reset_ends_the_default_context_of_every_thread_facts_1_2(acl: Acl) -> None:
    """The count is the device's, not the thread's."""
    acl.aclrtSetDevice(0)
    assert elsewhere(lambda: acl.aclrtResetDevice(0)) == codes.SUCCESS
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL


def test_set_again_after_reset_facts_1_2(acl: Acl) -> None:
    for _ in range(3):
        assert acl.aclrtSetDevice(0) == codes.SUCCESS
        assert acl.aclrtFree(acl.malloc(64)) == codes.SUCCESS
        assert acl.aclrtResetDevice(0) == codes.SUCCESS


@pytest.mark.parametrize(("setting", "number"), [("host", 1), ("device", 0)])
def test_run_mode_facts_1_2(acl: Acl, setting: str, number: int) -> None:
    acl.set("run_mode", setting)
    mode = acl.new("aclrtRunMode *")
    assert acl.aclrtGetRunMode(mode) == codes.SUCCESS
    assert acl.ffi.cast("int", mode[0]) == number


def test_synchronize_facts_1_2(acl: Acl) -> None:
    assert acl.aclrtSynchronizeDevice() == codes.RT_CONTEXT_NULL
    acl.aclrtSetDevice(0)
    assert acl.aclrtSynchronizeDevice() == codes.SUCCESS


@pytest.mark.parametrize(
    ("timeout", "code"), [(-2, codes.RT_PARAM_INVALID), (-1, 0), (0, 0), (1000, 0)]
)
def test_synchronize_with_timeout_facts_1_2(acl: Acl, timeout: int, code: int) -> None:
    acl.aclrtSetDevice(0)
    assert acl.aclrtSynchronizeDeviceWithTimeout(timeout) == code


def test_synchronize_with_timeout_needs_a_context_facts_1_2(acl: Acl) -> None:
    assert acl.aclrtSynchronizeDeviceWithTimeout(100) == codes.RT_CONTEXT_NULL
