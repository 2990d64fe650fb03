"""Our own programs in the shapes of public ones, against what ONNX Runtime itself computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

Program = Callable[..., str]
X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
SCALE = np.float32([1, -2, 0.5, 4])
DENSE = np.linspace(-0.5, 0.5, 8, dtype=np.float32).reshape(4, 2)


def network(scale: np.ndarray, rows: int = 3) -> onnx.ModelProto:
    """y = tanh((x * scale) @ dense)."""
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "dense"], ["h"]),
        helper.make_node("Tanh", ["h"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (rows, 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (rows, 2))],
        [numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(DENSE, "dense")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": x})[0])


def floats(text: str) -> np.ndarray:
    return np.array(text.split(), np.float32)


def test_weights_of_a_loaded_bundle(program: Program, tmp_path: Path) -> None:
    build.from_onnx(network(SCALE), weights=["dense", "scale"]).save(tmp_path / "network.om")
    np.concatenate([X.ravel(), -SCALE]).tofile(tmp_path / "floats")
    first, second = program("bundle.c", "network.om", "scale", "floats").splitlines()
    assert np.array_equal(floats(first), answer(network(SCALE), X).ravel())
    assert np.array_equal(floats(second), answer(network(-SCALE), X).ravel())
    assert first != second


@pytest.mark.parametrize("workers", [1, 4])
def test_threads_with_a_model_each(program: Program, tmp_path: Path, workers: int) -> None:
    one = network(SCALE, rows=1)
    build.model(one).save(tmp_path / "model.om")
    rows = np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)
    rows.tofile(tmp_path / "rows")
    *lines, failure = program("serving.cc", "model.om", str(workers), "3", "rows").splitlines()
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert np.array_equal(floats(line), answer(one, row[None]).ravel())
    assert failure.startswith("145002 aclmdlLoadFromFile(path.c_str(), &id_) returned 145002: ")
    assert "no such file.om" in failure
