"""Baking weights into model files, which then compute with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, om, weights
from acl_bundle.errors import WeightError, WeightsFormatError
from acl_bundle.weights._freeze_onnx import freeze_onnx

from .samples import Array, same


@pytest.fixture
def new(mlp: Any) -> dict[str, Array]:
    """Other values for two of the four weights."""
    values = mlp.random(9)
    return {"w1": values["w1"], "b2": values["b2"]}


def run_onnx(path: Path, x: Array) -> Array:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    result: Array = session.run(None, {"x": x})[0]
    return result


def test_a_bundle_starts_with_the_new_weights(
    fake_acl: Any, mlp: Any, new: dict[str, Array], tmp_path: Path
) -> None:
    out = tmp_path / "frozen.om"
    before = mlp.path.read_bytes()
    report = weights.freeze(new, mlp.path, out)
    assert {row.name for row in report if row.replaced} == set(new)
    assert "2 of 4 constants are replaced" in str(report)
    with ab.Bundle.load(out) as bundle:
        bundle.init()
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), 1e-4, 1e-5)
    assert mlp.path.read_bytes() == before
    with weights.open(out) as source:
        same(source, {**mlp.weights, **new})
    assert weights.diff(weights.open(mlp.path), weights.open(out)).changed == tuple(
        name for name in weights.open(mlp.path) if name in new
    )


def test_all_but_the_weights_stays_byte_for_byte(mlp: Any, tmp_path: Path) -> None:
    out = weights_back = tmp_path / "a.om"
    weights.freeze(mlp.random(1), mlp.path, out)
    back = tmp_path / "back.om"
    weights.freeze(mlp.weights, weights_back, back)
    assert back.read_bytes() == mlp.path.read_bytes() != out.read_bytes()
    assert out.stat().st_size == mlp.path.stat().st_size


def test_a_plain_model_computes_with_the_new_weights(
    fake_acl: Any, mlp: Any, new: dict[str, Array], tmp_path: Path
) -> None:
    plain, out = tmp_path / "plain.om", tmp_path / "frozen.om"
    build.model(mlp.onnx).save(plain)
    weights.freeze(new, plain, out)
    same(weights.open(out), {**mlp.weights, **new})
    om.write_bundle([om.open_model(out)], 0).save(tmp_path / "one.om")
    with ab.Bundle.load(tmp_path / "one.om") as bundle:
        np.testing.assert_allclose(bundle.graphs[0](mlp.x), mlp.answer(new), 1e-4, 1e-5)


@pytest.mark.parametrize("external", [False, True])
def test_an_onnx_model_computes_with_the_new_weights(
    mlp: Any, new: dict[str, Array], tmp_path: Path, external: bool
) -> None:
    path, out = tmp_path / "m.onnx", tmp_path / "sub" / "frozen.onnx"
    out.parent.mkdir()
    model = onnx.ModelProto()
    model.CopyFrom(mlp.onnx)
    onnx.save(model, path, save_as_external_data=external, location="m.data", size_threshold=0)
    weights.freeze(new, path, out)
    np.testing.assert_allclose(run_onnx(out, mlp.x), mlp.answer(new), 1e-4, 1e-5)
    assert [one.name for one in out.parent.iterdir()] == ["frozen.onnx"]


def test_a_large_onnx_model_keeps_its_tensors_beside_it(
    mlp: Any, new: dict[str, Array], tmp_path: Path
) -> None:
    path, out = tmp_path / "m.onnx", tmp_path / "frozen.onnx"
    large = np.arange(300, dtype="f4")
    model = onnx.ModelProto()
    model.CopyFrom(mlp.onnx)
    model.graph.initializer.append(numpy_helper.from_array(large, "large"))
    onnx.save(model, path)
    freeze_onnx({**new, "large": large * 2}, path, out, limit=100)
    (beside,) = tmp_path.glob("frozen.onnx.*.data")
    assert beside.stat().st_size == 1200
    np.testing.assert_allclose(run_onnx(out, mlp.x), mlp.answer(new), 1e-4, 1e-5)
    same(weights.open(out), {**mlp.weights, **new, "large": large * 2})


def test_constant_nodes_are_replaced_in_every_form(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["a"], value=numpy_helper.from_array(np.ones(2, "f4"))),
        helper.make_node("Constant", [], ["b"], value_floats=[1.0, 2.0]),
        helper.make_node("Constant", [], ["c"], value_int=7),
    ]
    graph = helper.make_graph(nodes, "g", [], [])
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    values = {"a": np.full(2, 5, "f4"), "b": np.zeros(2, "f4"), "c": np.array(9)}
    weights.freeze(values, tmp_path / "m.onnx", tmp_path / "out.onnx")
    same(weights.open(tmp_path / "out.onnx"), values)


def test_input_and_output_may_not_be_one_file(mlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.om"
    path.write_bytes(mlp.path.read_bytes())
    os.link(path, tmp_path / "hard.om")
    weights.save(mlp.weights, tmp_path / "w")
    for out in (path, tmp_path / "hard.om", tmp_path / "w"):
        with (
            weights.open(tmp_path / "w") as source,
            pytest.raises(ValueError, match="is the input"),
        ):
            weights.freeze(source, path, out)
    assert path.read_bytes() == mlp.path.read_bytes()


def test_weights_that_do_not_fit_change_nothing(mlp: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.om"
    for bad, message in (
        ({"w9": np.ones(3, "f4")}, r"no constant 'w9'; it has 'w1'"),
        ({"b1": np.ones(3, "f4")}, r"'b1' is float32\[3\], but .* has float32\[16\]"),
        ({"b1": np.ones(16)}, "float64"),
    ):
        with pytest.raises(WeightError, match=message):
            weights.freeze(bad, mlp.path, out)
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(WeightsFormatError, match="no bundle"):
        weights.freeze({}, tmp_path / "a.npy", out)
    assert not out.exists()


def test_a_failure_on_the_way_leaves_the_old_file(mlp: Any, tmp_path: Path) -> None:
    class Failing(dict):  # type: ignore[type-arg]
        def __getitem__(self, name: str) -> Any:
            raise RuntimeError("the trainer is gone")

        def spec(self, name: str) -> Any:
            value = super().__getitem__(name)
            return weights.Spec(value.shape, value.dtype)

    out = tmp_path / "out.om"
    out.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="trainer is gone"):
        weights.freeze(Failing(mlp.weights), mlp.path, out)
    assert out.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["out.om"]
