"""Operators of a model's runs, through a pipe (facts 12.3, 12.4)."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import FLOAT, Acl
from ..programs import Linear, Tensor, model, onnx_program
from ..streams import NEG, new_stream
from .config import NO_METRICS, TASK_TIME, begin, config

SIZE, NO_MODEL, SUBSCRIBED, OTHER_WAY, UNLIKE = 80, 100011, 148046, 148047, 100010
X = Tensor("x", (4,), FLOAT)
CHAIN = model(
    onnx_program([("Neg", "x", "a"), ("Exp", "a", "b"), ("Sqrt", "b", "y")], [X],
                 [Tensor("y", (4,))]), [X], [Tensor("y", (4,))],
)  # fmt: skip
VALUE = np.float32([1, 2, 3, 4])


class Pipe:
    """A pipe, and where the program keeps its end for writing."""

    def __init__(self, acl: Acl) -> None:
        self.reader, writer = os.pipe()
        self.writer = acl.new("int *", writer)

    def read(self) -> bytes:
        """All until the end."""
        data = b""
        while piece := os.read(self.reader, 10 * SIZE):
            assert len(piece) % SIZE == 0, "a read of whole records has whole records"
            data += piece
        return data


@pytest.fixture
def pipe(ready: Acl) -> Iterator[Pipe]:
    made = Pipe(ready)
    yield made
    os.close(made.reader)
    if made.writer[0] >= 0:
        os.close(made.writer[0])


def subscribe(acl: Acl, loaded: int, pipe: Pipe, metrics: int = NO_METRICS) -> int:
    made = acl.aclprofCreateSubscribeConfig(1, metrics, pipe.writer)
    assert made != acl.NULL
    status: int = acl.aclprofModelSubscribe(loaded, made)
    assert acl.aclprofDestroySubscribeConfig(made) == 0, "it is not needed any more"
    return status


def run(acl: Acl, loaded: int, times: int = 1) -> bytes:
    inputs, outputs = acl.dataset(VALUE.tobytes()), acl.dataset(16)
    for _ in range(times):
        assert acl.aclmdlExecute(loaded, inputs.handle, outputs.handle) == 0
    return outputs.read(0)


def text(acl: Acl, what: str, data: bytes, index: int) -> str:
    """An operator's name or type, in memory of the length that is told."""
    length, held = acl.new("size_t *"), acl.hold(data)
    assert getattr(acl, f"aclprofGetOp{what}Len")(held, len(data), index, length) == 0
    room = acl.new("char[]", length[0])
    assert getattr(acl, f"aclprofGetOp{what}")(held, len(data), index, room, length[0]) == 0
    return str(acl.ffi.string(room).decode())


def number(acl: Acl, what: str, data: bytes, index: int) -> int:
    return int(getattr(acl, f"aclprofGet{what}")(acl.hold(data), len(data), index))


def test_every_operator_of_every_run_facts_12_3_12_4(ready: Acl, pipe: Pipe) -> None:
    loaded = ready.load_model(CHAIN)
    assert subscribe(ready, loaded, pipe) == 0
    result = run(ready, loaded, 3)
    np.testing.assert_allclose(np.frombuffer(result, np.float32), np.exp(-VALUE / 2), rtol=1e-6)
    assert ready.aclprofModelUnSubscribe(loaded) == 0
    assert pipe.writer[0] == -1, "it was closed"
    data = pipe.read()
    size, count = ready.new("size_t *"), ready.new("uint32_t *")
    assert ready.aclprofGetOpDescSize(size) == 0
    assert size[0] == SIZE
    assert ready.aclprofGetOpNum(ready.hold(data), len(data), count) == 0
    assert count[0] == 9
    assert [text(ready, "Type", data, i) for i in range(9)] == ["Neg", "Exp", "Sqrt"] * 3
    assert all(text(ready, "Name", data, i) for i in range(9))
    assert {number(ready, "ModelId", data, i) for i in range(9)} == {loaded}
    starts = [number(ready, "OpStart", data, i) for i in range(9)]
    assert starts == sorted(starts)
    for i in range(9):
        end, duration = number(ready, "OpEnd", data, i), number(ready, "OpDuration", data, i)
        assert end - starts[i] == duration
        assert ready.aclprofGetOpFlag(ready.hold(data), len(data), i) == 0


def test_runs_on_a_stream_and_other_programs_facts_12_3(
    ready: Acl, pipe: Pipe, linear: Linear
) -> None:
    """A program that is no graph is one operator."""
    _, (infer, init, _) = ready.load_bundle(linear.to_bytes())
    assert subscribe(ready, infer, pipe) == subscribe(ready, init, pipe) == 0
    assert ready.aclmdlExecute(init, ready.dataset().handle, ready.dataset().handle) == 0
    stream = new_stream(ready)
    inputs, outputs = ready.dataset(np.ones((2, 3), np.float32).tobytes()), ready.dataset(16)
    assert ready.aclmdlExecuteAsync(infer, inputs.handle, outputs.handle, stream) == 0
    assert ready.aclrtSynchronizeStream(stream) == 0
    assert ready.aclprofModelUnSubscribe(init) == ready.aclprofModelUnSubscribe(infer) == 0
    data = pipe.read()
    rows = range(len(data) // SIZE)
    told = [(number(ready, "ModelId", data, i), text(ready, "Type", data, i)) for i in rows]
    assert told[0] == (init, "Assign")
    assert {row[0] for row in told[1:]} == {infer}
    assert any("MatMul" in kind or "Gemm" in kind for _, kind in told[1:])


def test_texts_are_read_once_facts_12_4(ready: Acl, pipe: Pipe) -> None:
    loaded = ready.load_model(NEG)
    subscribe(ready, loaded, pipe)
    run(ready, loaded)
    ready.aclprofModelUnSubscribe(loaded)
    data = pipe.read()
    held, room, length = ready.hold(data), ready.new("char[64]"), ready.new("size_t *")
    assert ready.aclprofGetOpType(held, SIZE, 0, room, 2) == codes.INVALID_PARAM
    told = "aclprofGetOpType: 2 bytes are too few for the type of operator 0, which has 4"
    assert ready.message() == told
    assert ready.aclprofGetOpType(held, SIZE, 0, room, 3) == 0
    assert ready.ffi.string(room) == b"Ne", "the NUL takes the place of a character"
    assert ready.aclprofGetOpType(held, SIZE, 0, room, 64) == codes.INVALID_PARAM
    told = "aclprofGetOpType: the type of operator 0 was read before: each can be read once"
    assert ready.message() == told
    assert ready.aclprofGetOpTypeLen(held, SIZE, 0, length) == codes.INVALID_PARAM
    assert ready.aclprofGetOpNameLen(held, SIZE, 0, length) == 0
    ready.message()


def test_bytes_that_are_no_records_facts_12_4(ready: Acl, pipe: Pipe) -> None:
    loaded = ready.load_model(NEG)
    subscribe(ready, loaded, pipe)
    run(ready, loaded)
    ready.aclprofModelUnSubscribe(loaded)
    data = pipe.read()
    held, count = ready.hold(data), ready.new("uint32_t *")
    assert ready.aclprofGetOpNum(ready.NULL, SIZE, count) == codes.INVALID_PARAM
    assert ready.aclprofGetOpNum(held, SIZE - 1, count) == codes.INVALID_PARAM
    assert ready.aclprofGetOpNum(held, 0, count) == 0
    assert count[0] == 0
    assert ready.aclprofGetModelId(held, SIZE, 1) == codes.INVALID_PARAM
    assert ready.message().splitlines()[-1] == (
        "aclprofGetModelId: index 1 is not one of the 1 operators"
    )
    for at in range(SIZE):
        wrong = ready.hold(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert ready.aclprofGetOpNum(wrong, SIZE, count) == codes.INVALID_PARAM
        assert ready.aclprofGetOpStart(wrong, SIZE, 0) == 0
        assert ready.aclprofGetOpFlag(wrong, SIZE, 0) == 0xFF
    assert ready.aclprofGetOpAttriValue(held, SIZE, 0, 0) == ready.NULL
    assert "has flag 0, and attribute 0 is of operators with flag 2" in ready.message()


def test_order_of_checks_facts_12_3(ready: Acl, pipe: Pipe, tmp_path: Any) -> None:
    loaded, other = ready.load_model(NEG), ready.load_model(NEG)
    make = ready.aclprofCreateSubscribeConfig
    assert make(1, 0, ready.NULL) == ready.NULL
    assert make(2, 0, pipe.writer) == ready.NULL
    assert ready.message().splitlines()[-1] == (
        "aclprofCreateSubscribeConfig: timeInfoSwitch is 2; it is 0 or 1"
    )
    nothing, times = make(0, NO_METRICS, pipe.writer), make(1, NO_METRICS, pipe.writer)
    assert ready.aclprofModelSubscribe(loaded, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclprofModelSubscribe(999, nothing) == NO_MODEL
    assert ready.aclprofModelSubscribe(loaded, nothing) == codes.INVALID_PARAM
    assert ready.aclprofModelUnSubscribe(loaded) == NO_MODEL
    assert ready.aclprofModelSubscribe(loaded, times) == 0
    assert ready.aclprofModelSubscribe(loaded, times) == SUBSCRIBED
    assert ready.aclprofModelSubscribe(other, make(1, 0, pipe.writer)) == UNLIKE
    path = str(tmp_path).encode()
    assert ready.aclprofInit(path, len(path)) == OTHER_WAY
    assert ready.aclprofStart(config(ready, [0], TASK_TIME)) == OTHER_WAY
    assert ready.aclprofFinalize() == OTHER_WAY
    assert ready.aclprofModelUnSubscribe(loaded) == 0
    begin(ready, tmp_path)
    assert ready.aclprofModelSubscribe(loaded, times) == OTHER_WAY
    assert ready.aclprofModelUnSubscribe(loaded) == OTHER_WAY
    assert ready.aclprofFinalize() == 0
    ready.message()


def test_a_pipe_is_closed_with_its_last_subscription_facts_12_3(ready: Acl, pipe: Pipe) -> None:
    first, second = ready.load_model(NEG), ready.load_model(CHAIN)
    assert subscribe(ready, first, pipe) == subscribe(ready, second, pipe) == 0
    run(ready, first)
    assert ready.aclprofModelUnSubscribe(first) == 0
    assert pipe.writer[0] >= 0
    run(ready, second)
    assert ready.aclprofModelUnSubscribe(second) == 0
    assert pipe.writer[0] == -1
    assert len(pipe.read()) == 4 * SIZE


def test_records_come_while_the_model_runs(ready: Acl, pipe: Pipe) -> None:
    """The reader is another thread, and the pipe holds less than all of it."""
    loaded, read = ready.load_model(CHAIN), []
    reader = threading.Thread(target=lambda: read.append(pipe.read()))
    reader.start()
    subscribe(ready, loaded, pipe)
    run(ready, loaded, 300)
    assert ready.aclprofModelUnSubscribe(loaded) == 0
    reader.join(30)
    assert len(read[0]) == 900 * SIZE


def test_a_reader_that_is_gone_facts_8(ready: Acl) -> None:
    """No SIGPIPE, and the program goes on."""
    gone, loaded = Pipe(ready), ready.load_model(NEG)
    os.close(gone.reader)
    subscribe(ready, loaded, gone)
    run(ready, loaded)
    assert ready.aclprofModelUnSubscribe(loaded) == 500005
    assert "was not read" in ready.message()


def test_a_failed_run_has_no_operator(ready: Acl, pipe: Pipe) -> None:
    loaded = ready.load_model(NEG)
    subscribe(ready, loaded, pipe)
    inputs = ready.dataset(VALUE.tobytes())
    ready.fail("aclmdlExecute", 1, 507011)
    assert ready.aclmdlExecute(loaded, inputs.handle, ready.dataset(16).handle) != 0
    ready.message()
    assert ready.aclprofModelUnSubscribe(loaded) == 0
    assert pipe.read() == b""


def test_without_a_folder_for_times_the_run_is_as_ever(
    ready: Acl, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = ready.load_model(NEG)
    subscribe(ready, loaded, pipe)
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    assert run(ready, loaded) == (-VALUE).tobytes()
    assert f"model {loaded} runs without times of its operators" in ready.message()
    assert ready.aclprofModelUnSubscribe(loaded) == 0
    assert pipe.read() == b""


def test_each_reader_that_is_gone_is_told_of_facts_8(ready: Acl) -> None:
    pipes = [Pipe(ready), Pipe(ready)]
    models = [ready.load_model(NEG) for _ in pipes]
    for gone, loaded in zip(pipes, models, strict=True):
        os.close(gone.reader)
        subscribe(ready, loaded, gone)
        run(ready, loaded)
    for loaded in models:
        assert ready.aclprofModelUnSubscribe(loaded) == 500005
        assert "was not read" in ready.message()


def test_a_pipe_that_is_closed_already_loses_its_own_records_alone_facts_8(
    ready: Acl, pipe: Pipe
) -> None:
    """Its number is -1 by then, which the library wrote."""
    gone = Pipe(ready)
    first, second = ready.load_model(CHAIN), ready.load_model(CHAIN)
    assert subscribe(ready, first, gone) == ready.aclprofModelUnSubscribe(first) == 0
    assert gone.writer[0] == -1
    assert subscribe(ready, first, gone) == subscribe(ready, second, pipe) == 0
    for _ in range(20):
        run(ready, second)
        run(ready, first)
    assert ready.aclprofModelUnSubscribe(first) == 500005
    assert "records of model" in ready.message()
    assert ready.aclprofModelUnSubscribe(second) == 0
    assert len(pipe.read()) == 20 * 3 * SIZE
    os.close(gone.reader)


def test_a_pipe_has_any_number_facts_8(ready: Acl) -> None:
    """Beyond what select() can name, too: its reader that is gone is told of."""
    low = Pipe(ready)
    os.close(low.reader)
    high = fcntl.fcntl(low.writer[0], fcntl.F_DUPFD_CLOEXEC, 1500)
    os.close(low.writer[0])
    low.writer[0] = high
    loaded = ready.load_model(NEG)
    subscribe(ready, loaded, low)
    run(ready, loaded)
    assert ready.aclprofModelUnSubscribe(loaded) == 500005
    assert f"the pipe {high} was not read" in ready.message()
    assert low.writer[0] == -1


def test_a_refused_configuration_has_its_status(ready: Acl) -> None:
    """The trace and a refusal's text have it, though the function answers NULL."""
    ready.set("trace", "on")
    assert ready.aclprofCreateSubscribeConfig(1, NO_METRICS, ready.NULL) == ready.NULL
    assert ready.aclprofCreateSubscribeConfig(7, NO_METRICS, ready.new("int *")) == ready.NULL
    rows = [row for row in ready.read("trace") if row["function"] == "aclprofCreateSubscribeConfig"]
    assert [row["status"] for row in rows] == [100000, 100000]
    ready.message()
