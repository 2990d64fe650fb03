"""Events of several processes (facts 10.3)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .. import codes
from ..face import Acl
from ..process import Process, Program

IPC, SYNC = 0x40, 1
UNSUPPORTED = codes.RT_FEATURE_NOT_SUPPORT


@pytest.fixture
def here(ready: Acl) -> Program:
    """This process, which makes the event of most tests."""
    return Program(ready)


@pytest.fixture
def other(ready: Acl) -> Iterator[Process]:
    """Another process; it ends with the test, without a violation that nobody looked at."""
    process = Process(ready)
    try:
        yield process
        if process.is_there():
            assert process.violations() == process.unexplained() == []
    finally:
        process.leave()


@pytest.fixture
def shared(here: Program, other: Process) -> bytes:
    """An event "e" of both, a stream "s" of each, and memory "w" of both, as "w" and "v"."""
    handle = here.event("e")
    assert other.open_event("e", handle) == codes.SUCCESS
    here.malloc("w", 2 << 20)
    here.stream("s")
    other.stream("s")
    other.malloc("own", 64)
    key = here.export("w", 2 << 20)[1]
    assert other.load("v", key) == codes.SUCCESS
    return handle


def test_it_is_complete_before_its_first_record_facts_10_3(
    here: Program, other: Process, shared: bytes
) -> None:
    assert here.is_complete("e")
    assert other.is_complete("e")
    assert other.run("aclrtStreamWaitEvent", "s", "e") == codes.SUCCESS
    assert other.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert other.run("aclrtSynchronizeStream", "s") == codes.SUCCESS


@pytest.mark.parametrize("late", ["here", "there"])
def test_a_stream_waits_for_another_processs_record_facts_10_3(
    here: Program, other: Process, shared: bytes, late: str
) -> None:
    """Whoever made the event, both record it and both wait for it."""
    first, second = (here, other) if late == "here" else (other, here)
    mine, theirs = ("w", "v") if late == "here" else ("v", "w")
    first.slow("aclrtMemsetAsync", 1_000)
    first.run("aclrtMemsetAsync", mine, 4, 7, 4, "s")
    assert first.run("aclrtRecordEvent", "e", "s") == codes.SUCCESS
    assert not second.is_complete("e")
    assert second.run("aclrtStreamWaitEvent", "s", "e") == codes.SUCCESS
    if second is here:
        here.malloc("own", 64)
    assert second.run("aclrtMemcpyAsync", "own", 4, theirs, 4, 3, "s") == codes.SUCCESS
    assert second.run("aclrtSynchronizeStream", "s") == codes.SUCCESS
    assert second.read("own", 4) == b"\7" * 4
    assert first.run("aclrtSynchronizeStream", "s") == codes.SUCCESS


def test_the_host_waits_facts_10_3(here: Program, other: Process, shared: bytes) -> None:
    here.slow("aclrtMemsetAsync", 1_000)
    here.run("aclrtMemsetAsync", "w", 4, 9, 4, "s")
    here.run("aclrtRecordEvent", "e", "s")
    timeout = other.run("aclrtSynchronizeEventWithTimeout", "e", 1)
    assert timeout == codes.RT_EVENT_SYNC_TIMEOUT
    assert other.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert other.is_complete("e")
    assert other.read("v", 4) == b"\x09" * 4
    assert here.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert here.read("w", 4) == b"\x09" * 4  # the host knows that its stream is done


def test_it_is_recorded_again(here: Program, other: Process, shared: bytes) -> None:
    for value in (1, 2, 3):
        here.run("aclrtMemsetAsync", "w", 4, value, 4, "s")
        here.run("aclrtRecordEvent", "e", "s")
        assert other.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
        assert other.read("v", 1) == bytes([value])
    here.run("aclrtSynchronizeStream", "s")


def test_a_recorder_that_ends_does_not_hold_others(
    here: Program, other: Process, shared: bytes
) -> None:
    other.slow("aclrtMemsetAsync", 60_000)
    other.run("aclrtMemsetAsync", "own", 4, 1, 4, "s")
    other.run("aclrtRecordEvent", "e", "s")
    assert not here.is_complete("e")
    assert here.run("aclrtStreamWaitEvent", "s", "e") == codes.SUCCESS
    other.kill()
    assert here.run("aclrtSynchronizeEvent", "e") == codes.RT_STREAM_ABORT
    assert here.run("aclrtSynchronizeStream", "s") != codes.SUCCESS


def test_who_waits_after_the_recorder_ended_is_told_too_facts_8_12(
    here: Program, other: Process, shared: bytes
) -> None:
    other.slow("aclrtMemsetAsync", 60_000)
    other.run("aclrtMemsetAsync", "own", 4, 1, 4, "s")
    other.run("aclrtRecordEvent", "e", "s")
    other.kill()
    assert here.run("aclrtSynchronizeEvent", "e") == codes.RT_STREAM_ABORT
    assert here.run("aclrtStreamWaitEvent", "s", "e") == codes.SUCCESS
    assert here.run("aclrtSynchronizeStream", "s") != codes.SUCCESS


def test_who_opens_after_a_recorder_ended_is_not_taken_for_it(
    here: Program, other: Process, shared: bytes
) -> None:
    """The next process gets the number of the one that ended, whose mark was pending."""
    other.slow("aclrtMemsetAsync", 60_000)
    other.run("aclrtMemsetAsync", "own", 4, 1, 4, "s")
    other.run("aclrtRecordEvent", "e", "s")
    assert here.run("aclrtStreamWaitEvent", "s", "e") == codes.SUCCESS
    other.kill()
    third = Process(here.acl)
    try:
        assert third.open_event("e", shared) == codes.SUCCESS
        for process in (here, third):
            timed = process.run("aclrtSynchronizeEventWithTimeout", "e", 5000)
            assert timed == codes.RT_STREAM_ABORT
            assert process.is_complete("e")
        assert here.run("aclrtSynchronizeStream", "s") != codes.SUCCESS
    finally:
        third.leave()


@pytest.mark.parametrize("again", [True, False])
def test_a_mark_of_an_ended_process_is_told_behind_which_another_was_queued(
    here: Program, other: Process, shared: bytes, again: bool
) -> None:
    """Also where the next process is the same member of the block."""
    for process, memory in ((other, "own"), (here, "w")):
        process.slow("aclrtMemsetAsync", 60_000 if process is other else 3_000)
        process.run("aclrtMemsetAsync", memory, 4, 1, 4, "s")
        process.run("aclrtRecordEvent", "e", "s")
        if process is other:
            here.stream("t")
            assert here.run("aclrtStreamWaitEvent", "t", "e") == codes.SUCCESS
    other.kill()
    third = Process(here.acl) if again else None
    try:
        if third is not None:
            assert third.open_event("e", shared) == codes.SUCCESS
        timed = here.run("aclrtSynchronizeStreamWithTimeout", "t", 2000)
        assert timed not in (codes.SUCCESS, codes.RT_STREAM_SYNC_TIMEOUT)
        assert not here.is_complete("e")
        assert here.run("aclrtSynchronizeStream", "s") == codes.SUCCESS
        assert here.is_complete("e")
    finally:
        if third is not None:
            third.leave()


def test_a_second_opening_does_not_end_the_records_of_the_first(
    here: Program, other: Process, shared: bytes
) -> None:
    other.slow("aclrtMemsetAsync", 1_000)
    other.run("aclrtMemsetAsync", "v", 4, 6, 4, "s")
    other.run("aclrtRecordEvent", "e", "s")
    assert other.open_event("f", shared) == codes.SUCCESS
    assert not other.is_complete("f")
    assert here.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert here.read("w", 4) == b"\6" * 4
    assert other.run("aclrtSynchronizeStream", "s") == codes.SUCCESS


def test_a_record_that_fails_is_told_there(here: Program, other: Process, shared: bytes) -> None:
    here.slow("aclrtMemsetAsync", 30)
    here.run("aclrtMemsetAsync", "w", 4, 1, 4, "s")
    here.acl.fail("task", 2, codes.RT_DEVICE_MEM_ERROR)
    here.run("aclrtRecordEvent", "e", "s")
    assert other.run("aclrtSynchronizeEvent", "e") == codes.RT_DEVICE_MEM_ERROR
    assert here.run("aclrtSynchronizeStream", "s") == codes.RT_DEVICE_MEM_ERROR


def test_what_it_does_not_do_facts_10_3(here: Program, shared: bytes) -> None:
    acl, event = here.acl, here.at["e"]
    ms = acl.new("float *")
    assert acl.aclrtResetEvent(event, here.at["s"]) == UNSUPPORTED
    assert acl.aclrtQueryEvent(event, acl.new("aclrtEventStatus *")) == UNSUPPORTED
    waited = acl.new("aclrtEventWaitStatus *")
    assert acl.aclrtQueryEventWaitStatus(event, waited) == UNSUPPORTED
    assert acl.aclrtEventElapsedTime(ms, event, event) == UNSUPPORTED


def test_arguments_facts_10_3(here: Program) -> None:
    acl = here.acl
    here.event("e")
    plain, handle = acl.new("aclrtEvent *"), acl.new("aclrtIpcEventHandle *")
    assert acl.aclrtCreateEventExWithFlag(plain, SYNC | IPC) == codes.SUCCESS
    assert acl.aclrtIpcGetEventHandle(plain[0], handle) == codes.RT_PARAM_INVALID
    assert acl.aclrtIpcGetEventHandle(here.at["e"], acl.NULL) == codes.INVALID_PARAM
    assert acl.aclrtIpcGetEventHandle(acl.NULL, handle) == codes.INVALID_PARAM
    assert acl.aclrtIpcOpenEventHandle(handle[0], acl.NULL) == codes.INVALID_PARAM
    assert acl.aclrtIpcOpenEventHandle(handle[0], plain) == codes.RT_DRV_INTERNAL_ERROR
    assert acl.aclrtCreateEventExWithFlag(acl.NULL, IPC) == codes.INVALID_PARAM
    assert acl.aclrtCreateEventExWithFlag(plain, 4) == codes.RT_PARAM_INVALID


def test_a_handle_that_is_stale(here: Program, other: Process) -> None:
    handle = here.event("e")
    assert here.open_event("f", handle) == codes.RT_DRV_INTERNAL_ERROR
    here.run("aclrtDestroyEvent", "e")
    assert other.open_event("e", handle) == codes.RT_DRV_INTERNAL_ERROR
    assert "no longer there" in (other.message() or "")
    gone = other.event("g")
    assert here.open_event("g", gone) == codes.SUCCESS
    assert other.open_event("k", b"x" * 64) == codes.RT_DRV_INTERNAL_ERROR
    other.kill()
    assert here.open_event("h", gone) == codes.RT_DRV_INTERNAL_ERROR
    assert here.run("aclrtDestroyEvent", "g") == codes.SUCCESS


def test_a_destroyed_event_leaves_no_descriptor_facts_10_3(here: Program, other: Process) -> None:
    opened = other.event("e")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        here.event("f")
        assert here.open_event("e", opened) == codes.SUCCESS
        assert len(os.listdir("/proc/self/fd")) == before + 2
        assert here.run("aclrtDestroyEvent", "e") == codes.SUCCESS
        assert here.run("aclrtDestroyEvent", "f") == codes.SUCCESS
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_record_of_a_destroyed_event_is_still_told_there(
    here: Program, other: Process, shared: bytes
) -> None:
    """In faithful mode the event goes with its last task."""
    before = len(os.listdir("/proc/self/fd"))
    here.set("mode", "faithful")
    here.slow("aclrtMemsetAsync", 1_000)
    here.run("aclrtMemsetAsync", "w", 4, 5, 4, "s")
    here.run("aclrtRecordEvent", "e", "s")
    assert here.run("aclrtDestroyEvent", "e") == codes.SUCCESS
    assert here.acl.violations() == ["AB-STR-0006"]
    assert not other.is_complete("e")
    assert other.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert other.read("v", 4) == b"\5" * 4
    assert here.run("aclrtSynchronizeStream", "s") == codes.SUCCESS
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_a_key_of_memory_is_no_handle(here: Program, other: Process) -> None:
    here.malloc("w", 2 << 20)
    key = here.export("w", 2 << 20)[1]
    assert other.open_event("e", key) == codes.RT_DRV_INTERNAL_ERROR
    assert other.load("v", here.event("e").rstrip(b"\0")) == codes.RT_DRV_INTERNAL_ERROR
    here.close(key)
