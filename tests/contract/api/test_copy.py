"""aclrtMemcpy, aclrtMemcpyAsync and aclrtMemset: order of checks, kinds, bounds (facts 1.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .. import codes
from ..face import Acl

H2H, H2D, D2H, D2D, DEFAULT, H2BUF2D = range(6)
DATA = bytes(range(64))
Copy = Callable[..., int]


@pytest.fixture(params=["aclrtMemcpy", "aclrtMemcpyAsync"])
def copy(request: pytest.FixtureRequest, acl: Acl) -> Copy:
    """Both ways of copying, on the default stream; not yet ready to copy."""
    function = getattr(acl, request.param)
    stream = () if request.param == "aclrtMemcpy" else (acl.NULL,)
    return lambda *args: int(function(*args, *stream))


def host(acl: Acl, size: int = 64) -> Any:
    return acl.hold(bytearray(size))


@pytest.mark.parametrize("kind", [H2H, H2D, D2H, D2D, DEFAULT, 6, 7, 99])
def test_nothing_to_copy_is_always_good_facts_1_5(acl: Acl, copy: Copy, kind: int) -> None:
    """No pointers, no room, no such kind, no context: the count comes first."""
    assert copy(acl.NULL, 0, acl.NULL, 0, kind) == codes.SUCCESS


@pytest.mark.parametrize(("dst", "src"), [(False, True), (True, False), (False, False)])
@pytest.mark.parametrize("kind", [H2D, 99])
@pytest.mark.parametrize("room", [64, 1])
def test_null_comes_second_facts_1_5(
    acl: Acl, copy: Copy, dst: bool, src: bool, kind: int, room: int
) -> None:
    ends = [host(acl) if given else acl.NULL for given in (dst, src)]
    assert copy(ends[0], room, ends[1], 64, kind) == codes.INVALID_PARAM


@pytest.mark.parametrize("kind", [6, 7, 8, 99])
@pytest.mark.parametrize("room", [64, 1])
def test_kind_comes_before_context_and_room_facts_1_5(
    acl: Acl, copy: Copy, kind: int, room: int
) -> None:
    """6 and 7 exist, but not here."""
    assert copy(host(acl), room, host(acl), 64, kind) == codes.INVALID_PARAM


@pytest.mark.parametrize("kind", [H2H, H2D, D2H, D2D, DEFAULT, H2BUF2D])
@pytest.mark.parametrize("room", [64, 1])
def test_context_comes_before_room_facts_1_5(acl: Acl, copy: Copy, kind: int, room: int) -> None:
    assert copy(host(acl), room, host(acl), 64, kind) == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("kind", [H2D, DEFAULT, H2BUF2D])
def test_more_than_there_is_room_for_facts_1_5(acl: Acl, copy: Copy, kind: int) -> None:
    acl.start()
    pointer = acl.malloc(64)
    assert copy(pointer, 63, acl.hold(DATA), 64, kind) == codes.RT_PARAM_INVALID
    assert acl.download(pointer, 64) == b"\xa5" * 64
    assert acl.violations() == [], "ACL itself notices this"


def test_onto_itself_facts_1_5(acl: Acl, copy: Copy) -> None:
    acl.start()
    pointer = acl.on_device(DATA)
    assert copy(pointer, 64, pointer, 64, D2D) == codes.SUCCESS
    assert acl.download(pointer, 64) == DATA


@pytest.mark.parametrize("kind", [H2D, DEFAULT, H2BUF2D])
def test_to_the_device_facts_1_5(acl: Acl, copy: Copy, kind: int) -> None:
    acl.start()
    pointer = acl.malloc(64)
    assert copy(pointer, 64, acl.hold(DATA), 64, kind) == codes.SUCCESS
    assert acl.aclrtSynchronizeDevice() == codes.SUCCESS
    assert acl.download(pointer, 64) == DATA


@pytest.mark.parametrize("kind", [D2H, DEFAULT])
def test_from_the_device_facts_1_5(acl: Acl, copy: Copy, kind: int) -> None:
    acl.start()
    pointer, target = acl.on_device(DATA), bytearray(64)
    assert copy(acl.hold(target), 64, pointer, 64, kind) == codes.SUCCESS
    assert acl.aclrtSynchronizeDevice() == codes.SUCCESS
    assert bytes(target) == DATA


@pytest.mark.parametrize("kind", [D2D, DEFAULT])
def test_on_the_device_facts_1_5(acl: Acl, copy: Copy, kind: int) -> None:
    acl.start()
    source, target = acl.on_device(DATA), acl.malloc(64)
    assert copy(target, 64, source, 64, kind) == codes.SUCCESS
    assert acl.aclrtSynchronizeDevice() == codes.SUCCESS
    assert acl.download(target, 64) == DATA


@pytest.mark.parametrize("kind", [H2H, DEFAULT])
def test_on_the_host_facts_1_5(ready: Acl, kind: int) -> None:
    target = bytearray(64)
    assert ready.aclrtMemcpy(ready.hold(target), 64, ready.hold(DATA), 64, kind) == 0
    assert bytes(target) == DATA


def test_no_asynchronous_copy_on_the_host_facts_1_5(ready: Acl) -> None:
    """Refused on a PCIe card, which is what a program on the host has."""
    target, source = host(ready), ready.hold(DATA)
    status = ready.aclrtMemcpyAsync(target, 64, source, 64, H2H, ready.NULL)
    assert status == codes.RT_FEATURE_NOT_SUPPORT


def test_a_part_of_memory_facts_1_5(ready: Acl) -> None:
    """Addresses inside an allocation are addresses."""
    pointer = ready.ffi.cast("char *", ready.on_device(DATA))
    ready.upload(pointer + 10, b"abc")
    assert ready.download(pointer, 64) == DATA[:10] + b"abc" + DATA[13:]


MISUSE = {
    "H2D into host memory": (H2D, "host", "host", "AB-RT-0012"),
    "H2D out of device memory": (H2D, "device", "device", "AB-RT-0012"),
    "D2H out of host memory": (D2H, "host", "host", "AB-RT-0012"),
    "D2H into device memory": (D2H, "device", "device", "AB-RT-0012"),
    "D2D out of host memory": (D2D, "device", "host", "AB-RT-0012"),
    "H2H into device memory": (H2H, "device", "host", "AB-RT-0012"),
    "into freed memory": (H2D, "freed", "host", "AB-RT-0010"),
    "out of freed memory": (D2H, "host", "freed", "AB-RT-0010"),
    "past the end of the target": (H2D, "short", "host", "AB-RT-0011"),
    "past the end of the source": (D2H, "host", "short", "AB-RT-0011"),
}


def _place(acl: Acl, what: str) -> Any:
    if what == "host":
        return host(acl)
    pointer = acl.malloc(32 if what == "short" else 64)
    if what == "freed":
        assert acl.aclrtFree(pointer) == codes.SUCCESS
    return pointer


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_is_refused_and_kept_design_7(ready: Acl, name: str) -> None:
    """A device would write somewhere; here nothing moves (facts 8: 107000)."""
    kind, dst, src, violation = MISUSE[name]
    target, source = _place(ready, dst), _place(ready, src)
    assert ready.aclrtMemcpy(target, 64, source, 64, kind) == codes.RT_PARAM_INVALID
    assert ready.violations() == [violation]


def test_misuse_moves_nothing_design_7(ready: Acl) -> None:
    pointer = ready.malloc(32)
    assert ready.aclrtMemcpy(pointer, 64, ready.hold(DATA), 64, H2D) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0011"]
    assert ready.download(pointer, 32) == b"\xa5" * 32


def test_a_neighbour_is_out_of_bounds_design_7(ready: Acl) -> None:
    """Running from one allocation into the next is as wrong as running into nothing."""
    pointers = [ready.malloc(64) for _ in range(8)]
    for pointer in pointers:
        assert ready.aclrtMemset(pointer, 4096, 0, 4096) == codes.RT_PARAM_INVALID
    assert set(ready.violations()) == {"AB-RT-0011"}


def test_overlapping_copy_design_7(ready: Acl) -> None:
    """ACL does not check it (facts 6.34), so nobody may rely on what comes out."""
    pointer = ready.ffi.cast("char *", ready.on_device(DATA))
    assert ready.aclrtMemcpy(pointer + 8, 32, pointer, 32, D2D) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0013"]
    assert ready.aclrtMemcpy(pointer + 32, 32, pointer, 32, D2D) == codes.SUCCESS


def test_faithful_overlap_facts_6_34(ready: Acl) -> None:
    """Overlapping is not checked by the device's library."""
    ready.set("mode", "faithful")
    pointer = ready.ffi.cast("char *", ready.on_device(DATA))
    assert ready.aclrtMemcpy(pointer + 8, 32, pointer, 32, D2D) == codes.SUCCESS
    ready.violations()


def test_host_allocations_have_bounds_too_design_7(ready: Acl) -> None:
    pinned = ready.new("void **")
    assert ready.aclrtMallocHost(pinned, 32) == codes.SUCCESS
    pointer = ready.malloc(8192)
    status = ready.aclrtMemcpy(pointer, 8192, pinned[0], 8192, H2D)
    assert status == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0018"]


@pytest.mark.parametrize("value", [0, 1, 0x7F, 0xFF, -1, 0x1FF])
def test_memset_facts_1_5(ready: Acl, value: int) -> None:
    """One byte's worth of the value is used, as memset does."""
    pointer = ready.malloc(64)
    assert ready.aclrtMemset(pointer, 64, value, 60) == codes.SUCCESS
    assert ready.download(pointer, 64) == bytes([value & 0xFF]) * 60 + b"\xa5" * 4


def test_memset_of_nothing_facts_1_5(acl: Acl) -> None:
    assert acl.aclrtMemset(acl.NULL, 0, 0, 0) == codes.SUCCESS


def test_memset_order_of_checks_facts_1_5(acl: Acl) -> None:
    """NULL, then the context, then the room."""
    assert acl.aclrtMemset(acl.NULL, 1, 0, 2) == codes.INVALID_PARAM
    assert acl.aclrtMemset(host(acl), 1, 0, 2) == codes.RT_CONTEXT_NULL
    acl.start()
    assert acl.aclrtMemset(acl.malloc(64), 63, 0, 64) == codes.RT_PARAM_INVALID


def test_memset_misuse_design_7(ready: Acl) -> None:
    short, freed = _place(ready, "short"), _place(ready, "freed")
    assert ready.aclrtMemset(short, 64, 0, 64) == codes.RT_PARAM_INVALID
    assert ready.aclrtMemset(freed, 64, 0, 64) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0011", "AB-RT-0010"]
