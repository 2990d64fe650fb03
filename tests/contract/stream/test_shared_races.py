"""Races between processes over memory that both have (facts 8.11, 8.12)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from .. import codes
from ..face import Acl
from ..process import Process, Program

SIZE = 2 << 20
REFUSED = codes.RT_PARAM_INVALID
RACE, FREED_QUEUED = "AB-STR-0004", "AB-STR-0002"
WRITE, READ = "write", "read"


@pytest.fixture
def here(ready: Acl) -> Program:
    """This process, which exports the memory."""
    return Program(ready)


@pytest.fixture
def other(ready: Acl) -> Iterator[Process]:
    process = Process(ready)
    try:
        yield process
        if process.is_there():
            assert process.violations() == process.unexplained() == []
    finally:
        process.leave()


@pytest.fixture
def both(here: Program, other: Process) -> tuple[Program, Process]:
    """Memory "w", a stream "s", "own" memory and an event "e" of both, made here."""
    here.malloc("w", SIZE)
    status, key = here.export("w", SIZE)
    assert status == other.load("w", key) == codes.SUCCESS
    assert other.open_event("e", here.event("e")) == codes.SUCCESS
    for process in (here, other):
        process.stream("s")
        process.stream("t")
        process.malloc("own", 4096)
    return here, other


def queue(process: Program | Process, what: str, stream: str = "s") -> int:
    """A write or read of "w" on a stream."""
    if what == WRITE:
        return int(process.run("aclrtMemsetAsync", "w", 64, 7, 64, stream))
    return int(process.run("aclrtMemcpyAsync", "own", 64, "w", 64, 3, stream))


def violations(process: Program | Process) -> list[str]:
    found: list[str] = process.acl.violations() if isinstance(process, Program) else []
    return found if isinstance(process, Program) else process.violations()


@pytest.mark.parametrize("exporter_first", [True, False])
@pytest.mark.parametrize("first", [WRITE, READ])
@pytest.mark.parametrize("second", [WRITE, READ])
def test_two_streams_of_two_processes_facts_8_12(
    both: tuple[Program, Process], first: str, second: str, exporter_first: bool
) -> None:
    one, two = both if exporter_first else both[::-1]
    assert queue(one, first) == codes.SUCCESS
    races = WRITE in (first, second)
    assert (queue(two, second) == codes.SUCCESS) is not races
    if races:
        assert f"of process {one.pid()}, which nobody waited for" in two.message()
    assert violations(two) == [RACE] * races
    assert violations(one) == []
    for process in both:
        assert process.run("aclrtSynchronizeStream", "s") == codes.SUCCESS
    assert queue(two, second) == codes.SUCCESS  # a message may have come since
    two.run("aclrtSynchronizeStream", "s")


def test_the_host_itself_is_told(both: tuple[Program, Process]) -> None:
    here, other = both
    queue(here, WRITE)
    assert other.read("w", 4) == REFUSED
    assert other.violations() == [RACE]
    here.run("aclrtSynchronizeStream", "s")
    assert other.read("w", 4) == b"\7" * 4
    queue(other, READ)
    assert here.write("w", b"new") == REFUSED
    assert here.acl.violations() == [RACE]
    assert here.read("w", 4) == b"\7" * 4
    other.run("aclrtSynchronizeStream", "s")
    assert here.write("w", b"new") == codes.SUCCESS


def test_other_bytes_are_no_race(both: tuple[Program, Process]) -> None:
    here, other = both
    queue(here, WRITE)
    assert other.write("w", b"beside", 64) == codes.SUCCESS
    assert other.read("w", 6, 64) == b"beside"
    here.run("aclrtSynchronizeStream", "s")


def test_the_exporter_does_not_free_what_is_read(both: tuple[Program, Process]) -> None:
    here, other = both
    queue(other, READ)
    assert here.free("w") == REFUSED
    assert here.acl.violations() == [FREED_QUEUED]
    assert f"of process {other.pid()}" in (here.message() or "")
    other.run("aclrtSynchronizeStream", "s")
    assert here.free("w") == codes.RT_PARAM_INVALID  # its key is open
    assert here.acl.violations() == ["AB-RT-0023"]


def test_an_import_ends_beside_the_exporters_stream(here: Program, other: Process) -> None:
    """The memory stays where it is."""
    here.malloc("w", SIZE)
    here.stream("s")
    key = here.export("w", SIZE)[1]
    other.load("w", key)
    queue(here, WRITE)
    assert other.close(key) == codes.SUCCESS
    here.run("aclrtSynchronizeStream", "s")
    assert here.close(key) == codes.SUCCESS


@pytest.mark.parametrize("by", ["stream", "host", "query"])
@pytest.mark.parametrize("exporter_first", [True, False])
def test_an_event_of_both_orders_them_facts_8_12(
    both: tuple[Program, Process], by: str, exporter_first: bool
) -> None:
    one, two = both if exporter_first else both[::-1]
    queue(one, WRITE)
    assert one.run("aclrtRecordEvent", "e", "s") == codes.SUCCESS
    if by == "stream":
        assert two.run("aclrtStreamWaitEvent", "s", "e") == codes.SUCCESS
        assert queue(two, READ, "t") != codes.SUCCESS  # the other stream did not wait
        assert violations(two) == [RACE]
    elif by == "host":
        assert two.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    else:
        while not two.is_complete("e"):
            pass
    assert queue(two, READ) == codes.SUCCESS
    for process in both:
        process.run("aclrtSynchronizeStream", "s")
        process.run("aclrtSynchronizeStream", "t")


def test_what_came_behind_the_record_is_not_in_order(both: tuple[Program, Process]) -> None:
    here, other = both
    here.run("aclrtRecordEvent", "e", "s")
    queue(here, WRITE)
    other.run("aclrtStreamWaitEvent", "s", "e")
    assert queue(other, READ) == REFUSED
    assert other.violations() == [RACE]
    here.run("aclrtSynchronizeStream", "s")


def test_a_ring_of_events_orders_all(both: tuple[Program, Process]) -> None:
    """No host waits at all: each process writes when the other has read."""
    for one, two in pairwise([*both, *both, *both]):
        assert queue(one, WRITE) == codes.SUCCESS
        one.run("aclrtRecordEvent", "e", "s")
        two.run("aclrtStreamWaitEvent", "s", "e")
        assert queue(two, READ) == codes.SUCCESS
    for process in both:
        assert process.run("aclrtSynchronizeStream", "s") == codes.SUCCESS


def test_what_another_host_has_waited_for_is_over_here_too(
    both: tuple[Program, Process],
) -> None:
    """It may have sent a message; also private memory used before is free then."""
    here, other = both
    here.run("aclrtMemsetAsync", "own", 64, 1, 64, "s")
    queue(here, WRITE)
    here.run("aclrtRecordEvent", "e", "s")
    other.run("aclrtStreamWaitEvent", "s", "e")
    queue(other, READ)
    assert here.write("w", b"early") == REFUSED
    assert here.acl.violations() == [RACE]
    other.run("aclrtSynchronizeStream", "s")
    assert here.write("w", b"after") == codes.SUCCESS
    assert here.write("own", b"after") == codes.SUCCESS


def test_what_was_waited_for_is_over_in_all_memory_that_the_task_used(
    both: tuple[Program, Process],
) -> None:
    """Also where nobody else has the rest of it; and after the key is closed."""
    here, other = both
    key = exported_again(here)
    here.run("aclrtMemcpyAsync", "x", 64, "w", 64, 3, "s")
    here.run("aclrtRecordEvent", "e", "s")
    assert other.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert here.write("w", b"after") == codes.SUCCESS
    here.run("aclrtMemcpyAsync", "x", 64, "w", 64, 3, "s")
    here.run("aclrtRecordEvent", "e", "s")
    assert other.run("aclrtSynchronizeEvent", "e") == codes.SUCCESS
    assert here.close(key) == codes.SUCCESS
    assert here.write("x", b"after") == codes.SUCCESS


def test_a_key_that_is_closed_ends_no_order(here: Program) -> None:
    for name in ("w", "x"):
        here.malloc(name, SIZE)
    key = here.export("w", SIZE)[1]
    here.export("x", SIZE)
    here.stream("s")
    here.run("aclrtMemsetAsync", "w", 64, 7, 64, "s")
    assert here.close(key) == codes.SUCCESS
    assert here.write("w", b"early") == REFUSED
    assert here.acl.violations() == [RACE]
    here.run("aclrtSynchronizeStream", "s")
    assert here.write("w", b"after") == codes.SUCCESS


def test_a_record_behind_does_not_hide_the_one_that_was_waited_for(
    both: tuple[Program, Process],
) -> None:
    here, other = both
    here.slow("aclrtMemsetAsync", 150)
    queue(here, WRITE)
    here.run("aclrtRecordEvent", "e", "s")
    other.begin("run", "aclrtSynchronizeEvent", "e")
    here.run("aclrtMemsetAsync", here.acl.ffi.cast("char *", here.at["w"]) + 1024, 64, 1, 64, "s")
    here.run("aclrtRecordEvent", "e", "s")
    assert other.end() == codes.SUCCESS
    assert other.read("w", 4) == b"\7" * 4
    here.run("aclrtSynchronizeStream", "s")


def test_a_third_process_is_in_order_by_way_of_the_second(
    both: tuple[Program, Process],
) -> None:
    here, other = both
    third = Process(here.acl)
    try:
        key = exported_again(here)
        for process in (other, third):
            assert process.load("x", key) == codes.SUCCESS
        assert third.open_event("f", other.event("f")) == codes.SUCCESS
        third.stream("s")
        here.run("aclrtMemsetAsync", "x", 64, 5, 64, "s")
        here.run("aclrtRecordEvent", "e", "s")
        other.run("aclrtStreamWaitEvent", "s", "e")
        other.run("aclrtRecordEvent", "f", "s")
        assert third.run("aclrtMemsetAsync", "x", 64, 6, 64, "s") == REFUSED
        assert third.violations() == [RACE]
        third.run("aclrtStreamWaitEvent", "s", "f")
        assert third.run("aclrtMemsetAsync", "x", 64, 6, 64, "s") == codes.SUCCESS
        third.run("aclrtSynchronizeStream", "s")
        assert here.read("x", 2) == b"\6\6"  # the third has waited for what was here
    finally:
        third.leave()


def exported_again(process: Program) -> bytes:
    process.malloc("x", SIZE)
    return process.export("x", SIZE)[1]


def test_a_task_that_waits_for_a_mark_to_come_is_not_judged_yet(
    both: tuple[Program, Process],
) -> None:
    here, other = both
    event = other.acl_event("later")
    assert event == codes.SUCCESS
    other.run("aclrtStreamWaitEvent", "s", "later")
    queue(here, WRITE)
    assert queue(other, READ) == codes.SUCCESS
    other.run("aclrtRecordEvent", "later", "t")
    assert other.violations() == [RACE]  # the mark has come, and it tells nothing of `here`
    for process in both:
        process.run("aclrtSynchronizeStream", "s")


def test_a_killed_process_races_with_nobody(both: tuple[Program, Process]) -> None:
    here, other = both
    other.slow("aclrtMemcpyAsync", 60_000)
    queue(other, READ)
    assert here.write("w", b"new") == REFUSED
    assert here.acl.violations() == [RACE]
    other.kill()
    assert here.write("w", b"new") == codes.SUCCESS


def test_the_next_process_is_not_taken_for_the_killed_one(here: Program, other: Process) -> None:
    """It becomes the same member of the block."""
    key = exported_again(here)
    other.load("w", key)
    other.malloc("own", 64)
    other.stream("s")
    other.slow("aclrtMemcpyAsync", 60_000)
    queue(other, READ)
    other.kill()
    third = Process(here.acl)
    try:
        assert third.load("w", key) == codes.SUCCESS
        assert here.write("x", b"new") == codes.SUCCESS
    finally:
        third.leave()


def test_a_stream_that_is_destroyed_leaves_no_use(both: tuple[Program, Process]) -> None:
    here, other = both
    queue(other, READ)
    other.run("aclrtDestroyStream", "s")
    assert here.write("w", b"new") == codes.SUCCESS


def test_in_faithful_mode_it_goes_on(both: tuple[Program, Process]) -> None:
    here, other = both
    queue(here, WRITE)
    other.set("mode", "faithful")
    assert queue(other, READ) == codes.SUCCESS
    assert other.violations() == [RACE]
    for process in both:
        process.run("aclrtSynchronizeStream", "s")
