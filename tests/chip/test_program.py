"""Weights that a model computes with: GE compiles the rest, and the program stays on the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, om

pytestmark = pytest.mark.usefixtures("fake_acl")

Weights = dict[str, NDArray[np.float32]]
SHAPES = {"conv.weight": (4, 2, 3, 3), "norm.scale": (4,), "norm.bias": (4,), "norm.mean": (4,),
          "norm.var": (4,), "head.weight": (3, 4)}  # fmt: skip
X = np.random.default_rng(0).standard_normal((1, 2, 5, 5)).astype(np.float32)


def weights(seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.5, 2, shape).astype(np.float32) for name, shape in SHAPES.items()}


def model(values: Weights) -> onnx.ModelProto:
    """A convolution with a BatchNormalization, and a head of a transposed weight, as torch has."""
    node = helper.make_node
    norm = [f"norm.{one}" for one in ("scale", "bias", "mean", "var")]
    graph = helper.make_graph(
        [
            node("Conv", ["x", "conv.weight"], ["c"], name="/conv"),
            node("BatchNormalization", ["c", *norm], ["n"], name="/norm"),
            node("GlobalAveragePool", ["n"], ["g"], name="/pool"),
            node("Flatten", ["g"], ["f"], name="/flat"),
            node("Transpose", ["head.weight"], ["t"], perm=[1, 0], name="/t"),
            node("MatMul", ["f", "t"], ["y"], name="/head"),
        ],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answer(values: Weights) -> Any:
    return ort.InferenceSession(model(values).SerializeToString()).run(None, {"x": X})[0]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program") / "chip.om"


@pytest.fixture
def compiled(path: Path) -> Path:
    if not path.exists():
        build.compile(model(weights(1)), "all", path, soc="Ascend910B3")
    return path


def test_an_update_takes_the_trainers_weights(compiled: Path) -> None:
    with ab.Bundle.load(compiled) as bundle:
        bundle.init()
        assert set(bundle.weights) == set(SHAPES)
        np.testing.assert_allclose(bundle.infer(X), answer(weights(1)), rtol=1e-5)
        bundle.update(weights(2))
        np.testing.assert_allclose(bundle.infer(X), answer(weights(2)), rtol=1e-5)
        bundle.update({"norm.mean": weights(3)["norm.mean"]})
        part = {**weights(2), "norm.mean": weights(3)["norm.mean"]}
        np.testing.assert_allclose(bundle.infer(X), answer(part), rtol=1e-5)


def test_ge_saw_neither_the_norm_nor_the_transpose(compiled: Path) -> None:
    file = om.open_bundle(compiled)
    assert {node.type for node in file.models[0].graphs[0].nodes}.isdisjoint(
        {"BatchNormalization", "Transpose"}
    )
    assert file.manifest is not None
    assert {one["name"] for one in file.manifest.made["sources"]} == set(SHAPES)
    assert len(file.manifest.weights) < len(SHAPES)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-1], "bytes, where it says"),
        (lambda data: bytes(8) + data[8:], "is another program than"),
        (None, r"chip\.om\.program is missing: it is the weight program"),
    ],
)
def test_a_program_that_is_not_the_bundles_is_refused(
    compiled: Path, tmp_path: Path, damage: Any, said: str
) -> None:
    for one in compiled.parent.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    program = tmp_path / "chip.om.program"
    if damage is None:
        program.unlink()
    else:
        program.write_bytes(damage(program.read_bytes()))
    with pytest.raises(ab.BundleFormatError, match=said):
        ab.Bundle.load(tmp_path / "chip.om")


def test_a_program_whose_manifest_is_missing_is_refused(compiled: Path, tmp_path: Path) -> None:
    """Its constants keep some of the trainer's names, so an update would be half of one."""
    for one in compiled.parent.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    (tmp_path / "chip.om.json").unlink()
    with pytest.raises(ab.BundleFormatError, match=r"chip\.om\.json is missing: .*om\.program is"):
        ab.Bundle.load(tmp_path / "chip.om")
    (tmp_path / "chip.om.program").rename(tmp_path / "kept.program")
    with ab.Bundle.load(tmp_path / "chip.om", program=tmp_path / "kept.program") as bundle:
        assert set(bundle.weights) == set(SHAPES)


def test_without_folding_the_graph_computes_it(tmp_path: Path) -> None:
    made = build.compile(
        model(weights(1)), "all", tmp_path / "chip.om", soc="Ascend910B3", fold=False
    )
    assert {one.name for one in made.manifest.weights} == set(SHAPES)
    assert made.manifest.program is None
    with ab.Bundle.load(made.path) as bundle:
        bundle.update(weights(2))
        np.testing.assert_allclose(bundle.infer(X), answer(weights(2)), rtol=1e-5)


def test_a_bundle_without_a_program_leaves_no_old_one(tmp_path: Path) -> None:
    for fold in (True, False):
        build.compile(model(weights(1)), "all", tmp_path / "chip.om", soc="Ascend310P3", fold=fold)
    assert {one.name for one in tmp_path.iterdir()} == {"chip.om", "chip.om.json"}


def test_other_names_and_what_no_constant_needs(tmp_path: Path) -> None:
    made = build.compile(
        model(weights(1)), "all", tmp_path / "chip.om", soc="Ascend910B3",
        aliases={"tied.weight": "head.weight"}, unused=["*.num_batches_tracked"],
    )  # fmt: skip
    new = {**weights(2), "norm.num_batches_tracked": np.int64(3)}
    new["tied.weight"] = new.pop("head.weight")
    with ab.Bundle.load(made.path) as bundle:
        bundle.update(new)
        np.testing.assert_allclose(bundle.infer(X), answer(weights(2)), rtol=1e-5)


def test_a_program_that_is_given(tmp_path: Path) -> None:
    """What somebody else made of the weights, as a file: GE compiles the graph as it stands."""
    built = build.from_onnx(model(weights(1)), "all")
    compiled = build.from_onnx(model(weights(1)), "all", fold=False)
    assert not built.program.is_plain
    made = build.compile(
        model(weights(1)), None, tmp_path / "chip.om", soc="Ascend910B3", program=compiled.program
    )
    with ab.Bundle.load(made.path) as bundle:
        bundle.update(weights(2))
        np.testing.assert_allclose(bundle.infer(X), answer(weights(2)), rtol=1e-5)
    with pytest.raises(ab.WeightError, match="leave out weights"):
        build.compile(
            model(weights(1)), "all", tmp_path / "two.om", soc="Ascend910B3", program=built.program
        )


def test_a_program_kept_beside_a_bundle_that_was_compiled_without(tmp_path: Path) -> None:
    """GE's names stay in the manifest, the trainer's come with the program."""
    path = tmp_path / "plain.om"
    was = build.compile(model(weights(1)), "all", path, soc="Ascend910B3", fold=False).manifest
    renamed = {f"net.{name}": value for name, value in weights(1).items()}
    build.match(model(weights(1)), renamed).save_beside(path)
    now = om.open_bundle(path).manifest
    assert now is not None
    assert now.weights == was.weights
    assert now.made["options"] == was.made["options"]
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        bundle.update({f"net.{name}": value for name, value in weights(2).items()})
        np.testing.assert_allclose(bundle.infer(X), answer(weights(2)), rtol=1e-5)


def test_a_program_of_the_compiler_is_not_replaced(compiled: Path) -> None:
    found = build.match(model(weights(1)), weights(1))
    with pytest.raises(ab.WeightError, match=r"chip\.om\.json: .* compiled with a weight program"):
        found.save_beside(compiled)
