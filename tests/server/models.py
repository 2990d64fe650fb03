"""A model with a dynamic batch: y = relu(x @ w)."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

W = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def _model() -> Any:
    ends = {"x": ["n", 4], "y": ["n", 3]}
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ends[name]) for name in "xy")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])
    ]  # fmt: skip
    graph = helper.make_graph(nodes, "net", [x], [y], [numpy_helper.from_array(W, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


GEARED = _model()


def rows(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)


def answer(x: Any, w: Any = W) -> Any:
    return np.maximum(x @ w, 0)
