"""Small models and bundles, made for one test each.

Programs are packed here from docs/program_format.md, apart from the builder's
own packing, so that the fake is held to the text. The containers around them
come from acl_bundle.om.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from acl_bundle import om
from acl_bundle.om import Header, PartitionType, TensorInfo
from acl_bundle.om._container import inout

from .face import FLOAT, ND

ONNX, ASSIGN, NULL, CALLBACK = 1, 2, 3, 4
INPUT, VARIABLE, CONSTANT = 0, 1, 2
SIZES = {0: 4, 1: 2, 2: 1, 3: 4, 4: 1, 6: 2, 7: 2, 8: 4, 9: 8, 10: 8, 11: 8, 12: 1, 27: 2}
DEFINITION = b"\x0a\x05graph"  # a ge.proto ModelDef that has a name and nothing else


@dataclass(frozen=True)
class Tensor:
    """A tensor as a file declares it."""

    name: str
    dims: tuple[int, ...]
    dtype: int = FLOAT
    ranges: tuple[tuple[int, int], ...] = ()
    format: int = ND

    @property
    def nbytes(self) -> int:
        """Bytes, 0 where a dim is unknown."""
        known = all(dim >= 0 for dim in self.dims)
        return math.prod(self.dims) * SIZES[self.dtype] if known else 0

    @property
    def info(self) -> TensorInfo:
        """The row of MODEL_INOUT_INFO."""
        return TensorInfo(self.name, self.dtype, self.format, self.dims, self.nbytes, self.ranges)


def record(tag: int, payload: bytes) -> bytes:
    """One record of a program."""
    padding = b"\0" * (-len(payload) % 8)
    return struct.pack("<IIQ", tag, 0, len(payload)) + payload + padding


def _tensor(tag: int, tensor: Tensor, offset: int) -> bytes:
    name = tensor.name.encode()
    head = struct.pack(
        "<QQiiII",
        offset, tensor.nbytes, tensor.dtype, tensor.format, len(tensor.dims), len(name),
    )  # fmt: skip
    return record(tag, head + struct.pack(f"<{len(tensor.dims)}q", *tensor.dims) + name)


def variable(tensor: Tensor, offset: int) -> bytes:
    """A VARIABLE record."""
    return _tensor(1, tensor, offset)


def constant(tensor: Tensor, offset: int) -> bytes:
    """A CONSTANT record."""
    return _tensor(2, tensor, offset)


def onnx_model(data: bytes) -> bytes:
    """An ONNX record."""
    return record(3, data)


def feed(source: int, index: int, name: str) -> bytes:
    """A FEED record."""
    return record(4, struct.pack("<IIII", source, index, len(name), 0) + name.encode())


def fetch(output: int, name: str) -> bytes:
    """A FETCH record."""
    return record(5, struct.pack("<II", output, len(name)) + name.encode())


def assign(var: int, source: int, index: int) -> bytes:
    """An ASSIGN record."""
    return record(6, struct.pack("<IIII", var, source, index, 0))


def callback(number: int) -> bytes:
    """A CALLBACK record."""
    return record(7, struct.pack("<Q", number))


def program(kind: int, *records: bytes, work: int = 0, variables: int = 0) -> bytes:
    """The content of TASK_INFO."""
    return struct.pack("<8sIIQQ", b"ACLPROG1", kind, len(records), work, variables) + b"".join(
        records
    )


def model(
    tasks: bytes,
    inputs: Sequence[Tensor] = (),
    outputs: Sequence[Tensor] = (),
    *,
    name: str = "graph",
    weights: bytes = b"",
    dynamic: bool = False,
    definition: bytes = DEFINITION,
) -> bytes:
    """One model."""
    listed = inout.write([one.info for one in inputs], [one.info for one in outputs])
    return om.write_model(
        [
            (PartitionType.MODEL_INOUT_INFO, [listed]),
            (PartitionType.MODEL_DEF, [definition]),
            (PartitionType.WEIGHTS_DATA, [weights]),
            (PartitionType.TASK_INFO, [tasks]),
        ],
        header=Header(is_unknow_model=int(dynamic), name=name),
    ).to_bytes()


def null_model(
    inputs: Sequence[Tensor] = (),
    outputs: Sequence[Tensor] = (),
    *,
    dynamic: bool = False,
    work: int = 0,
    weights: bytes = b"",
) -> bytes:
    """A model that computes nothing."""
    tasks = program(NULL, work=work)
    return model(tasks, inputs, outputs, dynamic=dynamic, weights=weights)


def bundle(*models: bytes, variables: int = 0) -> bytes:
    """A bundle of whole models."""
    return om.write_bundle(models, variables).to_bytes()


def graph_bytes(
    nodes: Sequence[tuple[str, str, str]], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> bytes:
    """An ONNX model; a node is (operator, inputs separated by blanks, output)."""

    def value(tensor: Tensor) -> object:
        kinds = {0: TensorProto.FLOAT, 1: TensorProto.FLOAT16, 3: TensorProto.INT32}
        dims = [f"d{axis}" if dim < 0 else dim for axis, dim in enumerate(tensor.dims)]
        return helper.make_tensor_value_info(tensor.name, kinds[tensor.dtype], dims)

    made = [helper.make_node(op, given.split(), [output]) for op, given, output in nodes]
    graph = helper.make_graph(made, "g", [*map(value, inputs)], [*map(value, outputs)])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(proto.SerializeToString())


def onnx_program(
    nodes: Sequence[tuple[str, str, str]],
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    variables: Sequence[Tensor] = (),
) -> bytes:
    """A program that computes on ONNX Runtime, variables as ONNX inputs."""
    offsets, total = places(variables)
    data = graph_bytes(nodes, [*inputs, *variables], outputs)
    records = [variable(*pair) for pair in zip(variables, offsets, strict=True)]
    records.append(onnx_model(data))
    records += [feed(INPUT, index, one.name) for index, one in enumerate(inputs)]
    records += [feed(VARIABLE, index, one.name) for index, one in enumerate(variables)]
    records += [fetch(index, one.name) for index, one in enumerate(outputs)]
    return program(ONNX, *records, variables=total)


def places(variables: Sequence[Tensor]) -> tuple[list[int], int]:
    """Where each variable of a bundle starts, and what all take (facts 4.4)."""
    offsets, end = [], 0
    for one in variables:
        offsets.append(end)
        end += (one.nbytes + 511) // 512 * 512 + 1024
    return offsets, end


def init_model(variables: Sequence[Tensor], values: Sequence[bytes]) -> bytes:
    """The graph that assigns every variable a constant."""
    offsets, total = places(variables)
    starts, data = [], b""
    for value in values:
        data += b"\0" * (-len(data) % 64)
        starts.append(len(data))
        data += value
    records = [variable(*pair) for pair in zip(variables, offsets, strict=True)]
    records += [constant(*pair) for pair in zip(variables, starts, strict=True)]
    records += [assign(index, CONSTANT, index) for index in range(len(variables))]
    tasks = program(ASSIGN, *records, variables=total)
    return model(tasks, name="var_init_graph", weights=data)


def update_model(variables: Sequence[Tensor]) -> bytes:
    """The graph that assigns every variable an input."""
    offsets, total = places(variables)
    records = [variable(*pair) for pair in zip(variables, offsets, strict=True)]
    records += [assign(index, INPUT, index) for index in range(len(variables))]
    inputs = [Tensor(f"{one.name}_data", (-2,), one.dtype) for one in variables]
    tasks = program(ASSIGN, *records, variables=total)
    return model(tasks, inputs, name="var_update_graph", dynamic=True)


@dataclass(frozen=True)
class Linear:
    """``y = x @ w + b`` as a weight-refreshable bundle of infer, init and update.

    x is float32[2, 3], w float32[3, 2] and b float32[2]; w comes first.
    """

    order: tuple[str, ...] = ("infer", "init", "update")
    w: NDArray[np.float32] = field(
        default_factory=lambda: np.arange(6, dtype=np.float32).reshape(3, 2)
    )
    b: NDArray[np.float32] = field(default_factory=lambda: np.float32([10, 20]))

    variables = (Tensor("w_var", (3, 2)), Tensor("b_var", (2,)))
    x = Tensor("x", (2, 3))
    y = Tensor("y", (2, 2))

    @property
    def models(self) -> dict[str, bytes]:
        """The three models by role."""
        nodes = [("MatMul", "x w_var", "xw"), ("Add", "xw b_var", "y")]
        infer = onnx_program(nodes, [self.x], [self.y], self.variables)
        return {
            "infer": model(infer, [self.x], [self.y], name="var_infer_graph"),
            "init": init_model(self.variables, [self.w.tobytes(), self.b.tobytes()]),
            "update": update_model(self.variables),
        }

    @property
    def variable_size(self) -> int:
        """Bytes of both variables."""
        return places(self.variables)[1]

    def to_bytes(self) -> bytes:
        """The file."""
        models = self.models
        return bundle(*(models[role] for role in self.order), variables=self.variable_size)
