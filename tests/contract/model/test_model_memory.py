"""Memory that a model uses by itself: who else may touch it, and when (facts 3.6, 4.4)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from .. import codes, programs
from ..face import Acl
from ..programs import CONSTANT, INPUT, ONNX, Tensor, model, program
from ..refreshable import Refreshable
from ..streams import new_event, new_stream, slow
from ..threads import elsewhere

X, Y, C = Tensor("x", (4,)), Tensor("y", (4,)), Tensor("c", (4,))
WORK, WEIGHTS = 4096, 64
ONE, TWO = (np.full(4, value, np.float32) for value in (1, 2))


def multiply() -> bytes:
    """y = x * c, c in WEIGHTS_DATA."""
    stub = TensorProto(name="c", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "WEIGHTS_DATA"), ("offset", "0"), ("length", "16")):
        stub.external_data.add(key=key, value=value)
    ends = [[helper.make_tensor_value_info(name, 1, [4])] for name in "xy"]
    graph = helper.make_graph([helper.make_node("Mul", ["x", "c"], ["y"])], "g", *ends, [stub])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    tasks = program(
        ONNX, programs.constant(C, 0), programs.onnx_model(proto.SerializeToString()),
        programs.feed(INPUT, 0, "x"), programs.feed(CONSTANT, 0, "c"), programs.fetch(0, "y"),
        work=WORK,
    )  # fmt: skip
    return model(tasks, [X], [Y], weights=ONE.tobytes() + bytes(WEIGHTS - 16))


class Lent:
    """A model whose work and weight memory is the test's."""

    def __init__(self, acl: Acl, work: Any = None) -> None:
        self.acl = acl
        self.work, self.weights = work or acl.malloc(WORK), acl.malloc(WEIGHTS)
        self.id = self.load(self.weights)
        to = acl.new("aclrtContext *")
        assert acl.aclrtGetCurrentContext(to) == codes.SUCCESS
        self.context = to[0]

    def load(self, weights: Any) -> int:
        """One more model in the same memory."""
        data, to = multiply(), self.acl.new("uint32_t *")
        status = self.acl.aclmdlLoadFromMemWithMem(
            self.acl.hold(data), len(data), to, self.work, WORK, weights, WEIGHTS
        )
        assert status == codes.SUCCESS
        return int(to[0])

    def infer(self) -> list[float]:
        """One synchronous run on 1, 1, 1, 1."""
        inputs, outputs = self.acl.dataset(ONE.tobytes()), self.acl.dataset(16)
        status = self.acl.aclmdlExecute(self.id, inputs.handle, outputs.handle)
        assert status == codes.SUCCESS
        return list(np.frombuffer(outputs.read(0), np.float32))

    def queue(self, stream: Any) -> int:
        """One run on a stream."""
        return queue(self.acl, self.id, stream)


def queue(acl: Acl, loaded: int, stream: Any, size: int = 16) -> int:
    inputs, outputs = acl.dataset(size), acl.dataset(16)
    return int(acl.aclmdlExecuteAsync(loaded, inputs.handle, outputs.handle, stream))


def on_its_own(lent: Lent) -> list[float]:
    """A synchronous run in the context of the test."""
    assert lent.acl.aclrtSetCurrentContext(lent.context) == codes.SUCCESS
    return lent.infer()


@pytest.fixture
def lent(ready: Acl) -> Lent:
    return Lent(ready)


@pytest.fixture
def stream(ready: Acl) -> Any:
    return new_stream(ready)


@pytest.mark.parametrize("what", ["work", "weights"])
def test_the_host_writes_beside_a_run(ready: Acl, lent: Lent, stream: Any, what: str) -> None:
    memory = getattr(lent, what)
    assert lent.queue(stream) == codes.SUCCESS
    assert ready.aclrtMemset(memory, 16, 0, 16) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert ready.aclrtMemset(memory, 16, 0, 16) == codes.SUCCESS


def test_the_host_reads_weights_beside_a_run(ready: Acl, lent: Lent, stream: Any) -> None:
    assert lent.queue(stream) == codes.SUCCESS
    assert ready.download(lent.weights, 16) == ONE.tobytes()
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_a_stream_writes_weights_beside_a_run(ready: Acl, lent: Lent, stream: Any) -> None:
    assert lent.queue(stream) == codes.SUCCESS
    other = new_stream(ready)
    assert ready.aclrtMemsetAsync(lent.weights, 16, 0, 16, other) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


@pytest.mark.parametrize("what", ["work", "weights"])
def test_it_is_freed_beside_a_run(ready: Acl, lent: Lent, stream: Any, what: str) -> None:
    assert lent.queue(stream) == codes.SUCCESS
    assert ready.aclrtFree(getattr(lent, what)) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0002"]


def test_one_work_memory_on_two_streams(ready: Acl, lent: Lent, stream: Any) -> None:
    beside = Lent(ready, work=lent.work)
    assert lent.queue(stream) == codes.SUCCESS
    assert beside.queue(new_stream(ready)) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0019"]


def test_one_work_memory_in_order(ready: Acl, lent: Lent, stream: Any) -> None:
    """On one stream, and behind an event."""
    beside, other, event = Lent(ready, work=lent.work), new_stream(ready), new_event(ready)
    last = Lent(ready, work=lent.work)
    assert lent.queue(stream) == beside.queue(stream) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(other, event) == codes.SUCCESS
    assert last.queue(other) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(other) == codes.SUCCESS


@pytest.mark.timed
def test_one_work_memory_on_two_threads(ready: Acl, lent: Lent) -> None:
    """T1 runs for 300 ms; T2, here, starts meanwhile and is told."""
    beside = Lent(ready, work=lent.work)
    slow(ready, "aclmdlExecute", 300)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(on_its_own, lent)
        time.sleep(0.1)
        inputs, outputs = ready.dataset(16), ready.dataset(16)
        status = ready.aclmdlExecute(beside.id, inputs.handle, outputs.handle)
        assert first.result() == [1] * 4
    assert status == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0019"]


@pytest.mark.timed
def test_the_host_writes_beside_a_run_of_another_thread(ready: Acl, lent: Lent) -> None:
    slow(ready, "aclmdlExecute", 300)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(on_its_own, lent)
        time.sleep(0.1)
        assert ready.aclrtMemset(lent.weights, 16, 0, 16) == codes.RT_PARAM_INVALID
        assert ready.aclrtFree(lent.work) == codes.RT_PARAM_INVALID
        assert first.result() == [1] * 4
    assert ready.violations() == ["AB-STR-0004", "AB-STR-0002"]


def test_new_bytes_in_the_weight_memory_count(ready: Acl, lent: Lent) -> None:
    assert lent.infer() == [1] * 4
    ready.upload(lent.weights, TWO.tobytes())
    assert lent.infer() == [2] * 4
    assert ready.aclrtMemset(lent.weights, 16, 0, 16) == codes.SUCCESS
    assert lent.infer() == [0] * 4


def test_a_model_loaded_into_the_same_weights(ready: Acl, lent: Lent) -> None:
    """The load writes the file's bytes there, which both models see."""
    ready.upload(lent.weights, TWO.tobytes())
    lent.load(lent.weights)
    assert lent.infer() == [1] * 4


def test_a_load_into_weights_that_a_run_reads(ready: Acl, lent: Lent, stream: Any) -> None:
    data, to = multiply(), ready.new("uint32_t *")
    assert lent.queue(stream) == codes.SUCCESS
    status = ready.aclmdlLoadFromMemWithMem(
        ready.hold(data), len(data), to, ready.malloc(WORK), WORK, lent.weights, WEIGHTS
    )
    assert status == codes.GE_FAILURE
    assert ready.violations() == ["AB-STR-0004"]


@pytest.fixture
def bundle(ready: Acl) -> Refreshable:
    return Refreshable(ready)


def test_variables_are_written_beside_an_inference(
    ready: Acl, bundle: Refreshable, stream: Any
) -> None:
    assert bundle.run(bundle.init) == codes.SUCCESS
    assert queue(ready, bundle.infer, stream, 24) == codes.SUCCESS
    assert ready.aclrtMemset(bundle.at(1), 8, 0, 8) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]
    assert len(ready.download(bundle.memory, bundle.size)) == bundle.size, "reading is fine"


def test_variables_are_read_beside_init(ready: Acl, bundle: Refreshable, stream: Any) -> None:
    empty = ready.dataset().handle
    assert ready.aclmdlExecuteAsync(bundle.init, empty, empty, stream) == codes.SUCCESS
    to = ready.new("char[8]")
    assert ready.aclrtMemcpy(to, 8, bundle.at(1), 8, 2) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


def test_what_an_update_keeps_may_be_read_beside_it(
    ready: Acl, bundle: Refreshable, stream: Any
) -> None:
    inputs, empty = ready.dataset(24, 8), ready.dataset().handle
    inputs.describe(0, (3, 2))
    inputs.describe(1, (0,))
    assert ready.aclmdlExecuteAsync(bundle.update, inputs.handle, empty, stream) == codes.SUCCESS
    assert len(ready.download(bundle.at(1), 8)) == 8
    to = ready.new("char[8]")
    assert ready.aclrtMemcpy(to, 8, bundle.at(0), 8, 2) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


def test_an_update_on_a_stream_sets_them_in_order(
    ready: Acl, bundle: Refreshable, stream: Any
) -> None:
    empty = ready.dataset().handle
    slow(ready, "aclmdlExecuteAsync", 20)
    assert ready.aclmdlExecuteAsync(bundle.init, empty, empty, stream) == codes.SUCCESS
    assert queue(ready, bundle.infer, stream, 24) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_elsewhere_is_no_violation(ready: Acl, lent: Lent) -> None:
    """A run on another thread that is over leaves nothing behind."""
    assert elsewhere(lambda: on_its_own(lent)) == [1] * 4
    ready.upload(lent.weights, TWO.tobytes())
    assert lent.infer() == [2] * 4
