"""What every test may ask for beside the plugin's ``fake_acl``: small models.

The fake becomes the library of the test process when the first test asks for
it, so tests that need another library, or none, run a child process. Under
xdist each worker has a fake of its own.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, om

Array = NDArray[Any]

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> Iterator[None]:
    """Let SIGINT interrupt, here and in child processes, as it does in a terminal.

    A shell without job control lets its background jobs ignore SIGINT, and so would every program
    that a test starts and interrupts.
    """
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, found)


@dataclass(frozen=True)
class Mlp:
    """y = relu(x @ w1 + b1) @ w2 + b2 as a bundle file, and in numpy."""

    path: Path
    onnx: onnx.ModelProto
    weights: dict[str, Array]
    x: Array

    def answer(self, weights: dict[str, Array] | None = None, x: Array | None = None) -> Array:
        w = {**self.weights, **(weights or {})}
        hidden = np.maximum((self.x if x is None else x) @ w["w1"] + w["b1"], 0)
        return hidden @ w["w2"] + w["b2"]

    def random(self, seed: int) -> dict[str, Array]:
        """Other values for every weight."""
        rng = np.random.default_rng(seed)
        return {k: rng.standard_normal(v.shape).astype(v.dtype) for k, v in self.weights.items()}


def mlp_weights() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    shapes = {"w1": (8, 16), "b1": (16,), "w2": (16, 3), "b2": (3,)}
    return {n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}


def mlp_onnx(weights: dict[str, Array]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 3])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="session")
def mlp(tmp_path_factory: pytest.TempPathFactory) -> Mlp:
    path = tmp_path_factory.mktemp("mlp") / "mlp.om"
    weights = mlp_weights()
    model = mlp_onnx(weights)
    build.from_onnx(model, weights=list(weights)).save(path)
    x = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32)
    return Mlp(path, model, weights, x)


@pytest.fixture
def reorder(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle's graphs again, in another order or fewer of them."""

    def write(source: Path, *order: int) -> Path:
        bundle = om.open_bundle(source)
        path = tmp_path / f"order{''.join(map(str, order))}.om"
        om.write_bundle([bundle.models[i] for i in order], bundle.variable_size).save(path)
        return path

    return write


@pytest.fixture
def single(tmp_path: Path) -> Callable[..., build.Bundle]:
    """Build y = op(x, w) for one weight of any dtype and shape."""

    def make(op: str, x: Array, w: Array, dtype: int | None = None) -> build.Bundle:
        elem = dtype or helper.np_dtype_to_tensor_dtype(x.dtype)
        tensor = helper.make_tensor("w", elem, w.shape, w.tobytes(), raw=True)
        graph = helper.make_graph(
            [helper.make_node(op, ["x", "w"], ["y"])],
            "single",
            [helper.make_tensor_value_info("x", elem, x.shape)],
            [helper.make_tensor_value_info("y", elem, None)],
            [tensor],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return build.from_onnx(model, weights=["w"])

    return make
