"""aclrtHostRegister and aclrtHostUnregister (RA/memory.cpp; hicann/runtime register_memory)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..threads import elsewhere

HOST, UNREGISTERED = 0, 2


@pytest.fixture
def memory(ready: Acl) -> Any:
    return ready.hold(bytearray(4096))


def register(acl: Acl, pointer: Any, size: int, kind: int = 0) -> int:
    return int(acl.aclrtHostRegister(pointer, size, kind, acl.new("void **")))


def where(acl: Acl, pointer: Any) -> int:
    told = acl.new("aclrtPtrAttributes *")
    assert acl.aclrtPointerGetAttributes(pointer, told) == codes.SUCCESS
    return int(told.location.type)


@pytest.mark.parametrize("kind", [0, 4, 8])
def test_it_is_known_until_it_is_unregistered(ready: Acl, memory: Any, kind: int) -> None:
    assert where(ready, memory) == UNREGISTERED
    assert register(ready, memory, 4096, kind) == codes.SUCCESS
    assert where(ready, memory + 4095) == HOST
    assert "registered memory" in ready.live()
    assert ready.aclrtHostUnregister(memory) == codes.SUCCESS
    assert where(ready, memory) == UNREGISTERED
    assert "registered memory" not in ready.live()


def test_the_device_has_it_at_its_own_address(ready: Acl, memory: Any) -> None:
    device = ready.new("void **")
    assert ready.aclrtHostRegister(memory, 64, 0, device) == codes.SUCCESS
    assert device[0] == ready.ffi.cast("void *", memory)
    assert ready.aclrtHostUnregister(memory) == codes.SUCCESS


@pytest.mark.parametrize(("start", "size"), [(0, 64), (16, 8), (63, 64), (0, 4096)])
def test_no_byte_twice(ready: Acl, memory: Any, start: int, size: int) -> None:
    assert register(ready, memory, 64) == codes.SUCCESS
    assert register(ready, memory + start, size) == codes.HOST_MEMORY_ALREADY_REGISTERED
    assert "is registered already, made by aclrtHostRegister (call " in (ready.message() or "")
    assert register(ready, memory + 64, 64) == codes.SUCCESS


def test_what_is_not_registered(ready: Acl, memory: Any) -> None:
    assert ready.aclrtHostUnregister(memory) == codes.HOST_MEMORY_NOT_REGISTERED
    assert "was never registered" in (ready.message() or "")
    register(ready, memory, 64)
    assert ready.aclrtHostUnregister(memory + 8) == codes.HOST_MEMORY_NOT_REGISTERED
    assert ready.aclrtHostUnregister(memory) == codes.SUCCESS
    ready.message()
    assert ready.aclrtHostUnregister(memory) == codes.HOST_MEMORY_NOT_REGISTERED
    assert "ended by aclrtHostUnregister (call " in (ready.message() or "")


def test_it_is_not_aclrtmallochosts_and_the_other_way_round(ready: Acl, memory: Any) -> None:
    register(ready, memory, 64)
    assert ready.aclrtFreeHost(memory) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0016"]
    pinned = ready.new("void **")
    ready.aclrtMallocHost(pinned, 64)
    assert ready.aclrtHostUnregister(pinned[0]) == codes.HOST_MEMORY_NOT_REGISTERED


def test_arguments(ready: Acl, memory: Any) -> None:
    device = ready.new("void **")
    assert ready.aclrtHostRegister(ready.NULL, 8, 0, device) == codes.INVALID_PARAM
    assert ready.aclrtHostRegister(memory, 8, 0, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclrtHostRegister(memory, 0, 0, device) == codes.INVALID_PARAM
    assert ready.aclrtHostRegister(memory, 8, 1, device) == codes.RT_PARAM_INVALID
    assert ready.aclrtHostRegister(memory, 2**64 - 1, 0, device) == codes.RT_PARAM_INVALID
    assert ready.aclrtHostUnregister(ready.NULL) == codes.INVALID_PARAM
    assert elsewhere(lambda: register(ready, memory, 8)) == codes.RT_CONTEXT_NULL
    assert elsewhere(lambda: ready.aclrtHostUnregister(memory)) == codes.RT_CONTEXT_NULL


def test_device_memory_is_not_the_hosts(ready: Acl) -> None:
    assert register(ready, ready.malloc(64), 64) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0014"]


def test_its_end_is_checked(ready: Acl, memory: Any) -> None:
    register(ready, memory, 64)
    assert ready.aclrtMemcpy(ready.malloc(128), 128, memory, 128, 1) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0018"]


def test_a_stream_copies_it_on_its_own(ready: Acl, memory: Any) -> None:
    """So it must not be touched, nor unregistered, before somebody waited."""
    register(ready, memory, 64)
    device = ready.malloc(64)
    assert ready.aclrtMemcpyAsync(device, 64, memory, 64, 1, ready.NULL) == codes.SUCCESS
    assert ready.aclrtHostUnregister(memory) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0002"]
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS
    assert ready.aclrtHostUnregister(memory) == codes.SUCCESS


MAPPED, IO, READONLY, PINNED = 2, 4, 8, 0x10000000


@pytest.mark.parametrize("flag", [MAPPED, IO, READONLY, IO | READONLY, PINNED, MAPPED | PINNED])
def test_the_second_version_takes_flags(ready: Acl, memory: Any, flag: int) -> None:
    assert ready.aclrtHostRegisterV2(memory, 64, flag) == codes.SUCCESS
    assert where(ready, memory + 63) == HOST
    status = ready.aclrtHostRegisterV2(memory + 63, 8, flag)
    assert status == codes.HOST_MEMORY_ALREADY_REGISTERED
    assert "made by aclrtHostRegisterV2 (call " in (ready.message() or "")
    assert ready.aclrtHostUnregister(memory) == codes.SUCCESS
    assert where(ready, memory) == UNREGISTERED


def test_the_second_version_in_canns_order(ready: Acl, memory: Any) -> None:
    assert ready.aclrtHostRegisterV2(ready.NULL, 0, 0) == codes.INVALID_PARAM
    assert ready.aclrtHostRegisterV2(memory, 0, 0) == codes.INVALID_PARAM
    for flag in (0, 1, MAPPED | 1, 0x20000000):
        assert ready.aclrtHostRegisterV2(memory, 64, flag) == codes.RT_PARAM_INVALID
        assert f"flag 0x{flag:x}" in (ready.message() or "")
    assert ready.aclrtHostRegisterV2(memory, 2**64 - 1, MAPPED) == codes.RT_PARAM_INVALID
    status = elsewhere(lambda: ready.aclrtHostRegisterV2(memory, 64, MAPPED))
    assert status == codes.RT_CONTEXT_NULL


def test_the_devices_address_is_asked_for(ready: Acl, memory: Any) -> None:
    device = ready.new("void **")
    assert ready.aclrtHostRegisterV2(memory, 64, MAPPED) == codes.SUCCESS
    assert ready.aclrtHostGetDevicePointer(memory + 8, device, 0) == codes.SUCCESS
    assert device[0] == ready.ffi.cast("void *", memory + 8)
    assert ready.aclrtHostGetDevicePointer(memory, device, 1) == codes.INVALID_PARAM
    assert ready.aclrtHostGetDevicePointer(ready.NULL, device, 0) == codes.INVALID_PARAM
    assert ready.aclrtHostGetDevicePointer(memory, ready.NULL, 0) == codes.INVALID_PARAM
    assert ready.aclrtHostGetDevicePointer(memory + 64, device, 0) == codes.RT_PARAM_INVALID
    status = elsewhere(lambda: ready.aclrtHostGetDevicePointer(memory, device, 0))
    assert status == codes.RT_CONTEXT_NULL
