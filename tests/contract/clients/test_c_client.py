"""A C program with no Python in it, against what ONNX Runtime itself computes (design 7)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

from ..face import ROOT, Acl

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
    """The compiled program; it finds the library as any program does, by its soname."""
    program = tmp_path_factory.mktemp("client") / "client"
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "csrc",
        Path(__file__).with_name("client.c"), "-o", program,
        "-L", _library.path.parent, "-lascendcl",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return program


def run(client: Path, acl: Acl, bundle: Path, **environment: str) -> str:
    """Run it where only the loader's path leads to the library."""
    values = [f"{value:.9g}" for value in (*X.ravel(), *SCALE)]
    done = subprocess.run(
        [client, bundle, str(X.size), "6", *values],
        env={**os.environ, "LD_LIBRARY_PATH": str(acl.path.parent), **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_c_program_computes_what_onnxruntime_computes_design_7(
    client: Path, acl: Acl, tmp_path: Path
) -> None:
    path = tmp_path / "network.om"
    build.from_onnx(network(SCALE), weights=["scale"]).save(path)
    where = str(next(Path(ort.__file__).parent.glob("capi/libonnxruntime.so.1.*")))
    lines = run(client, acl, path, ACL_FAKE_ONNXRUNTIME=where).splitlines()
    outputs = [np.array(line.split(), np.float32).reshape(3, 2) for line in lines]
    expected = [answer(SCALE), answer(SCALE * 2), answer(SCALE * 2)]
    assert len(outputs) == 3
    for got, want in zip(outputs, expected, strict=True):
        assert np.array_equal(got, want)
    assert not np.array_equal(outputs[0], outputs[1])
