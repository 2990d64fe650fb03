"""aclrtMemcpy2d and aclrtMemcpy2dAsync (RA/memory.cpp: the order of the checks)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import Acl
from ..threads import elsewhere

TO_DEVICE, TO_HOST, WITHIN, DEFAULT = 1, 2, 3, 4


def copy(acl: Acl, *arguments: Any, stream: bool = False) -> int:
    """dst, dpitch, src, spitch, width, height, kind."""
    if not stream:
        return int(acl.aclrtMemcpy2d(*arguments))
    status = int(acl.aclrtMemcpy2dAsync(*arguments, acl.NULL))
    assert acl.aclrtSynchronizeStream(acl.NULL) == codes.SUCCESS
    return status


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", [TO_DEVICE, DEFAULT])
def test_rows_go_where_they_belong(ready: Acl, stream: bool, kind: int) -> None:
    picture = np.arange(5 * 8, dtype=np.uint8).reshape(5, 8)
    device = ready.on_device(bytes([255] * 60))
    source = ready.ffi.from_buffer(picture)
    assert copy(ready, device, 12, source, 8, 6, 5, kind, stream=stream) == codes.SUCCESS
    there = np.frombuffer(ready.download(device, 60), np.uint8).reshape(5, 12)
    assert (there[:, :6] == picture[:, :6]).all()
    assert (there[:, 6:] == 255).all(), "what lies between the rows is not touched"
    back = np.full((5, 7), 9, np.uint8)
    into = ready.ffi.from_buffer(back)
    assert copy(ready, into, 7, device, 12, 6, 5, TO_HOST, stream=stream) == codes.SUCCESS
    assert (back[:, :6] == picture[:, :6]).all()
    assert (back[:, 6] == 9).all()


def test_columns_of_one_matrix_on_a_stream(ready: Acl) -> None:
    """Rows of both sides take turns in memory, and none meets another."""
    device = ready.on_device(bytes(range(32)))
    arguments = device + 4, 8, device, 8, 4, 4, WITHIN
    assert copy(ready, *arguments, stream=True) == codes.SUCCESS
    there = np.frombuffer(ready.download(device, 32), np.uint8).reshape(4, 8)
    assert (there[:, 4:] == there[:, :4]).all()


def test_rows_that_meet(ready: Acl) -> None:
    device = ready.malloc(64)
    assert copy(ready, device + 3, 8, device, 8, 4, 4, WITHIN, stream=True) != codes.SUCCESS
    assert copy(ready, device + 8, 8, device, 8, 4, 4, WITHIN, stream=True) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0013"] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_rows_behind_a_block_of_host_memory(ready: Acl, stream: bool) -> None:
    """No row lies over the end of the block: the rows behind it are whole."""
    block = ready.new("void **")
    assert ready.aclrtMallocHost(block, 640) == codes.SUCCESS
    device = ready.on_device(bytes(2048))
    assert copy(ready, device, 64, block[0], 64, 64, 10, TO_DEVICE, stream=stream) == codes.SUCCESS
    assert copy(ready, device, 64, block[0], 64, 64, 11, TO_DEVICE, stream=stream) != codes.SUCCESS
    assert copy(ready, block[0], 64, device, 64, 64, 11, TO_HOST, stream=stream) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0018"] * 2


def test_nothing_is_nothing(acl: Acl) -> None:
    assert copy(acl, acl.NULL, 0, acl.NULL, 0, 0, 5, 9) == codes.SUCCESS
    assert acl.aclrtMemcpy2dAsync(acl.NULL, 0, acl.NULL, 0, 5, 0, 9, acl.NULL) == codes.SUCCESS


@pytest.mark.parametrize("stream", [False, True])
def test_arguments_in_canns_order(ready: Acl, stream: bool) -> None:
    device, host = ready.malloc(64), ready.hold(bytearray(64))

    def status(*arguments: Any) -> int:
        return copy(ready, *arguments, stream=stream)

    assert status(ready.NULL, 8, host, 8, 9, 2, 0) == codes.INVALID_PARAM
    assert "dst is NULL" in (ready.message() or "")
    assert status(device, 8, ready.NULL, 8, 9, 2, 0) == codes.INVALID_PARAM
    assert "src is NULL" in (ready.message() or "")
    assert status(device, 8, host, 16, 9, 2, 0) == codes.INVALID_PARAM
    assert "width 9 is more than spitch 16 or dpitch 8" in (ready.message() or "")
    for kind in (0, 5, 6, 7, *((3,) if not stream else ())):
        assert status(device, 8, host, 8, 8, 2, kind) == codes.INVALID_PARAM
        assert f"kind {kind} is not one of" in (ready.message() or "")


def test_rows_beyond_all_addresses(ready: Acl) -> None:
    device, host = ready.malloc(64), ready.hold(bytearray(64))
    for pitch, height in ((2**63, 3), (2**64 - 1, 2), (16, 2**62)):
        assert copy(ready, device, pitch, host, pitch, 8, height, 1) == codes.INVALID_PARAM
        assert "reach beyond all addresses" in (ready.message() or "")
    assert copy(ready, device, 2**64 - 1, host, 2**64 - 1, 2**64 - 1, 1, 1) == codes.INVALID_PARAM


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["strict", "faithful"])
def test_the_last_row_must_fit_without_its_pitch(ready: Acl, stream: bool, mode: str) -> None:
    ready.set("mode", mode)
    device, host = ready.malloc(28), ready.hold(bytearray(64))
    assert copy(ready, device, 8, host, 8, 4, 4, 1, stream=stream) == codes.SUCCESS
    status = copy(ready, device, 8, host, 8, 5, 4, 1, stream=stream)
    assert (status != codes.SUCCESS) == (mode == "strict")
    assert {*ready.violations()} == {"AB-RT-0011"}


def test_the_wrong_side(ready: Acl) -> None:
    device, host = ready.malloc(64), ready.hold(bytearray(64))
    assert copy(ready, host, 8, device, 8, 8, 2, TO_DEVICE) == codes.RT_PARAM_INVALID
    assert {*ready.violations()} == {"AB-RT-0012"}


def test_a_stream_claims_rows_and_not_what_lies_between(ready: Acl) -> None:
    device, other = ready.malloc(64), ready.malloc(64)
    assert ready.aclrtMemcpy2dAsync(device, 16, other, 16, 8, 4, WITHIN, ready.NULL) == 0
    host = ready.hold(bytearray(8))
    assert ready.aclrtMemcpy(device + 8, 8, host, 8, TO_DEVICE) == codes.SUCCESS
    assert ready.aclrtMemcpy(device + 16, 8, host, 8, TO_DEVICE) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS
    assert ready.aclrtMemcpy(device + 16, 8, host, 8, TO_DEVICE) == codes.SUCCESS


def test_rows_wait_for_a_stream_too(ready: Acl) -> None:
    device = ready.malloc(64)
    assert ready.aclrtMemsetAsync(device + 48, 8, 1, 8, ready.NULL) == codes.SUCCESS
    host = ready.hold(bytearray(64))
    assert copy(ready, device, 16, host, 16, 8, 4, TO_DEVICE) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]
    ready.aclrtSynchronizeStream(ready.NULL)


def test_a_context_is_needed(ready: Acl) -> None:
    device, host = ready.malloc(64), ready.hold(bytearray(64))
    status = elsewhere(lambda: ready.aclrtMemcpy2d(device, 8, host, 8, 8, 2, 1))
    assert status == codes.RT_CONTEXT_NULL


def test_host_to_host_is_not_asynchronous_facts_1_5(ready: Acl) -> None:
    host = ready.hold(bytearray(64))
    status = copy(ready, host, 8, host + 32, 8, 8, 2, DEFAULT, stream=True)
    assert status == codes.RT_FEATURE_NOT_SUPPORT
