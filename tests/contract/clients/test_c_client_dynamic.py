"""A C program that runs models of more than one shape, against ONNX Runtime itself (design 7)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

from ..face import ROOT, Acl

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
    """The compiled program; it finds the library as any program does, by its soname."""
    program = tmp_path_factory.mktemp("client") / "client_dynamic"
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "csrc",
        Path(__file__).with_name("client_dynamic.c"), "-o", program,
        "-L", _library.path.parent, "-lascendcl",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return program


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
    where = next(Path(ort.__file__).parent.glob("capi/libonnxruntime.so.1.*"))
    done = subprocess.run(
        [client, way, path, "5", *map(str, rows)],
        env={"LD_LIBRARY_PATH": str(acl.path.parent), "ACL_FAKE_ONNXRUNTIME": str(where)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    session = ort.InferenceSession(model.SerializeToString())
    lines = done.stdout.splitlines()
    assert len(lines) == len(rows)
    for line, count in zip(lines, rows, strict=True):
        dims, values = line.split(":")
        x = np.arange(count * 5, dtype=np.float32).reshape(count, 5) / 8
        got = np.array(values.split(), np.float32).reshape([int(dim) for dim in dims.split()])
        np.testing.assert_allclose(got, session.run(None, {"x": x})[0], rtol=1e-6)
