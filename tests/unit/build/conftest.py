"""An interpreter of bundle files, written from docs/program_format.md alone.

It runs the programs of a bundle with ONNX Runtime's Python API and shares no
code with the writer, so that a test which passes says something about the
page and not only about two halves of one module.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from acl_bundle import om

_NUMPY = {
    0: np.float32, 1: np.float16, 2: np.int8, 3: np.int32, 4: np.uint8, 6: np.int16,
    7: np.uint16, 8: np.uint32, 9: np.int64, 10: np.uint64, 11: np.float64, 12: np.bool_,
    27: ml_dtypes.bfloat16,
}  # fmt: skip


@dataclass
class Tensor:
    name: str
    offset: int
    nbytes: int
    dtype: np.dtype[Any]
    format: int
    dims: tuple[int, ...]


@dataclass
class Program:
    kind: int
    work_size: int
    variable_area: int
    onnx: bytes = b""
    variables: list[Tensor] = field(default_factory=list)
    constants: list[Tensor] = field(default_factory=list)
    feeds: list[tuple[int, int, str]] = field(default_factory=list)
    fetches: list[tuple[int, str]] = field(default_factory=list)
    assigns: list[tuple[int, int, int]] = field(default_factory=list)


def _tensor(payload: bytes) -> Tensor:
    offset, nbytes, dtype, layout, rank, size = struct.unpack_from("<QQiiII", payload)
    dims = struct.unpack_from(f"<{rank}q", payload, 32)
    name = payload[32 + 8 * rank :]
    assert len(name) == size
    return Tensor(name.decode(), offset, nbytes, np.dtype(_NUMPY[dtype]), layout, dims)


def decode_program(data: bytes) -> Program:
    magic, kind, count, work, area = struct.unpack_from("<8sIIQQ", data)
    assert magic == b"ACLPROG1"
    program, at = Program(kind, work, area), 32
    for _ in range(count):
        assert at % 8 == 0
        tag, zero, size = struct.unpack_from("<IIQ", data, at)
        assert zero == 0
        payload = data[at + 16 : at + 16 + size]
        assert len(payload) == size
        padding = -size % 8
        assert not any(data[at + 16 + size : at + 16 + size + padding])
        at += 16 + size + padding
        if tag == 1:
            program.variables.append(_tensor(payload))
        elif tag == 2:
            program.constants.append(_tensor(payload))
        elif tag == 3:
            program.onnx = payload
        elif tag == 4:
            source, index, length, none = struct.unpack_from("<IIII", payload)
            assert (none, length) == (0, size - 16)
            program.feeds.append((source, index, payload[16:].decode()))
        elif tag == 5:
            output, length = struct.unpack_from("<II", payload)
            assert length == size - 8
            program.fetches.append((output, payload[8:].decode()))
        else:
            variable, source, index, none = struct.unpack("<IIII", payload)
            assert (tag, none) == (6, 0)
            program.assigns.append((variable, source, index))
    assert at == len(data)
    return program


class Part:
    """One sub-model: its ends, its program, its constants."""

    def __init__(self, model: om.Model) -> None:
        self.model = model
        tasks = model.partition(om.PartitionType.TASK_INFO)
        assert tasks is not None
        self.program = decode_program(bytes(tasks.data))
        weights = model.partition(om.PartitionType.WEIGHTS_DATA)
        self.weights = b"" if weights is None else bytes(weights.data)

    def constant(self, index: int) -> np.ndarray[Any, Any]:
        one = self.program.constants[index]
        assert one.offset % 64 == 0
        raw = self.weights[one.offset : one.offset + one.nbytes]
        return np.frombuffer(raw, one.dtype).reshape(one.dims)


def _ort_value(array: np.ndarray[Any, Any]) -> ort.OrtValue:
    if array.dtype == ml_dtypes.bfloat16:
        bits = array.view(np.uint16)
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, onnx.TensorProto.BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array).reshape(array.shape))


class Interpreter:
    """A loaded file; fresh variables hold 0xA5, as the fake's do."""

    def __init__(self, source: bytes) -> None:
        file = om.open(source)
        models = file.models if isinstance(file, om.Bundle) else (file,)
        self.parts = {part.model.name: part for part in map(Part, models)}
        self.main = next(iter(self.parts.values()))
        size = file.variable_size if isinstance(file, om.Bundle) else 0
        assert all(part.program.variable_area == size for part in self.parts.values())
        self.area = bytearray(b"\xa5" * size)
        self._session: ort.InferenceSession | None = None

    def variable(self, part: Part, index: int) -> np.ndarray[Any, Any]:
        one = part.program.variables[index]
        view = memoryview(self.area)[one.offset : one.offset + one.nbytes]
        return np.frombuffer(view, one.dtype).reshape(one.dims)

    def init(self) -> None:
        part = self.parts["var_init_graph"]
        assert part.program.kind == 2
        for variable, source, index in part.program.assigns:
            assert source == 2
            self.variable(part, variable)[...] = part.constant(index)

    def update(self, values: Mapping[str, np.ndarray[Any, Any]]) -> None:
        part = self.parts["var_update_graph"]
        for variable, source, index in part.program.assigns:
            assert source == 0
            weight = part.model.inputs[index].name.removesuffix("_var_data")
            if weight in values:
                self.variable(part, variable)[...] = values[weight]

    def infer(self, *inputs: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        part, program = self.main, self.main.program
        assert program.kind == 1
        feeds = {}
        for source, index, name in program.feeds:
            if source == 0:
                feeds[name] = _ort_value(inputs[index])
            elif source == 1:
                feeds[name] = _ort_value(self.variable(part, index))
        results = self.session.run_with_ort_values([name for _, name in program.fetches], feeds)
        named = {}
        for (index, _), result in zip(program.fetches, results, strict=True):
            info = part.model.outputs[index]
            value = _numpy(result, info)
            assert value.shape == info.dims
            assert value.nbytes == info.nbytes
            named[info.name] = value
        return named

    @property
    def session(self) -> ort.InferenceSession:
        if self._session is None:
            part = self.main
            options = ort.SessionOptions()
            options.log_severity_level = 4
            options.intra_op_num_threads = 1
            outside = [(name, index) for src, index, name in part.program.feeds if src == 2]
            values = [_ort_value(part.constant(index)) for _, index in outside]
            options.add_external_initializers([name for name, _ in outside], values)
            self._session = ort.InferenceSession(
                part.program.onnx, options, providers=["CPUExecutionProvider"]
            )
        return self._session


def _numpy(value: ort.OrtValue, info: om.TensorInfo) -> np.ndarray[Any, Any]:
    if info.numpy != ml_dtypes.bfloat16:
        return value.numpy()
    bits = np.frombuffer(
        (np.ctypeslib.ctypes.c_char * info.nbytes).from_address(value.data_ptr()), np.uint16
    )
    return bits.copy().view(ml_dtypes.bfloat16).reshape(info.dims)


@pytest.fixture(name="load")
def _load() -> Callable[[bytes], Interpreter]:
    """Makes an interpreter of a file's bytes."""
    return Interpreter


@pytest.fixture(name="original")
def _original() -> Callable[..., list[np.ndarray[Any, Any]]]:
    """Runs an ONNX model as it is."""

    def run(model: onnx.ModelProto, **feeds: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return session.run(None, feeds)

    return run


@pytest.fixture(name="mlp")
def _mlp() -> onnx.ModelProto:
    """x[N, 8] -> MatMul w1 + b1 -> Relu -> MatMul w2 + b2 -> y[N, 4]; w1 is above 1 KiB."""
    rng = np.random.default_rng(7)
    shapes = {"w1": (8, 64), "b1": (64,), "w2": (64, 4), "b2": (4,)}
    values = {name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}
    node = onnx.helper.make_node
    return model_of(
        [
            node("MatMul", ["x", "w1"], ["a"], name="fc1"),
            node("Add", ["a", "b1"], ["b"], name="bias1"),
            node("Relu", ["b"], ["c"], name="relu"),
            node("MatMul", ["c", "w2"], ["d"], name="fc2"),
            node("Add", ["d", "b2"], ["y"], name="bias2"),
        ],
        {"x": (1, ["N", 8])},
        {"y": (1, ["N", 4])},
        values,
    )


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, list[Any] | None]],
    outputs: Mapping[str, tuple[int, list[Any] | None]],
    values: Mapping[str, np.ndarray[Any, Any]] | None = None,
    *,
    opset: int = 17,
    **more: Any,
) -> onnx.ModelProto:
    """A model from nodes, (type, shape) per end, and initializers."""
    declare = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [declare(name, *end) for name, end in inputs.items()],
        [declare(name, *end) for name, end in outputs.items()],
        [onnx.numpy_helper.from_array(value, name) for name, value in (values or {}).items()],
    )
    more.setdefault("opset_imports", [onnx.helper.make_opsetid("", opset)])
    return onnx.helper.make_model(graph, ir_version=more.pop("ir_version", 8), **more)


@pytest.fixture(name="make_model")
def _make_model() -> Callable[..., onnx.ModelProto]:
    """Makes a model from nodes, (type, shape) per end, and initializers."""
    return model_of
