"""What works through a set of weights has one of them in memory, or two, and no more."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from acl_bundle import build, weights

from .samples import Array

NAMES = [f"w{i}" for i in range(12)]


class Lazy(Mapping[str, Array]):
    """Weights that are made when they are asked for, and counted while they live."""

    def __init__(self) -> None:
        self.alive = self.most = 0

    def spec(self, name: str) -> weights.Spec:
        if name not in NAMES:
            raise KeyError(name)
        return weights.Spec((64, 32), np.dtype("f4"))

    def __getitem__(self, name: str) -> Array:
        array = np.full((64, 32), float(name[1:]), np.float32)
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(array, self._gone)
        return array

    def _gone(self) -> None:
        self.alive -= 1

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose weights are those of Lazy, and zero."""
    node, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    end = onnx.helper.make_tensor_value_info
    nodes = [
        node("Add", ["x" if not i else f"y{i}", name], [f"y{i + 1}"])
        for i, name in enumerate(NAMES)
    ]
    zeros = [tensor(np.zeros((64, 32), "f4"), name) for name in NAMES]
    ends = [end("x", 1, [64, 32])], [end("y12", 1, [64, 32])]
    graph = onnx.helper.make_graph(nodes, "g", *ends, zeros)
    made = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    return build.from_onnx(made, weights=NAMES).save(tmp_path_factory.mktemp("m") / "m.om")


def _half(lazy: Lazy) -> Any:
    return weights.cast(
        weights.sparsify_2_4(weights.rename(lazy, str.upper), {"*": "nk"}), "float16"
    )


WORK: dict[str, Callable[[Lazy, Path, Path], object]] = {
    "save": lambda lazy, _, out: weights.save(lazy, out),
    "save a view": lambda lazy, _, out: weights.save(_half(lazy), out),
    "report": lambda lazy, _, out: _half(lazy).report(),
    "masks": lambda lazy, _, out: weights.sparsify_2_4(lazy, {"*": "kn"}).masks,
    "check": lambda lazy, _, out: weights.check(lazy, {"*": "kn"}),
    "diff": lambda lazy, _, out: weights.diff(lazy, lazy),
    "freeze": weights.freeze,
}


@pytest.mark.parametrize("work", WORK)
def test_few_weights_are_alive_at_a_time(work: str, model: Path, tmp_path: Path) -> None:
    lazy = Lazy()
    WORK[work](lazy, model, tmp_path / "out")
    assert lazy.most <= 2
    assert lazy.alive == 0
