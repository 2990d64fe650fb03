"""A C program with no Python in it, against what ONNX Runtime itself computes (design 7)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

from ..face import Acl
from .program import compiled, run

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
SCALE = np.float32([1, -2, 0.5, 4])
DENSE = np.linspace(-0.5, 0.5, 8, dtype=np.float32).reshape(4, 2)


def network(scale: np.ndarray) -> onnx.ModelProto:
    """y = tanh((x * scale) @ dense)."""
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "dense"], ["h"]),
        helper.make_node("Tanh", ["h"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (3, 2))],
        [numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(DENSE, "dense")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answer(scale: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(network(scale).SerializeToString())
    return np.asarray(session.run(None, {"x": X})[0])


@pytest.fixture(scope="module")
def client(_library: Acl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    return compiled(tmp_path_factory.mktemp("client"), "client", _library)


def outputs(client: Path, acl: Acl, bundle: Path) -> list[np.ndarray]:
    """The three outputs that the program prints."""
    values = [f"{value:.9g}" for value in (*X.ravel(), *SCALE)]
    lines = run(client, acl, bundle, str(X.size), "6", *values).splitlines()
    assert len(lines) == 3
    return [np.array(line.split(), np.float32).reshape(3, 2) for line in lines]


def test_a_c_program_computes_what_onnxruntime_computes_design_7(
    client: Path, acl: Acl, tmp_path: Path
) -> None:
    path = tmp_path / "network.om"
    build.from_onnx(network(SCALE), weights=["scale"]).save(path)
    got = outputs(client, acl, path)
    for one, want in zip(got, [answer(SCALE), *[answer(SCALE * 2)] * 2], strict=True):
        assert np.array_equal(one, want)
    assert not np.array_equal(got[0], got[1])
