"""Small models of more than one shape, and the ways to say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dims = list[int | str]

OPTIONS: list[dict[str, Any]] = [
    {"dynamic_batch": [1, 4, 8]},
    {"dynamic_dims": {"x": [(1, 4), (4, 4), (8, 4)]}},
    {"dynamic_shape": True},
    {"dynamic_shape": {"x": [(1, 8), 4]}},
]
IDS = ["batch", "dims", "any", "bounded"]


def value(name: str, dims: Dims, elem: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, elem, dims)


def proto(nodes: list[Any], inputs: list[Any], outputs: list[Any], **consts: Any) -> Any:
    fixed = [numpy_helper.from_array(one, name) for name, one in consts.items()]
    graph = helper.make_graph(nodes, "net", inputs, outputs, fixed)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


W = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
NET = proto(
    [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])],
    [value("x", ["n", 4])],
    [value("y", ["n", 3])],
    w=W,
)
IMAGE = proto(
    [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
    [value("x", [1, 2, "h", "w"])],
    [value("y", [1, 2, "h2", "w2"])],
)


def rows(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)
