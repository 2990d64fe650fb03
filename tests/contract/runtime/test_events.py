"""Events: marks in streams, for the host and for other streams (facts 1.4, 1.12)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..streams import Clock, new_event, new_stream, slow
from ..threads import elsewhere

OLD_DONE, OLD_NOT_READY = 0, 1
NEW_NOT_READY, NEW_DONE = 0, 1
WAIT_DONE, WAIT_NOT_READY = 0, 1
SYNC, TIME_LINE = 1, 8


def old(acl: Acl, event: Any) -> int:
    status = acl.new("aclrtEventStatus *")
    assert acl.aclrtQueryEvent(event, status) == codes.SUCCESS
    return int(status[0])


def new(acl: Acl, event: Any) -> int:
    status = acl.new("aclrtEventRecordedStatus *")
    assert acl.aclrtQueryEventStatus(event, status) == codes.SUCCESS
    return int(status[0])


def waited(acl: Acl, event: Any) -> int:
    status = acl.new("aclrtEventWaitStatus *")
    assert acl.aclrtQueryEventWaitStatus(event, status) == codes.SUCCESS
    return int(status[0])


def fill(acl: Acl, stream: Any, pointer: Any, value: int, milliseconds: int = 0) -> None:
    slow(acl, "aclrtMemsetAsync", milliseconds)
    assert acl.aclrtMemsetAsync(pointer, 4, value, 4, stream) == codes.SUCCESS


def test_null_facts_1_4(ready: Acl) -> None:
    null, event = ready.NULL, new_event(ready)
    calls = {
        "aclrtCreateEvent": (null,),
        "aclrtCreateEventWithFlag": (null, SYNC),
        "aclrtDestroyEvent": (null,),
        "aclrtRecordEvent": (null, null),
        "aclrtResetEvent": (null, null),
        "aclrtStreamWaitEvent": (null, null),
        "aclrtSynchronizeEvent": (null,),
        "aclrtSynchronizeEventWithTimeout": (null, 5),
        "aclrtQueryEvent": (event, null),
        "aclrtQueryEventStatus": (event, null),
        "aclrtQueryEventWaitStatus": (event, null),
        "aclrtEventElapsedTime": (null, event, event),
    }
    for name, arguments in calls.items():
        assert getattr(ready, name)(*arguments) == codes.INVALID_PARAM, name
    assert ready.aclrtQueryEvent(null, ready.new("aclrtEventStatus *")) == codes.INVALID_PARAM
    ms = ready.new("float *")
    assert ready.aclrtEventElapsedTime(ms, null, event) == codes.INVALID_PARAM
    assert ready.aclrtEventElapsedTime(ms, event, null) == codes.INVALID_PARAM
    status = ready.new("aclrtEventRecordedStatus *")
    assert ready.aclrtQueryEventStatus(null, status) == codes.INVALID_PARAM


def test_creating_needs_a_context_facts_1_4(acl: Acl) -> None:
    assert acl.aclrtCreateEvent(acl.new("aclrtEvent *")) == codes.RT_CONTEXT_NULL
    assert acl.aclrtCreateEventWithFlag(acl.new("aclrtEvent *"), 1) == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("flag", [0, 1, 2, 8, 0x10, 0x20, 0x40, 9, 0x7B])
def test_flags_facts_1_12(ready: Acl, flag: int) -> None:
    assert ready.aclrtDestroyEvent(new_event(ready, flag)) == codes.SUCCESS


@pytest.mark.parametrize("flag", [4, 0x80, 0x1000])
def test_bits_that_are_no_flags(ready: Acl, flag: int) -> None:
    event = ready.new("aclrtEvent *")
    assert ready.aclrtCreateEventWithFlag(event, flag) == codes.RT_PARAM_INVALID


def test_stale_events_facts_1_4(ready: Acl) -> None:
    event = new_event(ready)
    assert ready.aclrtDestroyEvent(event) == codes.SUCCESS
    calls = [
        lambda: ready.aclrtDestroyEvent(event),
        lambda: ready.aclrtRecordEvent(event, ready.NULL),
        lambda: ready.aclrtResetEvent(event, ready.NULL),
        lambda: ready.aclrtStreamWaitEvent(ready.NULL, event),
        lambda: ready.aclrtSynchronizeEvent(event),
        lambda: ready.aclrtQueryEvent(event, ready.new("aclrtEventStatus *")),
    ]
    assert [call() for call in calls] == [codes.RT_INVALID_HANDLE] * len(calls)
    assert ready.violations() == ["AB-RT-0004"] + ["AB-RT-0002"] * (len(calls) - 1)


def test_a_live_event_is_listed_design_7(ready: Acl) -> None:
    event = new_event(ready)
    assert ready.live() == ["device", "event"]
    assert ready.aclrtDestroyEvent(event) == codes.SUCCESS
    assert ready.live() == ["device"]


def test_the_two_numberings_are_opposite_facts_6_42(ready: Acl) -> None:
    event, stream = new_event(ready), new_stream(ready)
    assert (old(ready, event), new(ready, event)) == (OLD_NOT_READY, NEW_NOT_READY)
    fill(ready, stream, ready.malloc(4), 1, 60)
    assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
    assert (old(ready, event), new(ready, event)) == (OLD_NOT_READY, NEW_NOT_READY)
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert (old(ready, event), new(ready, event)) == (OLD_DONE, NEW_DONE)


def test_recording_again_is_pending_again_facts_1_4(ready: Acl) -> None:
    event = new_event(ready)
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    fill(ready, ready.NULL, ready.malloc(4), 1, 50)
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    assert new(ready, event) == NEW_NOT_READY
    assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    assert new(ready, event) == NEW_DONE


def test_resetting_facts_1_4(ready: Acl) -> None:
    event = new_event(ready)
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    assert ready.aclrtResetEvent(event, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS
    assert new(ready, event) == NEW_NOT_READY
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    assert new(ready, event) == NEW_DONE


def test_waiting_on_the_host_facts_1_4(ready: Acl) -> None:
    """For what is before the mark, and not for what is behind it."""
    event, stream, pointer = new_event(ready), new_stream(ready), ready.malloc(4)
    with Clock() as clock:
        fill(ready, stream, pointer, 1, 50)
        assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
        fill(ready, stream, ready.malloc(4), 2, 2000)
        assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    assert 50 <= clock.ms < 1000
    assert ready.download(pointer, 4) == b"\1" * 4
    assert ready.aclrtDestroyStreamForce(stream) == codes.SUCCESS


def test_the_timeout_is_looked_at_before_the_event_facts_1_4(ready: Acl) -> None:
    status = ready.aclrtSynchronizeEventWithTimeout(ready.NULL, -2)
    assert status == codes.RT_PARAM_INVALID


def test_a_timeout_expires_facts_1_4(ready: Acl) -> None:
    event = new_event(ready)
    fill(ready, ready.NULL, ready.malloc(4), 1, 500)
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    wait = ready.aclrtSynchronizeEventWithTimeout
    with Clock() as clock:
        assert wait(event, 30) == codes.RT_EVENT_SYNC_TIMEOUT
    assert 30 <= clock.ms < 400
    assert wait(event, 0) == codes.RT_EVENT_SYNC_TIMEOUT
    assert wait(event, -1) == codes.SUCCESS
    assert wait(event, 0) == codes.SUCCESS


def test_waiting_for_what_was_never_recorded_is_seen(ready: Acl) -> None:
    event = new_event(ready)
    assert ready.aclrtSynchronizeEvent(event) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0007"]
    ready.set("mode", "faithful")
    assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    assert ready.violations() == ["AB-STR-0007"]


def test_events_order_streams_facts_1_4(ready: Acl) -> None:
    """The second stream copies what the first one has written."""
    event, first, second = new_event(ready), new_stream(ready), new_stream(ready)
    source, target = ready.malloc(4), ready.malloc(4)
    fill(ready, first, source, 5, 800)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    assert waited(ready, event) == WAIT_NOT_READY
    assert ready.aclrtMemcpyAsync(target, 4, source, 4, 3, second) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS
    assert waited(ready, event) == WAIT_DONE
    assert ready.download(target, 4) == b"\5" * 4
    assert ready.download(source, 4) == b"\5" * 4, "the first stream is over, too"


def test_the_same_without_an_event_is_a_race_facts_6_33(ready: Acl) -> None:
    first, second = new_stream(ready), new_stream(ready)
    source, target = ready.malloc(4), ready.malloc(4)
    fill(ready, first, source, 5)
    status = ready.aclrtMemcpyAsync(target, 4, source, 4, 3, second)
    assert status == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


def test_an_order_may_go_over_a_third_stream_facts_1_4(ready: Acl) -> None:
    streams = [new_stream(ready) for _ in range(3)]
    pointer = ready.malloc(4)
    for value, stream in enumerate(streams):
        fill(ready, stream, pointer, value, 20)
        event = new_event(ready)
        assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
        assert ready.aclrtStreamWaitEvent(streams[(value + 1) % 3], event) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(streams[2]) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"\2" * 4


def test_an_event_before_the_write_orders_nothing_facts_6_33(ready: Acl) -> None:
    event, first, second = new_event(ready), new_stream(ready), new_stream(ready)
    pointer = ready.malloc(4)
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    fill(ready, first, pointer, 1)
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    status = ready.aclrtMemsetAsync(pointer, 4, 2, 4, second)
    assert status == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


def test_a_stream_waits_for_a_record_to_come_facts_1_4(ready: Acl) -> None:
    event, first, second = new_event(ready, SYNC), new_stream(ready), new_stream(ready)
    assert ready.aclrtStreamWaitEvent(second, event) == codes.SUCCESS
    status = ready.aclrtSynchronizeStreamWithTimeout(second, 30)
    assert status == codes.RT_STREAM_SYNC_TIMEOUT
    assert ready.aclrtRecordEvent(event, first) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(second) == codes.SUCCESS


def test_a_complete_event_tells_the_host_enough_facts_6_33(ready: Acl) -> None:
    """A program that polls its event has waited."""
    event, pointer = new_event(ready), ready.malloc(4)
    fill(ready, ready.NULL, pointer, 3, 20)
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    while new(ready, event) == NEW_NOT_READY:
        pass
    assert ready.download(pointer, 4) == b"\3" * 4
    assert ready.aclrtFree(pointer) == codes.SUCCESS


def test_elapsed_time_is_in_milliseconds_facts_1_4(ready: Acl) -> None:
    start, end, ms = new_event(ready), new_event(ready), ready.new("float *")
    assert ready.aclrtRecordEvent(start, ready.NULL) == codes.SUCCESS
    fill(ready, ready.NULL, ready.malloc(4), 1, 80)
    assert ready.aclrtRecordEvent(end, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS
    assert ready.aclrtEventElapsedTime(ms, start, end) == codes.SUCCESS
    assert 80 <= ms[0] < 1000, "the device's time, whenever its threads wake up"
    status = ready.aclrtEventElapsedTime(ms, end, start)
    assert status == codes.RT_EVENT_TIMESTAMP_REVERSAL
    assert ready.aclrtEventElapsedTime(ms, start, start) == codes.SUCCESS
    assert ms[0] == 0


def test_no_time_without_two_complete_events_facts_1_4(ready: Acl) -> None:
    start, end, ms = new_event(ready), new_event(ready), ready.new("float *")
    elapsed = ready.aclrtEventElapsedTime
    assert elapsed(ms, start, end) == codes.RT_EVENT_TIMESTAMP_INVALID
    assert ready.aclrtRecordEvent(start, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeEvent(start) == codes.SUCCESS
    assert elapsed(ms, start, end) == codes.RT_EVENT_TIMESTAMP_INVALID
    fill(ready, ready.NULL, ready.malloc(4), 1, 60)
    assert ready.aclrtRecordEvent(end, ready.NULL) == codes.SUCCESS
    assert elapsed(ms, start, end) == codes.RT_EVENT_TIMESTAMP_INVALID


@pytest.mark.parametrize(("flag", "status"), [(SYNC, 107006), (TIME_LINE, 0), (9, 0)])
def test_only_events_of_the_time_line_tell_time_facts_1_12(
    ready: Acl, flag: int, status: int
) -> None:
    event, ms = new_event(ready, flag), ready.new("float *")
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    assert ready.aclrtEventElapsedTime(ms, event, event) == status


def test_destroying_what_a_stream_waits_for_is_seen_design_7(ready: Acl) -> None:
    event, stream = new_event(ready, SYNC), new_stream(ready)
    assert ready.aclrtStreamWaitEvent(stream, event) == codes.SUCCESS
    assert ready.aclrtDestroyEvent(event) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0006"]
    assert ready.aclrtRecordEvent(event, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS
    assert ready.aclrtDestroyEvent(event) == codes.SUCCESS


def test_faithfully_it_is_destroyed_and_nothing_breaks_design_7(ready: Acl) -> None:
    ready.set("mode", "faithful")
    event, stream = new_event(ready, SYNC), new_stream(ready)
    assert ready.aclrtStreamWaitEvent(stream, event) == codes.SUCCESS
    assert ready.aclrtDestroyEvent(event) == codes.SUCCESS
    assert ready.violations() == ["AB-STR-0006"]
    assert ready.aclrtDestroyStreamForce(stream) == codes.SUCCESS


def test_an_event_is_for_all_threads_facts_3(ready: Acl) -> None:
    event = new_event(ready)

    def work() -> int:
        assert ready.aclrtSetDevice(0) == codes.SUCCESS
        return int(ready.aclrtRecordEvent(event, ready.NULL))

    assert elsewhere(work) == codes.SUCCESS
    assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS


def test_two_streams_may_record_one_event_facts_1_4(ready: Acl) -> None:
    """The last record counts, also when it is reached before the one before it."""
    event, late, early = new_event(ready), new_stream(ready), new_stream(ready)
    fill(ready, late, ready.malloc(4), 1, 400)
    assert ready.aclrtRecordEvent(event, late) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, early) == codes.SUCCESS
    with Clock() as clock:
        assert ready.aclrtSynchronizeEvent(event) == codes.SUCCESS
    assert clock.ms < 300
    assert ready.aclrtSynchronizeStream(late) == codes.SUCCESS
    assert new(ready, event) == NEW_DONE


def test_waiting_for_a_record_that_is_thrown_away_ends_facts_1_4(ready: Acl) -> None:
    event, stream = new_event(ready), new_stream(ready)
    fill(ready, stream, ready.malloc(4), 1, 5000)
    assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
    assert ready.aclrtDestroyStreamForce(stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeEvent(event) == codes.RT_STREAM_ABORT
