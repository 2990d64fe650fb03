"""Graphs for arrays on the device: y = x @ w, and z = x + n, of three kinds of shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

W = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
KINDS: dict[str, dict[str, Any]] = {
    "static": {"input_shapes": {"x": (4, 8)}},
    "gears": {"dynamic_batch": [1, 4]},
    "open": {"dynamic_shape": True},
}


def two_outputs(kind: str) -> bytes:
    """y = x @ w, and z = x + 1."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("Add", ["x", "one"], ["z"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3]),
         helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 8])],
        [numpy_helper.from_array(W, "w"), numpy_helper.from_array(np.float32(1), "one")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return build.model(model, **KINDS[kind]).to_bytes()


def given(rows: int = 4, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, 8)).astype("f4")
