"""The compile tool on the stand-in for GE, and a GE that lies."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import fake
from acl_bundle.build import chip

HEADERS = Path(chip.__file__).parent / "include"
X = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the program that calls GE is kept, so that it is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """The environment of `acl-bundle fake env`; the folder of the libraries."""
    folder = fake.library_path().parent
    for name in [name for name in os.environ if name.startswith("ASCEND")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return folder


@pytest.fixture(scope="session")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that lies in place of the stand-in, for LD_PRELOAD."""
    made = tmp_path_factory.mktemp("liar") / "liar.so"
    command = [
        os.environ.get("CXX", "c++"), "-std=c++17", "-Wall", "-Wextra", "-Werror", "-shared",
        "-fPIC", "-I", HEADERS, Path(__file__).with_name("liar.cc"), "-o", made,
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return made


class Network:
    """y = tanh(x @ w + b) * s: w and b initializers, s of a Constant node."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.weights: dict[str, NDArray[np.float32]] = {
            "w": rng.standard_normal((4, 3)).astype(np.float32),
            "b": rng.standard_normal(3).astype(np.float32),
            "s": rng.standard_normal(3).astype(np.float32),
        }

    def model(self, batch: int | str = 2) -> onnx.ModelProto:
        node = helper.make_node
        value = numpy_helper.from_array(self.weights["s"], "s")
        nodes = [
            node("Constant", [], ["s"], name="made by somebody", value=value),
            node("MatMul", ["xs", "w"], ["h"]),
            node("Add", ["h", "b"], ["a"], name="add"),
            node("Tanh", ["a"], ["t"]),
            node("Mul", ["t", "s"], ["y"], name="out"),
        ]
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info("xs", TensorProto.FLOAT, [batch, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])],
            [numpy_helper.from_array(self.weights[name], name) for name in ("w", "b")],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def answer(self, x: NDArray[np.float32], **new: NDArray[np.float32]) -> NDArray[np.float32]:
        w = {**self.weights, **new}
        return np.asarray(np.tanh(x @ w["w"] + w["b"]) * w["s"])


@pytest.fixture
def network() -> Network:
    return Network()
