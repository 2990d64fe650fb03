"""Host memory whose owner the program has dropped, as its language's layer tells (AB-RT-0030)."""

from __future__ import annotations

from typing import Any

from ..face import TO_DEVICE, TO_HOST, Acl
from ..streams import new_stream


def drop(acl: Acl, size: int = 64) -> Any:
    held = acl.hold(bytearray(size))
    assert acl.aclfakeHost(held, size, 0) == 0
    return held


def test_a_copy_is_carried_out_and_told(ready: Acl) -> None:
    held, target = drop(ready), ready.malloc(64)
    ready.ffi.memmove(held, bytes(range(64)), 64)
    assert ready.aclrtMemcpy(target, 32, held + 32, 32, TO_DEVICE) == 0
    assert ready.aclrtMemcpy(held, 64, target, 64, TO_HOST) == 0
    rows = ready.read("violations")
    assert [(row["id"], row["severity"]) for row in rows] == [("AB-RT-0030", "warning")] * 2
    assert rows[0]["message"].startswith("src 0x")
    assert rows[1]["message"].startswith("dst 0x")
    assert ready.violations() == ["AB-RT-0030"] * 2


def test_it_may_have_an_owner_again(ready: Acl) -> None:
    held, target = drop(ready), ready.malloc(64)
    assert ready.aclfakeHost(held, 64, 1) == 0
    assert ready.aclrtMemcpy(target, 64, held, 64, TO_DEVICE) == 0


def test_the_bytes_behind_are_not_of_it(ready: Acl) -> None:
    held, target = ready.hold(bytearray(64)), ready.malloc(64)
    assert ready.aclfakeHost(held, 32, 0) == 0
    assert ready.aclrtMemcpy(target, 32, held + 32, 32, TO_DEVICE) == 0


def test_other_calls_read_and_write_host_memory(ready: Acl) -> None:
    held, stream = drop(ready), new_stream(ready)
    assert ready.aclmdlLoadFromMem(held, 64, ready.new("uint32_t *")) != 0
    ready.message()
    count = ready.ffi.cast("uint32_t *", held)
    assert ready.aclrtGetDeviceCount(count) == 0
    assert ready.aclrtMemcpyAsync(ready.malloc(64), 64, held, 64, TO_DEVICE, stream) == 0
    assert ready.aclrtSynchronizeStream(stream) == 0
    told = ready.violations()
    assert {*told} == {"AB-RT-0030"}
    assert len(told) >= 3


def test_a_fresh_process_knows_of_none(acl: Acl) -> None:
    held = drop(acl)
    acl.reset()
    acl.start()
    assert acl.aclrtMemcpy(acl.malloc(64), 64, held, 64, TO_DEVICE) == 0


def test_many_ranges(ready: Acl) -> None:
    held, target = ready.hold(bytearray(4096)), ready.malloc(64)
    for at in range(0, 4096, 2):
        assert ready.aclfakeHost(held + at, 1, 0) == 0
    for at in range(0, 4096, 128):
        assert ready.aclrtMemcpy(target, 1, held + at + 1, 1, TO_DEVICE) == 0
    assert ready.violations() == []
    assert ready.aclrtMemcpy(target, 1, held + 4094, 1, TO_DEVICE) == 0
    assert ready.violations() == ["AB-RT-0030"]
