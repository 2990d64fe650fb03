"""Waiting for an event before anybody has recorded it is an order, too (facts 1.4, 6.33).

A wait that comes first waits for the record that comes next. What is queued
behind it is therefore behind all that the record is behind: no race. Only an
event that was made with ACL_EVENT_SYNC or ACL_EVENT_EXTERNAL can be waited
for before its first record (the runtime's Event::Wait).
"""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import TO_DEVICE, Acl
from ..streams import new_event, new_stream

DEVICE_TO_DEVICE = 3
SYNC, CAPTURE, TIME_LINE, EXTERNAL = 1, 2, 8, 0x20


@pytest.fixture
def two(ready: Acl) -> tuple[Any, Any, Any]:
    """An event and two streams; the second waits for the event."""
    event, first, second = new_event(ready, SYNC), new_stream(ready), new_stream(ready)
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    return event, first, second


def fill(acl: Acl, stream: Any, pointer: Any, value: int) -> None:
    assert acl.aclrtMemsetAsync(pointer, 4, value, 4, stream) == codes.SUCCESS


def copy(acl: Acl, stream: Any, target: Any, source: Any) -> None:
    status = acl.aclrtMemcpyAsync(target, 4, source, 4, DEVICE_TO_DEVICE, stream)
    assert status == codes.SUCCESS


@pytest.mark.parametrize("order", ["fill copy record", "copy fill record", "fill record copy"])
def test_the_record_that_comes_orders_facts_1_4(ready: Acl, two: Any, order: str) -> None:
    event, first, second = two
    source, target = ready.malloc(4), ready.malloc(4)
    steps = {
        "fill": lambda: fill(ready, first, source, 5),
        "copy": lambda: copy(ready, second, target, source),
        "record": lambda: ready.aclrtRecordEvent(event, first),
    }
    for step in order.split():
        steps[step]()
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS
    assert ready.download(target, 4) == b"\5" * 4
    assert ready.download(source, 4) == b"\5" * 4, "the first stream is over, too"
    assert ready.violations() == []


def test_over_a_third_stream_facts_1_4(ready: Acl, two: Any) -> None:
    """The third waits for the second, which waits for what nobody has recorded."""
    event, first, second = two
    third, onward, pointer = new_stream(ready), new_event(ready), ready.malloc(4)
    assert ready.aclrtRecordEvent(onward, second) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(third, onward) == codes.SUCCESS
    fill(ready, first, pointer, 1)
    fill(ready, third, pointer, 2)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(third) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"\2" * 4
    assert ready.violations() == []


def test_what_the_record_does_not_order_is_seen_when_it_comes(ready: Acl, two: Any) -> None:
    """The write is on a stream that has nothing to do with the event."""
    event, first, second = two
    other, pointer, target = new_stream(ready), ready.malloc(4), ready.malloc(4)
    fill(ready, other, pointer, 1)
    copy(ready, second, target, pointer)
    assert ready.violations() == []
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.violations() == ["AB-STR-0004"]
    row = ready.read("violations")[-1]
    assert row["function"] == "aclrtRecordEvent"
    assert "used by aclrtMemsetAsync" in row["message"]


def test_and_so_is_what_comes_behind_the_record(ready: Acl, two: Any) -> None:
    event, first, second = two
    pointer, target = ready.malloc(4), ready.malloc(4)
    copy(ready, second, target, pointer)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtMemsetAsync(pointer, 4, 1, 4, first) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


def test_two_that_one_record_lets_go_race_once(ready: Acl, two: Any) -> None:
    event, first, second = two
    third, pointer = new_stream(ready), ready.malloc(4)
    assert ready.aclrtStreamWaitEvent(third, event) == codes.SUCCESS
    fill(ready, second, pointer, 1)
    fill(ready, third, pointer, 2)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.violations() == ["AB-STR-0004"]


def test_two_events_to_come(ready: Acl, two: Any) -> None:
    """What waits for both is behind both, whichever comes first."""
    event, first, second = two
    other, later, pointer = new_stream(ready), new_event(ready, SYNC), ready.malloc(8)
    assert ready.aclrtStreamWaitEvent(second, later) == codes.SUCCESS
    halves = pointer, ready.ffi.cast("char *", pointer) + 4
    for half, stream in zip(halves, (first, other), strict=True):
        fill(ready, stream, half, 1)
        fill(ready, second, half, 2)
    assert ready.aclrtRecordEvent(later, other) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS
    assert ready.download(pointer, 8) == b"\2" * 8
    assert ready.violations() == []


def test_the_host_may_prepare_what_a_stream_waits_for(ready: Acl, two: Any) -> None:
    """It is done before it records; but to free is wrong at any time."""
    event, first, second = two
    source, target = ready.malloc(4), ready.malloc(4)
    copy(ready, second, target, source)
    assert ready.aclrtMemcpy(source, 4, ready.hold(bytearray(b"\7" * 4)), 4, TO_DEVICE) == 0
    assert ready.aclrtFree(source) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0002"]
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS
    assert ready.download(target, 4) == b"\7" * 4


def test_an_event_that_is_reset_is_one_to_come(ready: Acl) -> None:
    event, first, second = new_event(ready), new_stream(ready), new_stream(ready)
    pointer = ready.malloc(4)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtResetEvent(event, first) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    fill(ready, first, pointer, 1)
    fill(ready, second, pointer, 2)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"\2" * 4


@pytest.mark.parametrize("flag", [None, CAPTURE, TIME_LINE])
def test_most_events_cannot_be_waited_for_before_their_first_record(
    ready: Acl, flag: int | None
) -> None:
    event, first, second = new_event(ready, flag), new_stream(ready), new_stream(ready)
    assert ready.aclrtStreamWaitEvent(second, event) == codes.RT_PARAM_INVALID
    assert "the event was never recorded" in (ready.message() or "")
    ready.fail("aclrtRecordEvent", 1, 207007)
    assert ready.aclrtRecordEvent(event, first) == 207007
    assert ready.aclrtStreamWaitEvent(second, event) == codes.RT_PARAM_INVALID
    assert ready.aclrtRecordEvent(event, second) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS


@pytest.mark.parametrize("flag", [SYNC, SYNC | TIME_LINE, EXTERNAL])
def test_some_can(ready: Acl, flag: int) -> None:
    event, first, second = new_event(ready, flag), new_stream(ready), new_stream(ready)
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS


@pytest.mark.parametrize("mode", ["strict", "faithful"])
def test_a_record_behind_a_wait_for_itself(ready: Acl, mode: str) -> None:
    """A device would hang; here the wait fails, and what is behind it runs."""
    ready.set("mode", mode)
    event, stream, pointer = new_event(ready, SYNC), new_stream(ready), ready.malloc(4)
    assert ready.aclrtStreamWaitEvent(stream, event) == codes.SUCCESS
    fill(ready, stream, pointer, 7)
    assert ready.aclrtRecordEvent(event, stream) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0011"]
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_INTERNAL_ERROR
    assert ready.download(pointer, 4) == b"\7" * 4
    assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS, "the next one is another"
    assert ready.aclrtStreamWaitEvent(stream, event) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_a_refused_record_whose_next_is_on_the_stream_that_waits(ready: Acl, two: Any) -> None:
    event, first, second = two
    ready.fail("aclrtRecordEvent", 1, 207007)
    assert ready.aclrtRecordEvent(event, first) == 207007
    assert ready.aclrtRecordEvent(event, second) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0011"]
    assert ready.aclrtSynchronizeStream(second) == codes.RT_INTERNAL_ERROR


def test_two_streams_that_wait_for_each_other(ready: Acl, two: Any) -> None:
    event, first, second = two
    answer = new_event(ready, SYNC)
    assert ready.aclrtStreamWaitEvent(first, answer) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtRecordEvent(answer, second) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0011"]
    assert ready.aclrtSynchronizeStream(first) == codes.RT_INTERNAL_ERROR
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS


def test_a_reset_event_whose_record_is_behind_the_wait_for_it(ready: Acl) -> None:
    event, stream = new_event(ready), new_stream(ready)
    assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
    assert ready.aclrtResetEvent(event, stream) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(stream, event) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, stream) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0011"]
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_INTERNAL_ERROR
