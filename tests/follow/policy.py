"""A policy whose answer tells whether its weights belong together.

y = x @ w + b with every element of w and b the version's own number: each of
the answer's columns is (rows + 1) * version, and differs from the others in any
mixture of two versions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build

ROWS, COLUMNS = 64, 256
X = np.ones((1, ROWS), np.float32)


def weights(version: int) -> dict[str, NDArray[Any]]:
    """The weights of a version."""
    return {
        "w": np.full((ROWS, COLUMNS), version, np.float32),
        "b": np.full(COLUMNS, version, np.float32),
    }


def save(path: Path) -> Path:
    """Write the bundle file; its init graph gives version 0."""
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, ROWS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, COLUMNS])],
        [numpy_helper.from_array(value, name) for name, value in weights(0).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.from_onnx(model, weights=["w", "b"]).save(path)
    return path


def held(bundle: ab.Bundle) -> int:
    """Which version's weights the bundle holds, all of them."""
    out = bundle.infer(X)
    found = set((out / (ROWS + 1)).ravel().tolist())
    assert len(found) == 1, f"a mixture of versions: {sorted(found)}"
    return int(found.pop())
