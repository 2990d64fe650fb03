"""Device and host memory: what is given, how it is counted, what comes back (facts 1.5)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..threads import elsewhere

MALLOCS = ["aclrtMalloc", "aclrtMallocAlign32", "aclrtMallocCached"]
HBM = 1
SIZE_MAX = 2**64 - 1


def free_memory(acl: Acl) -> int:
    """Bytes that are left on the device."""
    left, total = acl.new("size_t *"), acl.new("size_t *")
    assert acl.aclrtGetMemInfo(HBM, left, total) == codes.SUCCESS
    return int(left[0])


@pytest.mark.parametrize("function", MALLOCS)
@pytest.mark.parametrize("size", [0, 16, SIZE_MAX])
def test_nowhere_to_answer_facts_1_5(ready: Acl, function: str, size: int) -> None:
    assert getattr(ready, function)(ready.NULL, size, 0) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", MALLOCS)
@pytest.mark.parametrize("size", [0, SIZE_MAX, SIZE_MAX - 8])
def test_sizes_that_are_none_facts_1_5(ready: Acl, function: str, size: int) -> None:
    """Nothing, or so much that rounding up wraps."""
    assert getattr(ready, function)(ready.new("void **"), size, 0) == codes.INVALID_PARAM


@pytest.mark.parametrize(
    ("function", "policy", "least"),
    [
        ("aclrtMalloc", 0, 64), ("aclrtMallocCached", 0, 64), ("aclrtMalloc", 6, 32),
        ("aclrtMalloc", 7, 32), ("aclrtMallocAlign32", 0, 32),
    ],
)  # fmt: skip
def test_the_largest_sizes_facts_1_5(ready: Acl, function: str, policy: int, least: int) -> None:
    """Only what the padding adds must not wrap: memory.cpp:296-303, 318-320."""
    call, pointer = getattr(ready, function), ready.new("void **")
    assert call(pointer, SIZE_MAX - least + 1, policy) == codes.INVALID_PARAM
    assert call(pointer, SIZE_MAX - least, policy) == codes.RT_MEMORY_ALLOCATION


@pytest.mark.parametrize("function", MALLOCS)
@pytest.mark.parametrize("size", [0, SIZE_MAX])
def test_size_comes_before_the_context_facts_1_5(acl: Acl, function: str, size: int) -> None:
    assert getattr(acl, function)(acl.new("void **"), size, 0) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", MALLOCS)
def test_context_comes_before_the_amount_facts_1_5(acl: Acl, function: str) -> None:
    """No context and too much: the context is what is missing."""
    acl.set("memory", 1 << 20)
    pointer = acl.new("void **")
    assert getattr(acl, function)(pointer, 1 << 30, 0) == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("function", MALLOCS)
def test_out_of_memory_facts_1_5(acl: Acl, function: str) -> None:
    acl.set("memory", 1 << 20)
    acl.start()
    pointer = acl.new("void **")
    assert getattr(acl, function)(pointer, 2 << 20, 0) == codes.RT_MEMORY_ALLOCATION
    assert getattr(acl, function)(pointer, 1 << 40, 0) == codes.RT_MEMORY_ALLOCATION
    assert getattr(acl, function)(pointer, 1 << 18, 0) == codes.SUCCESS


def test_freed_memory_can_be_had_again_facts_1_5(acl: Acl) -> None:
    acl.set("memory", 1 << 20)
    acl.start()
    for _ in range(20):
        assert acl.aclrtFree(acl.malloc(3 << 18)) == codes.SUCCESS


@pytest.mark.parametrize("function", MALLOCS)
@pytest.mark.parametrize("policy", [*range(8), 0x0100, 0x1000, 0x1001, 0x100000, 77, 0x7FFFFFFF])
def test_every_policy_is_good_facts_1_5(ready: Acl, function: str, policy: int) -> None:
    """An unknown one is treated as the default."""
    pointer = ready.new("void **")
    assert getattr(ready, function)(pointer, 100, policy) == codes.SUCCESS
    assert pointer[0] != ready.NULL


@pytest.mark.parametrize("size", [1, 31, 32, 33, 100, 4096, 5000])
def test_padding_of_32_bytes_facts_1_5(ready: Acl, size: int) -> None:
    """aclrtMalloc asks for 32 bytes more than it was asked for, Align32 does not."""
    rounded = (size + 31) // 32 * 32
    before = free_memory(ready)
    assert ready.aclrtMalloc(ready.new("void **"), size, 0) == codes.SUCCESS
    assert before - free_memory(ready) == rounded + 32
    before = free_memory(ready)
    assert ready.aclrtMallocAlign32(ready.new("void **"), size, 0) == codes.SUCCESS
    assert before - free_memory(ready) == rounded


@pytest.mark.parametrize("policy", [6, 7])
def test_pages_of_1_gib_are_not_padded_facts_1_5(ready: Acl, policy: int) -> None:
    before = free_memory(ready)
    assert ready.aclrtMalloc(ready.new("void **"), 64, policy) == codes.SUCCESS
    assert before - free_memory(ready) == 64


def test_free_gives_back_what_was_taken_facts_1_5(ready: Acl) -> None:
    before = free_memory(ready)
    pointers = [ready.malloc(size) for size in (1, 1000, 1 << 20)]
    for pointer in pointers:
        assert ready.aclrtFree(pointer) == codes.SUCCESS
    assert free_memory(ready) == before


def test_allocations_are_aligned_and_apart_facts_1_5(ready: Acl) -> None:
    sizes = [1, 31, 64, 65, 4095, 4096, 1 << 20]
    starts = sorted((int(ready.ffi.cast("uintptr_t", ready.malloc(n))), n) for n in sizes)
    assert all(start % 64 == 0 for start, _ in starts)
    ends = [start + size for start, size in starts]
    assert all(end <= start for end, (start, _) in zip(ends, starts[1:], strict=False))


@pytest.mark.parametrize("function", MALLOCS)
@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_fresh_memory_is_not_zeroed_facts_1_5_8(ready: Acl, function: str, size: int) -> None:
    pointer = ready.new("void **")
    assert getattr(ready, function)(pointer, size, 0) == codes.SUCCESS
    assert ready.download(pointer[0], size) == b"\xa5" * size


def test_memory_that_was_used_is_fresh_again_facts_1_5_8(ready: Acl) -> None:
    pointer = ready.on_device(b"secret" * 100)
    assert ready.aclrtFree(pointer) == codes.SUCCESS
    again = [ready.malloc(600) for _ in range(50)]
    assert all(ready.download(one, 600) == b"\xa5" * 600 for one in again)


def test_ends_of_large_memory_are_marked_design_7(ready: Acl) -> None:
    size, mib = 20 << 20, 1 << 20
    pointer = ready.ffi.cast("char *", ready.malloc(size))
    assert ready.download(pointer, mib) == b"\xa5" * mib
    assert ready.download(pointer + size - mib, mib) == b"\xa5" * mib


def test_free_of_null_facts_1_5(acl: Acl) -> None:
    assert acl.aclrtFree(acl.NULL) == codes.INVALID_PARAM


def test_free_needs_no_context_facts_1_5(ready: Acl) -> None:
    pointer = ready.malloc(64)
    assert elsewhere(lambda: ready.aclrtFree(pointer)) == codes.SUCCESS


def _unknown(acl: Acl) -> Any:
    return acl.hold(bytearray(64))


def _freed(acl: Acl) -> Any:
    pointer = acl.malloc(64)
    assert acl.aclrtFree(pointer) == codes.SUCCESS
    return pointer


def _interior(acl: Acl) -> Any:
    return acl.ffi.cast("char *", acl.malloc(64)) + 32


def _host(acl: Acl) -> Any:
    pointer = acl.new("void **")
    assert acl.aclrtMallocHost(pointer, 64) == codes.SUCCESS
    return pointer[0]


@pytest.mark.parametrize(
    ("pointer", "violation"),
    [
        (_unknown, "AB-RT-0006"),
        (_freed, "AB-RT-0007"),
        (_interior, "AB-RT-0008"),
        (_host, "AB-RT-0006"),
    ],
)
def test_free_of_what_is_no_allocation_facts_1_5_8(
    ready: Acl, pointer: Any, violation: str
) -> None:
    assert ready.aclrtFree(pointer(ready)) == codes.RT_PARAM_INVALID
    assert ready.violations() == [violation]


@pytest.mark.parametrize("mode", ["strict", "faithful"])
def test_double_free_is_seen_in_both_modes_facts_8(acl: Acl, mode: str) -> None:
    acl.set("mode", mode)
    acl.start()
    pointer = acl.malloc(64)
    assert acl.aclrtFree(pointer) == codes.SUCCESS
    assert acl.aclrtFree(pointer) == codes.RT_PARAM_INVALID
    assert acl.violations() == ["AB-RT-0007"]


def test_host_memory_is_the_hosts_facts_1_5(ready: Acl) -> None:
    pointer = _host(ready)
    ready.ffi.memmove(pointer, b"x" * 64, 64)
    assert bytes(ready.ffi.buffer(pointer, 64)) == b"x" * 64
    assert ready.aclrtFreeHost(pointer) == codes.SUCCESS


@pytest.mark.parametrize("size", [0, 64])
def test_host_memory_with_nowhere_to_answer_facts_1_5(acl: Acl, size: int) -> None:
    assert acl.aclrtMallocHost(acl.NULL, size) == codes.INVALID_PARAM


def test_host_memory_of_nothing_facts_1_5(acl: Acl) -> None:
    """The size is looked at before the context."""
    assert acl.aclrtMallocHost(acl.new("void **"), 0) == codes.INVALID_PARAM


def test_host_free_of_null_facts_1_5(acl: Acl) -> None:
    assert acl.aclrtFreeHost(acl.NULL) == codes.INVALID_PARAM


def test_host_free_of_other_memory_facts_1_5(ready: Acl) -> None:
    assert ready.aclrtFreeHost(ready.hold(bytearray(64))) == codes.RT_PARAM_INVALID
    assert ready.aclrtFreeHost(ready.malloc(64)) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0016", "AB-RT-0016"]


def test_host_double_free_facts_1_5(ready: Acl) -> None:
    pointer = _host(ready)
    assert ready.aclrtFreeHost(pointer) == codes.SUCCESS
    assert ready.aclrtFreeHost(pointer) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-RT-0017"]


@pytest.mark.parametrize("attr", range(18))
def test_every_kind_of_memory_can_be_asked_for_facts_1_5(ready: Acl, attr: int) -> None:
    left, total = ready.new("size_t *"), ready.new("size_t *")
    assert ready.aclrtGetMemInfo(attr, left, total) == codes.SUCCESS
    assert left[0] <= total[0]


@pytest.mark.parametrize("attr", [18, 99, 0x7FFFFFFF])
def test_unknown_kind_of_memory_facts_1_5(ready: Acl, attr: int) -> None:
    left, total = ready.new("size_t *"), ready.new("size_t *")
    assert ready.aclrtGetMemInfo(attr, left, total) == codes.RT_INVALID_MEMORY_TYPE


@pytest.mark.parametrize(("left", "total"), [(False, True), (True, False), (False, False)])
@pytest.mark.parametrize("attr", [1, 99])
def test_memory_info_wants_both_answers_first_facts_1_5(
    acl: Acl, left: bool, total: bool, attr: int
) -> None:
    """Neither a bad kind nor the missing context is noticed before."""
    places = [acl.new("size_t *") if given else acl.NULL for given in (left, total)]
    assert acl.aclrtGetMemInfo(attr, *places) == codes.INVALID_PARAM


def test_unknown_kind_comes_before_the_context_facts_1_5(acl: Acl) -> None:
    left, total = acl.new("size_t *"), acl.new("size_t *")
    assert acl.aclrtGetMemInfo(99, left, total) == codes.RT_INVALID_MEMORY_TYPE


def test_memory_is_counted_per_device_facts_1_5(acl: Acl) -> None:
    acl.set("devices", 2)
    acl.start(1)
    before = free_memory(acl)
    acl.aclrtSetDevice(0)
    acl.malloc(1 << 20)
    acl.aclrtSetDevice(1)
    assert free_memory(acl) == before
