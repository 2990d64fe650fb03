"""The weights and the model that the tests of ``acl-bundle weights`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import weights

Array = NDArray[Any]
Run = Callable[..., Any]


def rng(seed: int = 0) -> np.random.Generator:
    """Random numbers."""
    return np.random.default_rng(seed)


VALUES = {
    "fc.weight": rng().standard_normal((8, 4)).astype(np.float32),
    "fc.bias": np.array([1e6, 1.0, 1e-9, 0.0], np.float32),
    "count": np.arange(3),
}


def read(path: Path) -> dict[str, Array]:
    with weights.open(path) as found:
        return {name: np.array(found[name]) for name in found}


def left_over(folder: Path) -> list[str]:
    """Temporary files that somebody forgot."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def mlp() -> onnx.ModelProto:
    """y = x @ fc.weight."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "fc.weight"], ["y"])],
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.zeros((8, 4), np.float32), "fc.weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
