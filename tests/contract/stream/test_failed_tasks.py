"""A failed task is an error at synchronise, whatever it was, and nobody waits for ever.

`aclfakeFail("task", nth, code)` lets the nth task of all streams fail. Each of these
tests waits with a limit that nothing here comes near: a wait that hangs fails with the
code of a timeout instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..runtime.test_callbacks import BLOCK, NO_BLOCK, Processor, callback, launch
from ..streams import NEG, content, new_event, new_stream, pinned, slow

LIMIT_MS = 20_000
CODE = codes.RT_AICORE_EXCEPTION
TO_DEVICE = 1


@pytest.fixture
def processor(ready: Acl) -> Iterator[Processor]:
    processor = Processor(ready)
    yield processor
    processor.stop()


def synchronise(acl: Acl, stream: Any) -> int:
    return int(acl.aclrtSynchronizeStreamWithTimeout(stream, LIMIT_MS))


def await_event(acl: Acl, event: Any) -> int:
    return int(acl.aclrtSynchronizeEventWithTimeout(event, LIMIT_MS))


class Program:
    """Four streams with every kind of task that there is, each behind the one before."""

    TASKS = 14

    def __init__(self, acl: Acl, subscriber: int) -> None:
        self.acl = acl
        self.streams = [new_stream(acl) for _ in range(4)]
        self.events = [new_event(acl) for _ in range(4)]
        self.model = acl.load_model(NEG)
        self.input, self.output = acl.dataset(16), acl.dataset(16)
        self.source, self.target = pinned(acl, bytes(16)), acl.malloc(16)
        self.subscribe(subscriber)

    def subscribe(self, thread: int) -> None:
        assert self.acl.aclrtSubscribeReport(thread, self.streams[2]) == codes.SUCCESS

    def queue(self) -> None:
        """Queue all of it: copies, executions, callbacks, marks and waits for them."""
        acl, (copies, runs, calls, hosts) = self.acl, self.streams
        first, second, third, last = self.events
        null, calling = acl.NULL, callback(acl, int)
        for status in (
            acl.aclrtMemsetAsync(self.target, 16, 1, 16, copies),
            acl.aclrtMemcpyAsync(self.target, 16, self.source, 16, TO_DEVICE, copies),
            acl.aclrtRecordEvent(first, copies),
            acl.aclrtStreamWaitEvent(runs, first),
            acl.aclmdlExecuteAsync(self.model, self.input.handle, self.output.handle, runs),
            acl.aclrtRecordEvent(second, runs),
            acl.aclrtStreamWaitEvent(calls, second),
            launch(acl, calls, int, NO_BLOCK),
            launch(acl, calls, int, BLOCK),
            acl.aclrtRecordEvent(third, calls),
            acl.aclrtStreamWaitEvent(hosts, third),
            acl.aclrtResetEvent(third, hosts),
            acl.aclrtLaunchHostFunc(hosts, calling, null),
            acl.aclrtRecordEvent(last, hosts),
        ):
            assert status == codes.SUCCESS

    def outcomes(self) -> list[int]:
        """What each synchronisation answers: events first, as they take nothing away."""
        events = [await_event(self.acl, one) for one in (*self.events[:2], self.events[3])]
        return events + [synchronise(self.acl, one) for one in self.streams]


@pytest.mark.parametrize("nth", range(1, Program.TASKS + 1))
def test_every_kind_of_task_may_fail(ready: Acl, processor: Processor, nth: int) -> None:
    program = Program(ready, processor.id)
    ready.fail("task", nth, CODE)
    program.queue()
    found = program.outcomes()
    assert set(found) == {codes.SUCCESS, CODE} or set(found) == {CODE}
    program.queue()
    assert set(program.outcomes()) == {codes.SUCCESS}, "each failure is told once"


def test_there_are_no_more_tasks(ready: Acl, processor: Processor) -> None:
    """The range above is all of them: one further is the next program's first."""
    program = Program(ready, processor.id)
    ready.fail("task", Program.TASKS + 1, CODE)
    program.queue()
    assert set(program.outcomes()) == {codes.SUCCESS}
    program.queue()
    assert CODE in program.outcomes()


def test_all_tasks_may_fail(ready: Acl, processor: Processor) -> None:
    program = Program(ready, processor.id)
    ready.fail("task", 0, CODE)
    program.queue()
    assert set(program.outcomes()) == {CODE}
    ready.fail("task", 0, 0)
    program.queue()
    assert set(program.outcomes()) == {codes.SUCCESS}


@pytest.mark.parametrize("nth", range(1, Program.TASKS + 1))
def test_a_device_waits_for_all_of_them(ready: Acl, processor: Processor, nth: int) -> None:
    program = Program(ready, processor.id)
    ready.fail("task", nth, CODE)
    program.queue()
    assert ready.aclrtSynchronizeDeviceWithTimeout(LIMIT_MS) == CODE
    assert ready.aclrtSynchronizeDeviceWithTimeout(LIMIT_MS) == codes.SUCCESS


def test_a_record_that_fails_fails_every_wait_for_it(ready: Acl) -> None:
    """On two streams, the one queued before the failure and the other after it."""
    recording, before, after = (new_stream(ready) for _ in range(3))
    event, memory = new_event(ready), ready.malloc(4)
    slow(ready, "aclrtMemsetAsync", 50)  # so that the record is the first task that runs
    assert ready.aclrtMemsetAsync(memory, 4, 7, 4, before) == codes.SUCCESS
    ready.fail("task", 1, CODE)
    assert ready.aclrtRecordEvent(event, recording) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(before, event) == codes.SUCCESS
    assert await_event(ready, event) == CODE
    assert ready.aclrtStreamWaitEvent(after, event) == codes.SUCCESS
    assert [synchronise(ready, one) for one in (recording, before, after)] == [CODE] * 3
    assert ready.aclrtRecordEvent(event, recording) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(after, event) == codes.SUCCESS
    assert await_event(ready, event) == codes.SUCCESS, "another record makes it good"
    assert synchronise(ready, after) == codes.SUCCESS


def test_a_wait_that_fails_still_holds_what_is_behind_it(ready: Acl) -> None:
    """No race comes of it: what follows the wait runs after the mark, as it would have."""
    writing, reading, event = new_stream(ready), new_stream(ready), new_event(ready)
    memory, host = ready.malloc(4), pinned(ready, 4)
    slow(ready, "aclrtMemsetAsync", 50)
    ready.fail("task", 1, CODE)  # the wait: the others have not begun
    assert ready.aclrtMemsetAsync(memory, 4, 7, 4, writing) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, writing) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(reading, event) == codes.SUCCESS
    assert ready.aclrtMemcpyAsync(host, 4, memory, 4, 2, reading) == codes.SUCCESS
    assert synchronise(ready, reading) == CODE
    assert synchronise(ready, writing) == codes.SUCCESS
    assert content(ready, host, 4) == b"\7" * 4


def test_a_record_that_is_dropped_fails_every_wait_for_it(ready: Acl) -> None:
    """Its stream is ended by force before it came to the mark."""
    recording, waiting, event = new_stream(ready), new_stream(ready), new_event(ready)
    memory = ready.malloc(4)
    slow(ready, "aclrtMemsetAsync", 10_000)
    assert ready.aclrtMemsetAsync(memory, 4, 7, 4, recording) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, recording) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(waiting, event) == codes.SUCCESS
    assert ready.aclrtDestroyStreamForce(recording) == codes.SUCCESS
    assert await_event(ready, event) == codes.RT_STREAM_ABORT
    assert synchronise(ready, waiting) != codes.SUCCESS
    assert synchronise(ready, waiting) == codes.SUCCESS


@pytest.mark.parametrize("block", [NO_BLOCK, BLOCK])
def test_a_callback_that_fails_is_told_to_its_thread(ready: Acl, block: int) -> None:
    """One launch, one report: a thread that waits for its callback without limit goes on."""
    stream, called = new_stream(ready), []
    assert ready.aclrtSubscribeReport(threading.get_ident(), stream) == codes.SUCCESS
    ready.fail("task", 1, CODE)
    assert launch(ready, stream, lambda: called.append(1), block) == codes.SUCCESS
    assert ready.aclrtProcessReport(LIMIT_MS) == CODE
    assert synchronise(ready, stream) == CODE
    assert called == []
    assert launch(ready, stream, lambda: called.append(2), block) == codes.SUCCESS
    assert ready.aclrtProcessReport(LIMIT_MS) == codes.SUCCESS
    assert synchronise(ready, stream) == codes.SUCCESS
    assert called == [2]
