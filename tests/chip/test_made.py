"""What a builder made goes to a chip with the names that it has: `build.compile(made)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build

from .conftest import Network, X

pytestmark = pytest.mark.usefixtures("fake_acl")


def test_what_from_onnx_was_asked_for_holds_for_the_chip(network: Network, tmp_path: Path) -> None:
    made = build.from_onnx(
        network.model("N"), ["w", "b"], dynamic_batch=[1, 2], aliases={"tied": "w"},
        unused=["*.step"],
    )  # fmt: skip
    compiled = build.compile(made, out=tmp_path / "chip.om", soc="Ascend910B3")
    new = {"w": -network.weights["w"], "b": network.weights["b"] * 2}
    with ab.Bundle.load(compiled.path) as bundle:
        bundle.init()
        assert list(bundle.weights) == ["w", "b"]
        np.testing.assert_allclose(bundle.infer(X), network.answer(X), rtol=1e-5)
        bundle.update({"tied": new["w"], "b": new["b"], "net.step": np.int64(1)})
        np.testing.assert_allclose(bundle.infer(X), network.answer(X, **new), rtol=1e-5)
        assert bundle.infer(X[:1]).shape == (1, 3)


def test_a_path_is_read_when_it_is_compiled(network: Network, tmp_path: Path) -> None:
    onnx.save(network.model(), tmp_path / "network.onnx")
    made = build.from_onnx(tmp_path / "network.onnx", "all")
    assert made.origin is not None
    assert made.origin.model == tmp_path / "network.onnx"
    compiled = build.compile(made, out=tmp_path / "chip.om", soc="Ascend910B3")
    assert compiled.manifest.made["onnx"]["file"] == "network.onnx"


def test_nothing_is_said_twice(network: Network, tmp_path: Path) -> None:
    made: Any = build.from_onnx(network.model(), "all")
    for options, said in (
        ({"weights": ["w"], "unused": ["x"]}, r"weights, unused: said already"),
        ({"fold": False}, "fold: said already"),
    ):
        with pytest.raises(ValueError, match=said):
            build.compile(made, out=tmp_path / "chip.om", soc="Ascend910B3", **options)
    with pytest.raises(ValueError, match="out is missing"):
        build.compile(made, soc="Ascend910B3")
    assert not [*tmp_path.iterdir()]


def test_a_bundle_that_came_from_no_model_is_refused(tmp_path: Path) -> None:
    made = build.null({"x": (np.float32, (1,))}, {"y": (np.float32, (1,))})
    with pytest.raises(ValueError, match="was not built from an ONNX model"):
        build.compile(made, out=tmp_path / "chip.om", soc="Ascend910B3")


def test_a_module_is_told_where_to_go(tmp_path: Path) -> None:
    model: Any = object()
    for call in (build.from_onnx, lambda one: build.compile(one, "all", tmp_path / "x", soc="A")):
        with pytest.raises(TypeError, match=r"the model is a object; .*build\.from_torch takes a"):
            call(model)
