"""Streams: making, ending, waiting, and whose they are (facts 1.4, 3)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from .. import codes
from ..face import Acl
from ..streams import (
    NEG,
    STREAM_BUSY,
    STREAM_DONE,
    Clock,
    content,
    new_stream,
    pinned,
    slow,
    stream_status,
    until_done,
)
from ..threads import elsewhere

SYNCS = ["aclrtSynchronizeStream", "aclrtSynchronizeStreamWithTimeout"]
TO_DEVICE = 1


def sync(acl: Acl, function: str, stream: object, timeout: int = -1) -> int:
    rest = () if function == "aclrtSynchronizeStream" else (timeout,)
    return int(getattr(acl, function)(stream, *rest))


def busy(acl: Acl, stream: object, milliseconds: int) -> object:
    """Keep a stream at work so long; the device memory it fills."""
    slow(acl, "aclrtMemsetAsync", milliseconds)
    pointer = acl.malloc(64)
    assert acl.aclrtMemsetAsync(pointer, 64, 7, 64, stream) == codes.SUCCESS
    return pointer


def test_creating_facts_1_4(acl: Acl) -> None:
    assert acl.aclrtCreateStream(acl.NULL) == codes.INVALID_PARAM
    assert acl.aclrtCreateStreamWithConfig(acl.NULL, 0, 0) == codes.INVALID_PARAM
    assert acl.aclrtCreateStream(acl.new("aclrtStream *")) == codes.RT_CONTEXT_NULL
    assert acl.aclrtCreateStreamWithConfig(acl.new("aclrtStream *"), 0, 0) == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("flag", [0, 1, 2, 4, 8, 0x10, 0x20, 0x3F])
@pytest.mark.parametrize("priority", [0, 7, 8, 4000])
def test_priorities_are_clamped_and_flags_known_facts_1_4(
    ready: Acl, priority: int, flag: int
) -> None:
    stream = ready.new("aclrtStream *")
    assert ready.aclrtCreateStreamWithConfig(stream, priority, flag) == codes.SUCCESS
    assert ready.aclrtDestroyStream(stream[0]) == codes.SUCCESS


def test_an_unknown_flag_is_refused(ready: Acl) -> None:
    stream = ready.new("aclrtStream *")
    assert ready.aclrtCreateStreamWithConfig(stream, 0, 0x40) == codes.RT_PARAM_INVALID


@pytest.mark.parametrize("function", ["aclrtDestroyStream", "aclrtDestroyStreamForce"])
def test_destroying_facts_1_4(ready: Acl, function: str) -> None:
    destroy = getattr(ready, function)
    assert destroy(ready.NULL) == codes.INVALID_PARAM
    stream = new_stream(ready)
    assert destroy(stream) == codes.SUCCESS
    assert ready.violations() == []
    assert destroy(stream) == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002"]
    assert "aclrtDestroyStream" in ready.read("violations")[0]["message"]


def test_a_live_stream_is_listed_design_7(ready: Acl) -> None:
    stream = new_stream(ready)
    assert ready.live() == ["device", "stream"]
    assert ready.aclrtDestroyStream(stream) == codes.SUCCESS
    assert ready.live() == ["device"]


@pytest.mark.parametrize("function", SYNCS)
def test_null_is_the_default_stream_facts_1_4(ready: Acl, function: str) -> None:
    assert sync(ready, function, ready.NULL) == codes.SUCCESS
    pointer = busy(ready, ready.NULL, 30)
    assert stream_status(ready, ready.NULL) == STREAM_BUSY
    assert sync(ready, function, ready.NULL) == codes.SUCCESS
    assert ready.download(pointer, 64) == b"\7" * 64


@pytest.mark.parametrize("function", SYNCS)
def test_waiting_needs_a_context_facts_1_4(acl: Acl, function: str) -> None:
    assert sync(acl, function, acl.NULL) == codes.RT_CONTEXT_NULL
    acl.start()
    stream = new_stream(acl)
    assert elsewhere(lambda: sync(acl, function, stream)) == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("function", SYNCS)
def test_a_stale_or_foreign_handle_facts_1_4(ready: Acl, function: str) -> None:
    stream = new_stream(ready)
    assert ready.aclrtDestroyStream(stream) == codes.SUCCESS
    assert sync(ready, function, stream) == codes.RT_INVALID_HANDLE
    garbage = ready.ffi.cast("void *", 0x1234)
    assert sync(ready, function, garbage) == codes.RT_INVALID_HANDLE
    buffer = ready.aclCreateDataBuffer(ready.NULL, 0)
    assert sync(ready, function, buffer) == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002", "AB-RT-0001", "AB-RT-0003"]


def test_a_stream_of_another_context_facts_1_4(ready: Acl) -> None:
    stream, context = new_stream(ready), ready.new("aclrtContext *")
    assert ready.aclrtCreateContext(context, 0) == codes.SUCCESS
    data = ready.hold(bytearray(4))
    calls = [
        lambda: ready.aclrtSynchronizeStream(stream),
        lambda: ready.aclrtDestroyStream(stream),
        lambda: ready.aclrtDestroyStreamForce(stream),
        lambda: ready.aclrtStreamQuery(stream, ready.new("aclrtStreamStatus *")),
        lambda: ready.aclrtMemcpyAsync(ready.malloc(4), 4, data, 4, TO_DEVICE, stream),
    ]
    assert [call() for call in calls] == [codes.RT_STREAM_CONTEXT] * len(calls)
    assert ready.violations() == ["AB-STR-0001"] * len(calls)


@pytest.mark.parametrize("timeout", [-2, -1000, 0])
def test_timeouts_that_are_none_facts_1_4(ready: Acl, timeout: int) -> None:
    """Zero is an error, not a question (facts 6.43)."""
    stream = new_stream(ready)
    status = ready.aclrtSynchronizeStreamWithTimeout(stream, timeout)
    assert status == codes.RT_PARAM_INVALID


def test_a_timeout_is_in_milliseconds_and_expires_facts_1_4(ready: Acl) -> None:
    stream = new_stream(ready)
    busy(ready, stream, 300)
    with Clock() as clock:
        status = ready.aclrtSynchronizeStreamWithTimeout(stream, 40)
    assert status == codes.RT_STREAM_SYNC_TIMEOUT
    assert 40 <= clock.ms < 250
    assert stream_status(ready, stream) == STREAM_BUSY
    assert ready.aclrtSynchronizeStreamWithTimeout(stream, 5000) == codes.SUCCESS
    assert stream_status(ready, stream) == STREAM_DONE


def test_asking_a_stream_facts_1_4(ready: Acl) -> None:
    stream = new_stream(ready)
    assert ready.aclrtStreamQuery(stream, ready.NULL) == codes.INVALID_PARAM
    assert stream_status(ready, stream) == STREAM_DONE
    busy(ready, stream, 40)
    assert stream_status(ready, stream) == STREAM_BUSY
    until_done(ready, stream)


def test_queueing_does_not_wait_facts_6_27(ready: Acl) -> None:
    stream = new_stream(ready)
    with Clock() as clock:
        busy(ready, stream, 400)
    assert clock.ms < 300


def test_a_stream_keeps_its_order(ready: Acl) -> None:
    """The first task is slow; the second must not pass it."""
    stream, pointer = new_stream(ready), ready.malloc(4)
    slow(ready, "aclrtMemsetAsync", 50)
    assert ready.aclrtMemsetAsync(pointer, 4, 1, 4, stream) == codes.SUCCESS
    slow(ready, "aclrtMemsetAsync", 0)
    assert ready.aclrtMemsetAsync(pointer, 4, 2, 4, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"\2" * 4


def test_streams_run_beside_each_other(ready: Acl) -> None:
    streams = [new_stream(ready) for _ in range(4)]
    with Clock() as clock:
        for stream in streams:
            busy(ready, stream, 300)
        assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
    assert 300 <= clock.ms < 900
    assert [stream_status(ready, stream) for stream in streams] == [STREAM_DONE] * 4


def test_destroying_waits_and_by_force_does_not_facts_1_4(ready: Acl) -> None:
    patient, forced = new_stream(ready), new_stream(ready)
    kept = busy(ready, patient, 60)
    assert ready.aclrtDestroyStream(patient) == codes.SUCCESS
    assert ready.download(kept, 64) == b"\7" * 64
    lost = busy(ready, forced, 2000)
    with Clock() as clock:
        assert ready.aclrtDestroyStreamForce(forced) == codes.SUCCESS
    assert clock.ms < 1000
    assert ready.download(lost, 64) == b"\xa5" * 64


def test_who_waits_for_a_stream_that_is_ended_is_told(ready: Acl) -> None:
    stream, statuses = new_stream(ready), []
    busy(ready, stream, 5000)

    def work() -> None:
        ready.aclrtSetDevice(0)
        statuses.append(ready.aclrtSynchronizeStream(stream))

    waiter = threading.Thread(target=work)
    waiter.start()
    time.sleep(0.05)
    assert ready.aclrtDestroyStreamForce(stream) == codes.SUCCESS
    waiter.join(5)
    assert statuses == [codes.RT_STREAM_ABORT]


def test_waiting_for_a_device_waits_for_all_its_contexts_facts_1_2(ready: Acl) -> None:
    context, first = ready.new("aclrtContext *"), new_stream(ready)
    slow(ready, "aclrtMemsetAsync", 60)
    one = busy(ready, first, 60)
    assert ready.aclrtCreateContext(context, 0) == codes.SUCCESS
    other = busy(ready, ready.NULL, 60)
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
    assert ready.download(one, 64) == ready.download(other, 64) == b"\7" * 64


def test_waiting_for_a_device_with_a_timeout_facts_1_2(ready: Acl) -> None:
    wait = ready.aclrtSynchronizeDeviceWithTimeout
    assert wait(-2) == codes.RT_PARAM_INVALID
    assert wait(0) == codes.SUCCESS
    busy(ready, ready.NULL, 200)
    assert wait(30) == codes.RT_STREAM_SYNC_TIMEOUT
    assert wait(5000) == codes.SUCCESS


def test_another_devices_streams_are_not_waited_for_facts_1_2(ready: Acl) -> None:
    busy(ready, ready.NULL, 600)
    assert ready.aclrtSetDevice(1) == codes.SUCCESS
    with Clock() as clock:
        assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
    assert clock.ms < 400


def test_resetting_a_device_waits_and_ends_its_streams_facts_1_2(ready: Acl) -> None:
    stream = new_stream(ready)
    with Clock() as clock:
        pointer = busy(ready, stream, 80)
        assert ready.aclrtResetDevice(0) == codes.SUCCESS
    assert clock.ms >= 80
    assert ready.aclrtSetDevice(0) == codes.SUCCESS
    assert ready.download(pointer, 64) == b"\7" * 64
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002"]


def test_a_device_that_is_still_set_keeps_its_streams_facts_1_2(ready: Acl) -> None:
    stream = new_stream(ready)
    assert ready.aclrtSetDevice(0) == codes.SUCCESS
    assert ready.aclrtResetDevice(0) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_a_contexts_streams_go_with_it_facts_1_3(ready: Acl) -> None:
    context = ready.new("aclrtContext *")
    assert ready.aclrtCreateContext(context, 0) == codes.SUCCESS
    stream = new_stream(ready)
    pointer = busy(ready, stream, 50)
    assert ready.aclrtDestroyContext(context[0]) == codes.SUCCESS
    assert "stream" not in ready.live()
    assert ready.download(pointer, 64) == b"\7" * 64
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002"]


def test_the_default_stream_has_a_handle_facts_A_1(ready: Acl) -> None:
    stream = ready.new("aclrtStream *")
    assert ready.aclrtCtxGetCurrentDefaultStream(ready.NULL) == codes.INVALID_PARAM
    assert ready.aclrtCtxGetCurrentDefaultStream(stream) == codes.SUCCESS
    busy(ready, ready.NULL, 40)
    assert stream_status(ready, stream[0]) == STREAM_BUSY
    assert ready.aclrtSynchronizeStream(stream[0]) == codes.SUCCESS
    assert "stream" not in ready.live(), "it belongs to its context"
    assert ready.aclrtDestroyStream(stream[0]) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0005"]


def test_the_default_stream_needs_a_context_facts_1_4(acl: Acl) -> None:
    status = acl.aclrtCtxGetCurrentDefaultStream(acl.new("aclrtStream *"))
    assert status == codes.RT_CONTEXT_NULL


def test_a_failed_task_comes_out_of_the_next_wait_once_facts_6_27(ready: Acl) -> None:
    stream, pointer = new_stream(ready), ready.malloc(4)
    ready.fail("task", 1, codes.RT_AICORE_EXCEPTION)
    assert ready.aclrtMemsetAsync(pointer, 4, 1, 4, stream) == codes.SUCCESS
    assert ready.aclrtMemsetAsync(pointer, 2, 2, 2, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_AICORE_EXCEPTION
    assert "aclrtMemsetAsync" in (ready.message() or "")
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"\2\2\xa5\xa5", "the next task ran"


def test_a_failed_task_comes_out_of_the_devices_wait_too(ready: Acl) -> None:
    stream, pointer = new_stream(ready), ready.malloc(4)
    ready.fail("task", 1, codes.RT_AICORE_EXCEPTION)
    assert ready.aclrtMemsetAsync(pointer, 4, 1, 4, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeDevice() == codes.RT_AICORE_EXCEPTION
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS


def test_many_tasks_on_many_streams(ready: Acl) -> None:
    streams = [new_stream(ready) for _ in range(8)]
    source = pinned(ready, bytes(range(256)))
    targets = [ready.malloc(256) for _ in streams]
    for _ in range(100):
        for stream, target in zip(streams, targets, strict=True):
            status = ready.aclrtMemcpyAsync(target, 256, source, 256, TO_DEVICE, stream)
            assert status == codes.SUCCESS
    for stream in streams:
        assert ready.aclrtDestroyStream(stream) == codes.SUCCESS
    assert {ready.download(target, 256) for target in targets} == {content(ready, source, 256)}


def test_reset_stops_what_runs_design_7(ready: Acl) -> None:
    for _ in range(3):
        busy(ready, new_stream(ready), 60_000)
    event = ready.new("aclrtEvent *")
    ready.aclrtCreateEventWithFlag(event, 1)
    assert ready.aclrtStreamWaitEvent(ready.NULL, event[0]) == codes.SUCCESS
    with Clock() as clock:
        ready.reset()
    assert clock.ms < 2000
    assert ready.live() == []


PROGRAM = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from contract.face import Acl
from contract.streams import NEG, new_stream, new_event, slow
acl = Acl(Path({path!r}), Path({onnxruntime!r}))
acl.set("onnxruntime", {onnxruntime!r})
acl.set("report", "off")
acl.start()
loaded = acl.load_model(NEG)
busy, stuck, working = (new_stream(acl) for _ in range(3))
slow(acl, "aclrtMemsetAsync", 60_000)
acl.aclrtMemsetAsync(acl.malloc(64), 64, 1, 64, busy)
acl.aclrtStreamWaitEvent(stuck, new_event(acl, 1))
for _ in range(2000):
    acl.aclmdlExecuteAsync(loaded, acl.dataset(16).handle, acl.dataset(16).handle, working)
{end}
"""


@pytest.mark.parametrize("end", ["", "os._exit(0)", "sys.exit(0)"])
def test_a_process_may_end_while_streams_run(acl: Acl, end: str) -> None:
    """Programs that never free anything must still run, and end."""
    text = PROGRAM.format(
        tests=str(Path(__file__).parents[2]), path=str(acl.path),
        onnxruntime=str(acl._onnxruntime), end=end,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fork_has_no_streams_design_7(ready: Acl) -> None:
    busy(ready, ready.NULL, 100)
    child = os.fork()
    if child == 0:
        os._exit(int(ready.aclrtSynchronizeStream(ready.NULL) != 507000))
    assert os.waitpid(child, 0)[1] == 0
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS


def test_an_idle_stream_costs_no_thread(ready: Acl) -> None:
    before = {*Path("/proc/self/task").iterdir()}

    def threads() -> int:
        """New ones: one of an earlier test may still be on its way out."""
        return len({*Path("/proc/self/task").iterdir()} - before)

    streams = [new_stream(ready) for _ in range(50)]
    assert threads() == 0
    busy(ready, streams[0], 0)
    assert ready.aclrtSynchronizeStream(streams[0]) == codes.SUCCESS
    assert threads() == 1
    for stream in streams:
        assert ready.aclrtDestroyStream(stream) == codes.SUCCESS
    until = time.monotonic() + 5
    while threads() and time.monotonic() < until:
        time.sleep(0.001)  # joined, but the kernel lists it a moment longer
    assert threads() == 0


def test_streams_of_a_model_run(ready: Acl) -> None:
    """A model, loaded once for each stream, on four streams at once."""
    loaded = [ready.load_model(NEG) for _ in range(4)]
    for model in loaded:
        inputs, outputs = ready.dataset(bytes(16)), ready.dataset(16)
        status = ready.aclmdlExecuteAsync(model, inputs.handle, outputs.handle, new_stream(ready))
        assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
