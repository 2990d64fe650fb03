"""Callbacks of streams, and of tasks that fail (facts 1.14)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import INT32, Acl
from ..programs import Tensor, model, onnx_program
from ..streams import Clock, new_stream, slow

NO_BLOCK, BLOCK = 0, 1
NOTHING = 0xFFFFFFFF
TABLE, INDEX = Tensor("x", (4,)), Tensor("i", (1,), INT32)
PICK = model(
    onnx_program([("Gather", "x i", "y")], [TABLE, INDEX], [Tensor("y", (1,))]),
    [TABLE, INDEX], [Tensor("y", (1,))],
)  # fmt: skip


class Processor:
    """A thread that does nothing but process reports, as every client has one."""

    def __init__(self, acl: Acl) -> None:
        self._acl = acl
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self.id = self._thread.ident
        assert self.id is not None

    def _work(self) -> None:
        assert self._acl.aclrtSetDevice(0) == codes.SUCCESS
        while not self._stop.is_set():
            self._acl.aclrtProcessReport(20)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def processor(ready: Acl) -> Iterator[Processor]:
    processor = Processor(ready)
    yield processor
    processor.stop()


@pytest.fixture
def stream(ready: Acl) -> Any:
    return new_stream(ready)


def callback(acl: Acl, work: Callable[[], object]) -> Any:
    """A C function that runs this."""
    made = acl.ffi.callback("void (void *)", lambda _: (work(), None)[1])
    acl._kept.append(made)
    return made


def launch(acl: Acl, stream: Any, work: Callable[[], object], block: int = BLOCK) -> int:
    return int(acl.aclrtLaunchCallback(callback(acl, work), acl.NULL, block, stream))


def test_arguments_facts_1_14(ready: Acl, stream: Any) -> None:
    null = ready.NULL
    assert ready.aclrtLaunchCallback(null, null, BLOCK, stream) == codes.RT_PARAM_INVALID
    assert ready.aclrtLaunchHostFunc(stream, null, null) == codes.RT_PARAM_INVALID


@pytest.mark.parametrize("block", [2, 99])
def test_a_block_type_that_is_none_facts_1_14(ready: Acl, stream: Any, block: int) -> None:
    """Checked before the function and the stream: callback.cpp:163-166."""
    fn, null = callback(ready, int), ready.NULL
    assert ready.aclrtLaunchCallback(fn, null, block, stream) == codes.INVALID_PARAM
    assert ready.aclrtLaunchCallback(null, null, block, stream) == codes.INVALID_PARAM


@pytest.mark.parametrize("timeout", [0, -2, -100])
def test_timeouts_that_are_none_facts_1_14(ready: Acl, timeout: int) -> None:
    """callback.cpp:189-192."""
    assert ready.aclrtProcessReport(timeout) == codes.INVALID_PARAM


def test_a_thread_that_no_stream_is_bound_to_facts_1_14(ready: Acl) -> None:
    assert ready.aclrtProcessReport(10) == codes.RT_THREAD_SUBSCRIBE


def test_a_stream_without_a_thread_facts_1_14(ready: Acl, stream: Any) -> None:
    assert launch(ready, stream, int) == codes.RT_STREAM_NO_CB_REG


def test_nothing_in_time_facts_1_14(ready: Acl, stream: Any) -> None:
    assert ready.aclrtSubscribeReport(threading.get_ident(), stream) == codes.SUCCESS
    with Clock() as clock:
        assert ready.aclrtProcessReport(40) == codes.RT_REPORT_TIMEOUT
    assert 40 <= clock.ms < 1000


def test_a_stream_has_one_thread_facts_1_14(ready: Acl, stream: Any) -> None:
    subscribe, end = ready.aclrtSubscribeReport, ready.aclrtUnSubscribeReport
    assert end(1, stream) == codes.RT_STREAM_SUBSCRIBE
    assert subscribe(1, stream) == codes.SUCCESS
    assert subscribe(2, stream) == codes.RT_STREAM_SUBSCRIBE
    assert subscribe(1, new_stream(ready)) == codes.SUCCESS, "a thread may have several"
    assert end(2, stream) == codes.RT_THREAD_SUBSCRIBE
    assert end(1, stream) == codes.SUCCESS
    assert subscribe(2, stream) == codes.SUCCESS


def test_it_runs_in_the_subscribed_thread_in_order_facts_1_14(
    ready: Acl, stream: Any, processor: Processor
) -> None:
    assert ready.aclrtSubscribeReport(processor.id, stream) == codes.SUCCESS
    seen: list[tuple[int, int]] = []
    for turn in range(5):
        status = launch(ready, stream, lambda t=turn: seen.append((t, threading.get_ident())))
        assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert seen == [(turn, processor.id) for turn in range(5)]
    assert ready.aclrtUnSubscribeReport(processor.id, stream) == codes.SUCCESS


def test_the_users_pointer_arrives_facts_1_14(
    ready: Acl, stream: Any, processor: Processor
) -> None:
    assert ready.aclrtSubscribeReport(processor.id, stream) == codes.SUCCESS
    seen: list[int] = []
    fn = ready.ffi.callback("void (void *)", lambda p: seen.append(int(ready.ffi.cast("long", p))))
    data = ready.ffi.cast("void *", 4711)
    assert ready.aclrtLaunchCallback(fn, data, BLOCK, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert seen == [4711]


@pytest.mark.parametrize("block", [BLOCK, NO_BLOCK])
def test_blocking_holds_the_stream_up_facts_1_14(ready: Acl, stream: Any, block: int) -> None:
    """There is nobody who processes it, until this thread does."""
    assert ready.aclrtSubscribeReport(threading.get_ident(), stream) == codes.SUCCESS
    pointer, seen = ready.malloc(4), []
    assert launch(ready, stream, lambda: seen.append(1), block) == codes.SUCCESS
    assert ready.aclrtMemsetAsync(pointer, 4, 1, 4, stream) == codes.SUCCESS
    status = ready.aclrtSynchronizeStreamWithTimeout(stream, 60)
    assert status == (codes.RT_STREAM_SYNC_TIMEOUT if block == BLOCK else codes.SUCCESS)
    assert seen == []
    assert ready.aclrtProcessReport(-1) == codes.SUCCESS
    assert seen == [1]
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.download(pointer, 4) == b"\1" * 4


def test_it_comes_after_the_tasks_before_it_facts_1_14(
    ready: Acl, stream: Any, processor: Processor
) -> None:
    """So what they wrote may be read inside, without further waiting."""
    assert ready.aclrtSubscribeReport(processor.id, stream) == codes.SUCCESS
    pointer, seen = ready.malloc(4), []
    slow(ready, "aclrtMemsetAsync", 60)
    assert ready.aclrtMemsetAsync(pointer, 4, 5, 4, stream) == codes.SUCCESS
    status = launch(ready, stream, lambda: seen.append(ready.download(pointer, 4)))
    assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert seen == [b"\5" * 4]


FORBIDDEN: dict[str, Callable[[Acl, Any], object]] = {
    "aclrtMalloc": lambda acl, _: acl.aclrtMalloc(acl.new("void **"), 16, 0),
    "aclrtFree": lambda acl, _: acl.aclrtFree(acl.NULL),
    "aclrtSynchronizeStream": lambda acl, stream: acl.aclrtSynchronizeStream(stream),
    "aclrtSynchronizeDevice": lambda acl, _: acl.aclrtSynchronizeDevice(),
    "aclrtLaunchHostFunc": lambda acl, s: acl.aclrtLaunchHostFunc(s, acl.NULL, acl.NULL),
    "aclrtMallocWithCfg": lambda acl, _: acl.aclrtMallocWithCfg(
        acl.new("void **"), 16, 0, acl.NULL
    ),
    "aclrtMemsetD32Async": lambda acl, s: acl.aclrtMemsetD32Async(acl.NULL, 4, 1, 1, s),
    "aclrtMemcpy2dAsync": lambda acl, s: acl.aclrtMemcpy2dAsync(
        acl.NULL, 4, acl.NULL, 4, 4, 1, 1, s
    ),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_a_callback_must_not_do_facts_1_14(ready: Acl, stream: Any, name: str) -> None:
    statuses: list[object] = []
    fn = callback(ready, lambda: statuses.append(FORBIDDEN[name](ready, stream)))
    assert ready.aclrtLaunchHostFunc(stream, fn, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert statuses == [codes.RT_PARAM_INVALID]
    assert ready.violations() == ["AB-STR-0009"]
    assert name in ready.read("violations")[0]["message"]


def test_no_way_of_executing_is_for_a_callback_facts_1_14(ready: Acl, stream: Any) -> None:
    def run() -> None:
        ready.aclmdlExecuteAsync(1, ready.NULL, ready.NULL, stream)
        ready.aclmdlExecuteAsyncV2(1, ready.NULL, ready.NULL, stream, ready.NULL)

    fn = callback(ready, run)
    assert ready.aclrtLaunchHostFunc(stream, fn, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.violations() == ["AB-STR-0009", "AB-STR-0009"]
    told = [violation["message"] for violation in ready.read("violations")]
    assert "aclmdlExecuteAsyncV2" in told[1]


def test_host_memory_in_a_callback_is_a_warning(ready: Acl, stream: Any) -> None:
    """Samples of the vendor do it, so it is carried out."""
    statuses: list[int] = []
    context = ready.new("aclrtContext *")
    assert ready.aclrtGetCurrentContext(context) == codes.SUCCESS

    def run() -> None:
        made = ready.new("void **")
        ready.aclrtSetCurrentContext(context[0])
        statuses.append(ready.aclrtMallocHost(made, 16))
        statuses.append(ready.aclrtFreeHost(made[0]))

    fn = callback(ready, run)
    assert ready.aclrtLaunchHostFunc(stream, fn, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert statuses == [codes.SUCCESS, codes.SUCCESS]
    told = ready.read("violations")
    assert ready.violations() == ["AB-STR-0009", "AB-STR-0009"]
    assert {one["severity"] for one in told} == {"warning"}


def test_a_host_function_runs_in_the_librarys_thread_facts_1_14(ready: Acl, stream: Any) -> None:
    seen: list[int] = []
    pointer = ready.malloc(4)
    slow(ready, "aclrtMemsetAsync", 40)
    assert ready.aclrtMemsetAsync(pointer, 4, 5, 4, stream) == codes.SUCCESS
    fn = callback(ready, lambda: seen.append(threading.get_ident()))
    assert ready.aclrtLaunchHostFunc(stream, fn, ready.NULL) == codes.SUCCESS
    assert seen == []
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert len(seen) == 1
    assert seen[0] != threading.get_ident()


def test_the_two_ways_are_not_mixed_facts_1_14(ready: Acl, stream: Any) -> None:
    other, fn = new_stream(ready), callback(ready, int)
    assert ready.aclrtSubscribeReport(threading.get_ident(), stream) == codes.SUCCESS
    assert ready.aclrtLaunchHostFunc(stream, fn, ready.NULL) == codes.RT_PARAM_INVALID
    assert ready.aclrtLaunchHostFunc(other, fn, ready.NULL) == codes.SUCCESS
    assert launch(ready, other, int) == codes.RT_PARAM_INVALID
    assert ready.aclrtSubscribeReport(1, other) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0008"] * 3


def test_ending_a_stream_ends_its_callbacks_facts_1_4(ready: Acl, stream: Any) -> None:
    assert ready.aclrtSubscribeReport(threading.get_ident(), stream) == codes.SUCCESS
    seen: list[int] = []
    assert launch(ready, stream, lambda: seen.append(1)) == codes.SUCCESS
    assert ready.aclrtDestroyStreamForce(stream) == codes.SUCCESS
    assert ready.aclrtProcessReport(10) == codes.RT_THREAD_SUBSCRIBE
    assert seen == []


GETTERS = ("TaskId", "StreamId", "ThreadId", "DeviceId", "ErrorCode")


def facts_of(acl: Acl, info: Any) -> dict[str, int]:
    return {name: getattr(acl, f"aclrtGet{name}FromExceptionInfo")(info) for name in GETTERS}


class Listener:
    """An exception callback, and what it was told."""

    def __init__(self, acl: Acl) -> None:
        self.seen: list[dict[str, int]] = []
        self.infos: list[Any] = []
        self.call = acl.ffi.callback("void (aclrtExceptionInfo *)", self._take)
        acl._kept.append(self.call)
        self._acl = acl

    def _take(self, info: Any) -> None:
        self.infos.append(info)
        self.seen.append(facts_of(self._acl, info))


def fail(acl: Acl, stream: Any, code: int = codes.RT_AICORE_EXCEPTION) -> None:
    acl.fail("task", 1, code)
    assert acl.aclrtMemsetAsync(acl.malloc(4), 4, 0, 4, stream) == codes.SUCCESS
    assert acl.aclrtSynchronizeStream(stream) == code


def test_getters_of_nothing_facts_1_14(ready: Acl) -> None:
    assert facts_of(ready, ready.NULL) == dict.fromkeys(GETTERS, NOTHING)


def test_a_failing_task_is_told_facts_1_14(ready: Acl, stream: Any) -> None:
    listener = Listener(ready)
    assert ready.aclrtSetExceptionInfoCallback(listener.call) == codes.SUCCESS
    fail(ready, stream)
    (seen,) = listener.seen
    assert seen["ErrorCode"] == codes.RT_AICORE_EXCEPTION
    assert seen["DeviceId"] == 0
    assert seen["ThreadId"] == threading.get_native_id()
    assert NOTHING not in seen.values()


def test_what_they_are_given_dies_facts_1_14(ready: Acl, stream: Any) -> None:
    listener = Listener(ready)
    assert ready.aclrtSetExceptionInfoCallback(listener.call) == codes.SUCCESS
    fail(ready, stream)
    assert facts_of(ready, listener.infos[0]) == dict.fromkeys(GETTERS, NOTHING)
    assert set(ready.violations()) == {"AB-RT-0002"}


def test_the_last_one_set_is_kept_and_null_clears_facts_1_14(ready: Acl, stream: Any) -> None:
    first, second = Listener(ready), Listener(ready)
    ready.aclrtSetExceptionInfoCallback(first.call)
    ready.aclrtSetExceptionInfoCallback(second.call)
    fail(ready, stream)
    assert ready.aclrtSetExceptionInfoCallback(ready.NULL) == codes.SUCCESS
    fail(ready, stream)
    assert (len(first.seen), len(second.seen)) == (0, 1)


def test_several_may_register_facts_1_14(ready: Acl, stream: Any) -> None:
    first, second = Listener(ready), Listener(ready)
    register = ready.aclrtExceptionInfoCallbackRegister
    unregister = ready.aclrtExceptionInfoCallbackUnregister
    assert register(ready.NULL) == unregister(ready.NULL) == codes.RT_PARAM_INVALID
    assert unregister(first.call) == codes.RT_PARAM_INVALID
    assert register(first.call) == register(second.call) == codes.SUCCESS
    fail(ready, stream)
    assert unregister(first.call) == codes.SUCCESS
    fail(ready, stream)
    assert (len(first.seen), len(second.seen)) == (1, 2)


def test_success_is_not_told_facts_1_14(ready: Acl, stream: Any) -> None:
    listener = Listener(ready)
    ready.aclrtSetExceptionInfoCallback(listener.call)
    assert ready.aclrtMemsetAsync(ready.malloc(4), 4, 0, 4, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert listener.seen == []


def failing_model(acl: Acl, stream: Any, synchronous: bool) -> int:
    loaded = acl.load_model(PICK)
    inputs = acl.dataset(bytes(16), np.int32([99]).tobytes()).handle
    outputs = acl.dataset(4).handle
    if synchronous:
        return int(acl.aclmdlExecute(loaded, inputs, outputs))
    assert acl.aclmdlExecuteAsync(loaded, inputs, outputs, stream) == codes.SUCCESS
    return int(acl.aclrtSynchronizeStream(stream))


class OpDesc:
    """What aclmdlCreateAndGetOpDesc says of a failure."""

    def __init__(self, acl: Acl, seen: dict[str, int], room: int = 128) -> None:
        name, first = acl.new("char[]", 128), acl.new("aclTensorDesc *[2]")
        counts = acl.new("size_t[2]")
        self.status = acl.aclmdlCreateAndGetOpDesc(
            seen["DeviceId"], seen["StreamId"], seen["TaskId"], name, room,
            first, counts, first + 1, counts + 1,
        )  # fmt: skip
        self.name = acl.ffi.string(name).decode()
        self.counts = list(counts)
        self.inputs, self.outputs = first


@pytest.mark.parametrize("synchronous", [True, False])
def test_the_failing_operator_is_described_facts_1_14(
    ready: Acl, stream: Any, synchronous: bool
) -> None:
    listener = Listener(ready)
    ready.aclrtSetExceptionInfoCallback(listener.call)
    assert failing_model(ready, stream, synchronous) == codes.RT_MODEL_EXECUTE
    assert listener.seen[0]["ErrorCode"] == codes.RT_MODEL_EXECUTE
    op = OpDesc(ready, listener.seen[0])
    assert op.status == codes.SUCCESS
    assert op.name != ""
    assert op.counts == [2, 1]
    second = ready.aclGetTensorDescByIndex(op.inputs, 1)
    assert ready.aclGetTensorDescType(op.inputs) == 0
    assert ready.aclGetTensorDescType(second) == INT32
    assert ready.aclGetTensorDescByIndex(op.inputs, 2) == ready.NULL
    ready.aclDestroyTensorDesc(op.inputs)
    ready.aclDestroyTensorDesc(op.outputs)
    assert "tensor description" not in ready.live()


def test_who_did_not_fail_has_no_operator_facts_1_14(ready: Acl, stream: Any) -> None:
    listener = Listener(ready)
    ready.aclrtSetExceptionInfoCallback(listener.call)
    assert failing_model(ready, stream, False) == codes.RT_MODEL_EXECUTE
    seen = listener.seen[0]
    assert OpDesc(ready, {**seen, "TaskId": 4711}).status == codes.GE_FAILURE
    assert OpDesc(ready, seen, room=1).status == codes.INVALID_PARAM
    null = ready.NULL
    status = ready.aclmdlCreateAndGetOpDesc(0, 0, 0, null, 0, null, null, null, null)
    assert status == codes.INVALID_PARAM
