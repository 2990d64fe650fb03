"""aclrtMemsetD32 and aclrtMemsetD32Async (RA/memory.cpp: the order of the checks)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..streams import new_stream
from ..threads import elsewhere


def fill(acl: Acl, *arguments: Any, stream: bool) -> int:
    """ptr, memSize, value, N."""
    if not stream:
        return int(acl.aclrtMemsetD32(*arguments))
    status = int(acl.aclrtMemsetD32Async(*arguments, acl.NULL))
    assert acl.aclrtSynchronizeStream(acl.NULL) == codes.SUCCESS
    return status


@pytest.mark.parametrize("stream", [False, True])
def test_words(ready: Acl, stream: bool) -> None:
    device = ready.on_device(bytes(20))
    assert fill(ready, device + 4, 16, 0x01020304, 3, stream=stream) == codes.SUCCESS
    assert ready.download(device, 20) == bytes(4) + b"\4\3\2\1" * 3 + bytes(4)
    pinned = ready.new("void **")
    ready.aclrtMallocHost(pinned, 8)
    assert fill(ready, pinned[0], 8, 7, 2, stream=stream) == codes.SUCCESS
    assert bytes(ready.ffi.buffer(pinned[0], 8)) == b"\7\0\0\0" * 2


@pytest.mark.parametrize(
    ("offset", "size", "count", "text"),
    [
        (1, 16, 2, "is not aligned to 4 bytes"),
        (0, 7, 2, "N 2 times 4 is more than memSize 7"),
        (0, 16, 2**62, "N 4611686018427387904 times 4 is too much"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_words_that_do_not_fit(
    ready: Acl, offset: int, size: int, count: int, text: str, stream: bool
) -> None:
    device = ready.malloc(64)
    assert fill(ready, device + offset, size, 1, count, stream=stream) == codes.INVALID_PARAM
    assert text in (ready.message() or "")


@pytest.mark.parametrize("stream", [False, True])
def test_words_in_other_memory(ready: Acl, stream: bool) -> None:
    status = fill(ready, ready.NULL, 0, 1, 0, stream=stream)
    assert status == (codes.INVALID_PARAM if stream else codes.SUCCESS)
    assert fill(ready, ready.NULL, 8, 1, 1, stream=stream) == codes.INVALID_PARAM
    plain = ready.new("uint32_t[4]")
    assert fill(ready, plain, 16, 1, 4, stream=stream) == codes.INVALID_PARAM
    assert "is not of aclrtMalloc" in (ready.message() or "")


@pytest.mark.parametrize("mode", ["strict", "faithful"])
@pytest.mark.parametrize("stream", [False, True])
def test_words_end_with_the_memory(ready: Acl, mode: str, stream: bool) -> None:
    ready.set("mode", mode)
    device = ready.malloc(10)
    status = fill(ready, device, 64, 5, 16, stream=stream)
    assert (status != codes.SUCCESS) == (mode == "strict")
    assert ready.violations() == ["AB-RT-0011"]


@pytest.mark.parametrize("stream", [False, True])
def test_words_wait_for_a_stream(ready: Acl, stream: bool) -> None:
    device = ready.malloc(64)
    ready.aclrtMemsetAsync(device, 8, 1, 8, ready.NULL)
    other = new_stream(ready)
    status = (
        ready.aclrtMemsetD32Async(device, 8, 1, 2, other)
        if stream
        else ready.aclrtMemsetD32(device, 8, 1, 2)
    )
    assert status == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]
    ready.aclrtSynchronizeStream(ready.NULL)


@pytest.mark.parametrize("stream", [False, True])
def test_words_need_a_context(ready: Acl, stream: bool) -> None:
    device = ready.malloc(8)

    def status() -> int:
        if stream:
            return int(ready.aclrtMemsetD32Async(device, 8, 1, 2, ready.NULL))
        return int(ready.aclrtMemsetD32(device, 8, 1, 2))

    assert elsewhere(status) == codes.RT_CONTEXT_NULL


def test_words_come_in_the_order_of_the_stream(ready: Acl) -> None:
    device, stream = ready.malloc(8), new_stream(ready)
    assert ready.aclrtMemsetAsync(device, 8, 255, 8, stream) == codes.SUCCESS
    assert ready.aclrtMemsetD32Async(device, 8, 3, 1, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.download(device, 8) == b"\3\0\0\0" + b"\xff" * 4
    assert ready.aclrtMemsetD32Async(device, 8, 3, 1, stream) == codes.SUCCESS
    assert ready.aclrtFree(device) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0002"]
