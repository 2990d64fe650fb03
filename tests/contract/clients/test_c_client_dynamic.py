"""A C program that runs models of more than one shape, against ONNX Runtime itself (design 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

from ..face import Acl
from .program import compiled, run

W = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)


def network() -> onnx.ModelProto:
    """y = tanh(x @ w) over any number of rows."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Tanh", ["h"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(W, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def client(_library: Acl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    return compiled(tmp_path_factory.mktemp("client"), "client_dynamic", _library)


@pytest.mark.parametrize(
    ("way", "options"),
    [
        ("gears", {"dynamic_batch": [1, 4, 8]}),
        ("shapes", {"dynamic_shape": True}),
        ("shapes", {"dynamic_shape": {"x": [(1, 8), 5]}}),
    ],
)
def test_a_c_program_computes_what_onnxruntime_computes_design_7(
    client: Path, acl: Acl, tmp_path: Path, way: str, options: dict[str, Any]
) -> None:
    model, rows = network(), [1, 8, 4, 1]
    path = build.model(model, **options).save(tmp_path / "network.om")
    lines = run(client, acl, way, path, "5", *map(str, rows)).splitlines()
    session = ort.InferenceSession(model.SerializeToString())
    assert len(lines) == len(rows)
    for line, count in zip(lines, rows, strict=True):
        dims, values = line.split(":")
        x = np.arange(count * 5, dtype=np.float32).reshape(count, 5) / 8
        got = np.array(values.split(), np.float32).reshape([int(dim) for dim in dims.split()])
        np.testing.assert_allclose(got, session.run(None, {"x": x})[0], rtol=1e-6)
