"""aclrtMemcpyAsync and aclrtMemsetAsync on streams (facts 1.5, 6.32, 6.33)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..streams import (
    STREAM_BUSY,
    STREAM_DONE,
    Clock,
    content,
    new_stream,
    pinned,
    slow,
    stream_status,
)

H2H, H2D, D2H, D2D, DEFAULT = range(5)
DATA = bytes(range(64))


@pytest.fixture
def stream(ready: Acl) -> Any:
    return new_stream(ready)


def test_pinned_memory_overlaps_facts_6_33(ready: Acl, stream: Any) -> None:
    source, target = pinned(ready, DATA), ready.malloc(64)
    slow(ready, "aclrtMemcpyAsync", 400)
    with Clock() as clock:
        assert ready.aclrtMemcpyAsync(target, 64, source, 64, H2D, stream) == codes.SUCCESS
    assert clock.ms < 300
    assert stream_status(ready, stream) == STREAM_BUSY
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.download(target, 64) == DATA


def test_nothing_is_there_before_the_stream_is_done_facts_6_33(ready: Acl, stream: Any) -> None:
    source, target = ready.on_device(DATA), pinned(ready, 64)
    slow(ready, "aclrtMemcpyAsync", 100)
    assert ready.aclrtMemcpyAsync(target, 64, source, 64, D2H, stream) == codes.SUCCESS
    assert content(ready, target, 64) == b"\xa5" * 64
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert content(ready, target, 64) == DATA


def test_pageable_memory_does_not_overlap_facts_1_5(ready: Acl, stream: Any) -> None:
    """The call waits for the stream and copies: when it is back, all is done."""
    target = ready.malloc(64)
    slow(ready, "aclrtMemsetAsync", 60)
    slow(ready, "aclrtMemcpyAsync", 60)
    with Clock() as clock:
        assert ready.aclrtMemsetAsync(target, 64, 1, 64, stream) == codes.SUCCESS
        status = ready.aclrtMemcpyAsync(target, 32, ready.hold(DATA), 32, H2D, stream)
    assert status == codes.SUCCESS
    assert clock.ms >= 120
    assert stream_status(ready, stream) == STREAM_DONE
    assert ready.download(target, 64) == DATA[:32] + b"\1" * 32


def test_pageable_memory_to_the_host_facts_1_5(ready: Acl, stream: Any) -> None:
    source, target = ready.malloc(64), bytearray(64)
    slow(ready, "aclrtMemsetAsync", 40)
    assert ready.aclrtMemsetAsync(source, 64, 9, 64, stream) == codes.SUCCESS
    status = ready.aclrtMemcpyAsync(ready.hold(target), 64, source, 64, D2H, stream)
    assert status == codes.SUCCESS
    assert bytes(target) == b"\x09" * 64


def test_a_waiting_copy_reports_what_failed_before_it(ready: Acl, stream: Any) -> None:
    ready.fail("task", 1, codes.RT_AICORE_EXCEPTION)
    pointer = ready.malloc(64)
    assert ready.aclrtMemsetAsync(pointer, 64, 9, 64, stream) == codes.SUCCESS
    status = ready.aclrtMemcpyAsync(pointer, 64, ready.hold(DATA), 64, H2D, stream)
    assert status == codes.RT_AICORE_EXCEPTION


@pytest.mark.parametrize("kind", [H2H, DEFAULT])
@pytest.mark.parametrize("pin", [False, True])
def test_host_to_host_facts_1_5(ready: Acl, stream: Any, kind: int, pin: bool) -> None:
    ends = [pinned(ready, 64) if pin else ready.hold(bytearray(64)) for _ in range(2)]
    status = ready.aclrtMemcpyAsync(ends[0], 64, ends[1], 64, kind, stream)
    assert status == codes.RT_FEATURE_NOT_SUPPORT


def test_on_the_device_in_a_row_facts_1_5(ready: Acl, stream: Any) -> None:
    pointers = [ready.on_device(DATA), *(ready.malloc(64) for _ in range(5))]
    slow(ready, "aclrtMemcpyAsync", 5)
    for source, target in pairwise(pointers):
        assert ready.aclrtMemcpyAsync(target, 64, source, 64, D2D, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.download(pointers[-1], 64) == DATA


def test_a_stale_stream_facts_1_4(ready: Acl, stream: Any) -> None:
    assert ready.aclrtDestroyStream(stream) == codes.SUCCESS
    source, target = pinned(ready, DATA), ready.malloc(64)
    status = ready.aclrtMemcpyAsync(target, 64, source, 64, H2D, stream)
    assert status == codes.RT_INVALID_HANDLE
    status = ready.aclrtMemsetAsync(target, 64, 0, 64, stream)
    assert status == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002"] * 2


def test_filling_facts_1_5(acl: Acl) -> None:
    fill = acl.aclrtMemsetAsync
    assert fill(acl.NULL, 0, 0, 0, acl.NULL) == codes.SUCCESS
    assert fill(acl.NULL, 4, 0, 4, acl.NULL) == codes.INVALID_PARAM
    assert fill(acl.hold(bytearray(4)), 4, 0, 4, acl.NULL) == codes.RT_CONTEXT_NULL
    acl.start()
    pointer = acl.malloc(4)
    assert fill(pointer, 3, 0, 4, acl.NULL) == codes.RT_PARAM_INVALID
    assert fill(pointer, 4, 0x0A, 3, acl.NULL) == codes.SUCCESS
    assert acl.aclrtSynchronizeStream(acl.NULL) == codes.SUCCESS
    assert acl.download(pointer, 4) == b"\x0a\x0a\x0a\xa5"


MISUSE = {
    "past the end of the target": (H2D, 32, 64, "AB-RT-0011"),
    "past the end of the source": (H2D, 64, 32, "AB-RT-0018"),
    "the wrong direction": (D2H, 64, 64, "AB-RT-0012"),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_is_seen_at_the_call_design_7(ready: Acl, stream: Any, name: str) -> None:
    kind, room, there, violation = MISUSE[name]
    target, source = ready.malloc(room), pinned(ready, there)
    status = ready.aclrtMemcpyAsync(target, 64, source, 64, kind, stream)
    assert status == codes.RT_PARAM_INVALID
    assert violation in ready.violations()
    assert stream_status(ready, stream) == STREAM_DONE


def queued(acl: Acl, stream: Any) -> tuple[Any, Any]:
    """A copy to the device that nobody has waited for; its target and source."""
    target, source = acl.malloc(64), pinned(acl, DATA)
    assert acl.aclrtMemcpyAsync(target, 64, source, 64, H2D, stream) == codes.SUCCESS
    return target, source


@pytest.mark.parametrize("host", [False, True])
def test_freeing_what_a_stream_uses_is_seen_facts_6_32(ready: Acl, stream: Any, host: bool) -> None:
    """However fast the worker was; and after waiting it is allowed."""
    target, source = queued(ready, stream)
    free, pointer = (ready.aclrtFreeHost, source) if host else (ready.aclrtFree, target)
    assert free(pointer) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0002"]
    assert "aclrtMemcpyAsync" in ready.read("violations")[0]["message"]
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert free(pointer) == codes.SUCCESS


def test_faithfully_the_memory_is_freed_design_7(ready: Acl, stream: Any) -> None:
    """And the copy, which finds nothing there, fails on the device."""
    ready.set("mode", "faithful")
    slow(ready, "aclrtMemcpyAsync", 50)
    target, _ = queued(ready, stream)
    assert ready.aclrtFree(target) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_DEVICE_MEM_ERROR
    assert ready.violations() == ["AB-STR-0002", "AB-RT-0010"]


@pytest.mark.parametrize(
    ("way", "status"), [("write", 107000), ("read", 107000), ("fill", 107000), ("apart", 0)]
)
def test_copying_at_once_does_not_wait_facts_6_33(
    ready: Acl, stream: Any, way: str, status: int
) -> None:
    target, _ = queued(ready, stream)
    host, other = ready.hold(bytearray(64)), ready.malloc(64)
    done = {
        "write": lambda: ready.aclrtMemcpy(target, 64, host, 64, H2D),
        "read": lambda: ready.aclrtMemcpy(host, 64, target, 64, D2H),
        "fill": lambda: ready.aclrtMemset(target, 64, 0, 64),
        "apart": lambda: ready.aclrtMemcpy(other, 64, host, 64, H2D),
    }[way]()
    assert done == status
    assert ready.violations() == (["AB-STR-0004"] if status else [])


def test_reading_what_a_stream_reads_is_no_race_facts_6_33(ready: Acl, stream: Any) -> None:
    source, target = ready.on_device(DATA), pinned(ready, 64)
    assert ready.aclrtMemcpyAsync(target, 64, source, 64, D2H, stream) == codes.SUCCESS
    assert ready.download(source, 64) == DATA


def test_waiting_by_asking_is_waiting_facts_1_4(ready: Acl, stream: Any) -> None:
    target, _ = queued(ready, stream)
    while stream_status(ready, stream) == STREAM_BUSY:
        pass
    assert ready.download(target, 64) == DATA


def test_latency_per_byte_is_the_tasks(ready: Acl, stream: Any) -> None:
    size = 1 << 20
    source, target = pinned(ready, size), ready.malloc(size)
    assert ready.aclfakeLatency(b"aclrtMemcpyAsync", 0, 300e6 / size) == 0
    with Clock() as whole:
        with Clock() as call:
            assert ready.aclrtMemcpyAsync(target, size, source, size, H2D, stream) == 0
        assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert call.ms < 200
    assert whole.ms >= 300


def test_a_program_that_never_waits_still_runs(ready: Acl, stream: Any) -> None:
    target, source = queued(ready, stream)
    for _ in range(10_000):
        status = ready.aclrtMemcpyAsync(target, 64, source, 64, H2D, stream)
        assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
