"""Baking weights into model files, which then compute with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, weights
from acl_bundle.errors import UnsupportedError, WeightError, WeightsFormatError
from acl_bundle.weights._freeze.onnx import freeze_onnx

from .samples import BF16, F8, Array, same


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
    with ab.Bundle.load(out) as bundle:
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), 1e-4, 1e-5)


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


def test_constants_of_small_types_are_packed_as_onnx_packs_them(tmp_path: Path) -> None:
    old = {"f8": np.ones(5, F8), "i4": np.arange(5).astype("int4"), "keep": np.ones(2)}
    tensors = [numpy_helper.from_array(value, name) for name, value in old.items()]
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], tensors)), tmp_path / "m.onnx")
    new = {"f8": (old["f8"] * F8.type(2)), "i4": np.array([-8, 7, 0, 1, 2]).astype("int4")}
    weights.freeze(new, tmp_path / "m.onnx", tmp_path / "out.onnx")
    found = onnx.load(tmp_path / "out.onnx").graph.initializer
    for tensor, value in zip(found, (new["f8"], new["i4"], old["keep"]), strict=True):
        assert numpy_helper.to_array(tensor).tolist() == value.tolist()
    same(weights.open(tmp_path / "out.onnx"), {**old, **new})


def test_what_an_onnx_model_needs_to_be_frozen_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"w": np.ones(2, "f4")}
    tensors = [numpy_helper.from_array(values["w"], "w")]
    six = onnx.TensorProto(name="six", data_type=27, dims=[4], data_location=1)
    six.external_data.add(key="location", value="d")
    model = helper.make_model(helper.make_graph([], "g", [], [], [*tensors, six]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "d").write_bytes(b"\0" * 3)
    with pytest.raises(UnsupportedError, match="'six' lies outside"):
        weights.freeze(values, tmp_path / "m.onnx", tmp_path / "out.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UnsupportedError, match=r"pip install '\.\[build\]'"):
        weights.freeze(values, tmp_path / "m.onnx", tmp_path / "out.onnx")
    assert sorted(os.listdir(tmp_path)) == ["d", "m.onnx"]


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


def test_inner_graphs_take_their_external_data_along(tmp_path: Path) -> None:
    def branch(name: str, value: float) -> onnx.GraphProto:
        tensor = numpy_helper.from_array(np.full(3, value, "f4"), f"{name}_w")
        node = helper.make_node("Add", [f"{name}_w", "w"], [f"{name}_y"])
        end = helper.make_tensor_value_info(f"{name}_y", 1, [3])
        return helper.make_graph([node], name, [], [end], [tensor])

    graph = helper.make_graph(
        [
            helper.make_node(
                "If", ["x"], ["y"], then_branch=branch("a", 5), else_branch=branch("b", 7)
            )
        ],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", 1, [3])],
        [numpy_helper.from_array(np.zeros(3, "f4"), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path, out = tmp_path / "m.onnx", tmp_path / "sub" / "out.onnx"
    out.parent.mkdir()
    onnx.save(model, path, save_as_external_data=True, location="d", size_threshold=0)
    weights.freeze({"w": np.ones(3, "f4")}, path, out)
    assert run_onnx(out, np.array(True)).tolist() == [6, 6, 6]


def test_small_constants_of_half_precision_are_replaced_in_a_plain_model(
    fake_acl: Any, tmp_path: Path
) -> None:
    ones = np.ones((2, 2), BF16)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.BFLOAT16, [2, 2])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.BFLOAT16, [2, 2])],
        [numpy_helper.from_array(ones, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.model(model).save(tmp_path / "plain.om")
    weights.freeze({"w": ones * BF16.type(3)}, tmp_path / "plain.om", tmp_path / "out.om")
    with ab.Bundle.load(tmp_path / "out.om") as bundle:
        assert bundle.infer(ones).astype("f4").tolist() == [[6, 6], [6, 6]]


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


def test_a_models_external_data_is_not_written_over(mlp: Any, tmp_path: Path) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(mlp.onnx)
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="m.data", size_threshold=0)
    for name in ("m.onnx", "m.data"):
        with pytest.raises(ValueError, match="is the input"):
            weights.freeze(mlp.weights, path, tmp_path / name)


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


def test_what_the_bundle_calls_unused_is_passed_over(
    mlp: Any, new: dict[str, Array], tmp_path: Path
) -> None:
    """As `bundle.update` does: a trainer's state dict holds counters that no graph takes."""
    model, out = tmp_path / "counted.om", tmp_path / "frozen.om"
    build.from_onnx(mlp.onnx, [*mlp.weights], unused=["*.num_batches_tracked"]).save(model)
    counters = {
        "norm.num_batches_tracked": np.int64(3),
        "module.n.num_batches_tracked": np.int64(3),
    }
    report = weights.freeze({**new, **counters}, model, out)
    assert {row.name for row in report if row.replaced} == set(new)
    with weights.open(out) as source:
        same(source, {**mlp.weights, **new})
    with pytest.raises(WeightError, match=r"has no constant 'norm\.mean'; it has"):
        weights.freeze({**new, "norm.mean": np.zeros(3, "f4")}, model, tmp_path / "none.om")
    assert not (tmp_path / "none.om").exists()


def test_a_renaming_that_would_fit_is_said(mlp: Any, tmp_path: Path) -> None:
    given = {f"policy.{name}": value for name, value in mlp.weights.items()}
    with pytest.raises(WeightError, match=r"4 of the 4 fit: weights\.rename\(new, "):
        weights.freeze(given, mlp.path, tmp_path / "none.om")


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
