"""aclDataBuffer: a pointer and a size, nothing more (facts 1.6)."""

from __future__ import annotations

import pytest

from .. import codes
from ..face import Acl


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**32 + 5, 2**64 - 1])
@pytest.mark.parametrize("address", [0, 0x1000])
def test_everything_is_accepted_facts_1_6(acl: Acl, address: int, size: int) -> None:
    data = acl.ffi.cast("void *", address)
    buffer = acl.aclCreateDataBuffer(data, size)
    assert buffer != acl.NULL
    assert acl.aclGetDataBufferAddr(buffer) == data
    assert acl.aclGetDataBufferSizeV2(buffer) == size
    assert acl.aclGetDataBufferSize(buffer) == size % 2**32, "the old question truncates"
    assert acl.aclDestroyDataBuffer(buffer) == codes.SUCCESS


def test_null_has_nothing_facts_1_6(acl: Acl) -> None:
    assert acl.aclGetDataBufferAddr(acl.NULL) == acl.NULL
    assert acl.aclGetDataBufferSizeV2(acl.NULL) == 0
    assert acl.aclGetDataBufferSize(acl.NULL) == 0


def test_null_is_refused_facts_1_6(acl: Acl) -> None:
    assert acl.aclDestroyDataBuffer(acl.NULL) == codes.INVALID_PARAM
    assert acl.aclUpdateDataBuffer(acl.NULL, acl.NULL, 0) == codes.INVALID_PARAM


def test_update_facts_1_6(acl: Acl) -> None:
    """Both fields change, and NULL is as good as any."""
    buffer = acl.aclCreateDataBuffer(acl.ffi.cast("void *", 0x1000), 8)
    assert acl.aclUpdateDataBuffer(buffer, acl.ffi.cast("void *", 0x2000), 16) == codes.SUCCESS
    assert acl.aclGetDataBufferAddr(buffer) == acl.ffi.cast("void *", 0x2000)
    assert acl.aclGetDataBufferSizeV2(buffer) == 16
    assert acl.aclUpdateDataBuffer(buffer, acl.NULL, 0) == codes.SUCCESS
    assert acl.aclGetDataBufferAddr(buffer) == acl.NULL
    assert acl.aclGetDataBufferSizeV2(buffer) == 0


def test_destroying_it_leaves_the_memory_facts_1_6(ready: Acl) -> None:
    pointer = ready.on_device(b"abcd")
    buffer = ready.aclCreateDataBuffer(pointer, 4)
    assert ready.aclDestroyDataBuffer(buffer) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"abcd"
    assert ready.aclrtFree(pointer) == codes.SUCCESS


def test_use_after_destroy_is_seen_design_7(acl: Acl) -> None:
    buffer = acl.aclCreateDataBuffer(acl.NULL, 8)
    acl.aclDestroyDataBuffer(buffer)
    assert acl.aclGetDataBufferSizeV2(buffer) == 0
    assert acl.aclUpdateDataBuffer(buffer, acl.NULL, 4) != codes.SUCCESS
    assert acl.aclDestroyDataBuffer(buffer) != codes.SUCCESS
    assert acl.violations() == ["AB-RT-0002", "AB-RT-0002", "AB-RT-0004"]
