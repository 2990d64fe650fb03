"""Updates by a trainer's names, where the graph holds what a weight program makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

import acl_bundle as ab
from acl_bundle import build, fake

from ..lazy import Made

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOWS = ("owned", "library")
X = np.random.default_rng(0).standard_normal((2, 3, 5, 5), np.float32)
SHAPES: dict[str, tuple[int, ...]] = {
    "conv.weight": (4, 3, 3, 3), "conv.bias": (4,), "bn.weight": (4,), "bn.bias": (4,),
    "bn.running_mean": (4,), "bn.running_var": (4,), "fc.weight": (2, 4),
}  # fmt: skip
NAMES = tuple(SHAPES)


def values(seed: int) -> dict[str, Any]:
    """A whole set of weights."""
    rng = np.random.default_rng(seed)
    made: dict[str, Any] = {n: rng.standard_normal(s, np.float32) for n, s in SHAPES.items()}
    made["bn.running_var"] = np.abs(made["bn.running_var"]) + 0.5
    return made


def network(weights: Mapping[str, Any]) -> onnx.ModelProto:
    """A convolution, a BatchNormalization and a product with a transposed matrix."""
    node, floats = onnx.helper.make_node, onnx.TensorProto.FLOAT
    norm = ["c", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    graph = onnx.helper.make_graph(
        [
            node("Conv", ["x", "conv.weight", "conv.bias"], ["c"], pads=[1, 1, 1, 1]),
            node("BatchNormalization", norm, ["n"]),
            node("Relu", ["n"], ["r"]),
            node("ReduceMean", ["r"], ["m"], axes=[2, 3], keepdims=0),
            node("Transpose", ["fc.weight"], ["t"]),
            node("MatMul", ["m", "t"], ["y"]),
        ],
        "g",
        [onnx.helper.make_tensor_value_info("x", floats, X.shape)],
        [onnx.helper.make_tensor_value_info("y", floats, (2, 2))],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


def answer(weights: Mapping[str, Any]) -> Any:
    """What the network gives with these weights, by ONNX Runtime alone."""
    session = ort.InferenceSession(network(weights).SerializeToString())
    return session.run(None, {"x": X})[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    built = build.from_onnx(
        network(values(0)), list(NAMES), aliases={"head.weight": "fc.weight"},
        unused=["*.num_batches_tracked"],
    )  # fmt: skip
    return built.save(tmp_path / "net.om")


@pytest.fixture(params=FLOWS)
def bundle(path: Path, request: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(path, variables=request.param) as loaded:
        loaded.init()
        yield loaded


def check(bundle: ab.Bundle, weights: Mapping[str, Any]) -> None:
    np.testing.assert_allclose(bundle.infer(X), answer(weights), rtol=1e-5, atol=1e-6)


def test_the_weights_are_the_trainers_and_the_graph_computes_none_of_it(path: Path) -> None:
    with ab.Bundle.load(path) as bundle:
        assert tuple(spec.name for spec in bundle.update.weights) == NAMES
        assert tuple(bundle.weights) == NAMES
        infer = bundle.graphs[0]
        assert infer.role == "infer"
    file = ab.om.open(path)
    assert isinstance(file, ab.om.Bundle)
    kinds = {node.type for node in file.models[0].graphs[0].nodes}
    assert {"BatchNormalization", "Transpose"}.isdisjoint(kinds)


def test_full_and_partial_updates_give_the_networks_answer(bundle: ab.Bundle) -> None:
    rng, now = np.random.default_rng(1), values(0)
    check(bundle, now)
    for seed in range(1, 12):
        given = values(seed)
        if seed % 3:
            some = rng.choice(NAMES, int(rng.integers(1, len(NAMES))), replace=False)
            given = {name: given[name] for name in some}
        report = bundle.update(given)
        now |= given
        assert report.changed == tuple(name for name in NAMES if name in given)
        check(bundle, now)


def test_init_goes_back_to_the_first_values_of_what_is_joined(bundle: ab.Bundle) -> None:
    bundle.update(values(1))
    bundle.init()
    given = {"bn.weight": values(2)["bn.weight"]}
    bundle.update(given)
    check(bundle, values(0) | given)


def test_a_snapshot_brings_back_what_later_updates_join(bundle: ab.Bundle) -> None:
    bundle.update(values(1))
    with bundle.snapshot() as saved:
        bundle.update(values(2))
        bundle.restore(saved)
    given = {"bn.running_mean": values(3)["bn.running_mean"]}
    bundle.update(given)
    check(bundle, values(1) | given)


@pytest.mark.parametrize("function", ["aclmdlExecute", "aclrtMemcpy"])
def test_a_failed_update_is_not_what_later_ones_join(bundle: ab.Bundle, function: str) -> None:
    bundle.update(values(1))
    fake.fail(function, 1, 507011)
    with pytest.raises(ab.AclError):
        bundle.update({"bn.bias": values(2)["bn.bias"]})
    given = {"conv.bias": values(3)["conv.bias"]}
    bundle.update(given)
    check(bundle, values(1) | given)


def test_what_belongs_together_is_named_when_a_part_of_it_is_missing(path: Path) -> None:
    with ab.Bundle.load(path) as bundle:
        given = values(1)
        del given["bn.running_var"]
        with pytest.raises(ab.WeightError, match=r"no last value of 'bn.running_var'.*init\(\)"):
            bundle.update(given)
        assert bundle.version is None
        bundle.update(values(2), keep="none")
        with pytest.raises(ab.WeightError, match=r"no last value of 'bn.weight', 'bn.running_var'"):
            bundle.update({"conv.weight": values(3)["conv.weight"]})
        with pytest.raises(ab.WeightError, match="no last value of"):
            bundle.update.plan({"conv.weight": values(3)["conv.weight"]})
        bundle.update({"fc.weight": values(3)["fc.weight"]})
        check(bundle, values(2) | {"fc.weight": values(3)["fc.weight"]})


def test_the_caller_may_write_into_its_arrays_after_the_update(bundle: ab.Bundle) -> None:
    given = values(1)
    bundle.update(given)
    for one in given.values():
        one[...] = np.nan
    part = {"bn.bias": values(2)["bn.bias"]}
    bundle.update(part)
    check(bundle, values(1) | part)


def test_lazy_weights_of_wider_dtypes_under_other_names(bundle: ab.Bundle) -> None:
    new = values(1)
    given: dict[str, Any] = {name: value.astype(np.float64) for name, value in new.items()}
    given["head.weight"] = given.pop("fc.weight")
    given["bn.num_batches_tracked"] = np.int64(3)
    report = bundle.update(Made(given), cast="same_kind")
    check(bundle, new)
    assert report.ignored == ("bn.num_batches_tracked",)
    assert report.changed == NAMES
    assert set(report.casts) == set(NAMES)


def test_unknown_names_are_refused_beside_unused_ones(bundle: ab.Bundle) -> None:
    extra = {"bn.num_batches_tracked": np.int64(3)}
    with pytest.raises(ab.WeightError, match=r"no weight 'bn.momentum'"):
        bundle.update(values(1) | extra | {"bn.momentum": np.ones(1, np.float32)})
    with pytest.raises(ab.WeightError, match="num_batches_tracked"):
        bundle.update(values(1) | extra, unknown="error")
    bundle.update(values(1) | extra)
    check(bundle, values(1))


def test_two_names_of_one_weight(bundle: ab.Bundle) -> None:
    new, other = values(1), values(2)
    bundle.update({"head.weight": new["fc.weight"]})
    check(bundle, values(0) | {"fc.weight": new["fc.weight"]})
    bundle.update({"head.weight": other["fc.weight"], "fc.weight": other["fc.weight"].copy()})
    check(bundle, values(0) | {"fc.weight": other["fc.weight"]})
    with pytest.raises(ab.WeightError, match=r"'head.weight' and 'fc.weight' are two names"):
        bundle.update({"head.weight": new["fc.weight"], "fc.weight": other["fc.weight"]})
    check(bundle, values(0) | {"fc.weight": other["fc.weight"]})


def test_what_is_not_finite_is_told_of_the_weight_that_was_given(bundle: ab.Bundle) -> None:
    given = values(1)
    given["bn.bias"][1] = np.nan
    given["fc.weight"][0, 2] = np.inf
    with pytest.raises(ab.WeightError, match=r"'bn.bias' has 1.*'fc.weight' has 1"):
        bundle.update(given, finite=True)
    check(bundle, values(0))


def test_what_a_cast_makes_infinite_is_told_of_the_weight_that_was_given(bundle: ab.Bundle) -> None:
    """Of one that is computed with, and of one that is only moved."""
    given = {name: value.astype(np.float64) for name, value in values(1).items()}
    given["bn.bias"][1] = 1e300
    given["fc.weight"][0, 2] = -1e300
    wanted = r"'bn.bias' has 1 \(by the cast from float64 to float32\).*'fc.weight' has 1 \(by the"
    with pytest.raises(ab.WeightError, match=wanted):
        bundle.update(given, cast="same_kind", finite=True)
    check(bundle, values(0))
    with pytest.warns(RuntimeWarning, match="became infinite"):
        report = bundle.update(given, cast="same_kind")
    assert report.nonfinite == {"bn.bias": 1, "fc.weight": 1}


def test_what_the_program_makes_of_finite_values_is_told_with_its_sources(
    bundle: ab.Bundle,
) -> None:
    given = values(1)
    given["bn.running_var"][1] = -5
    wanted = r"', made of '.*'bn.running_var'.*, has [0-9]+, the first at"
    with pytest.raises(ab.WeightError, match=wanted):
        bundle.update(given, finite=True)
    check(bundle, values(0))


def test_shapes_are_those_of_the_weights(bundle: ab.Bundle) -> None:
    with pytest.raises(
        ab.WeightError, match=r"'fc.weight' has shape \(4, 2\); it must be \(2, 4\)"
    ):
        bundle.update({"fc.weight": np.ones((4, 2), np.float32)})


def test_the_table_says_what_is_made_of_what(bundle: ab.Bundle) -> None:
    table = bundle.update.derived
    assert [piece.constant.name for piece in table] == [
        "conv.weight_folded", "bn.bias_folded", "t"
    ]  # fmt: skip
    assert "fc.weight -> transpose(perm=[1, 0]) -> t: float32[4, 2], 32 bytes" in str(table)
    assert bundle.update.aliases == {"head.weight": "fc.weight"}
    assert bundle.update.unused == ("*.num_batches_tracked",)


def test_unchanged_weights_are_known_by_the_trainers_names(bundle: ab.Bundle) -> None:
    given = values(1)
    bundle.update(given, skip_unchanged=True)
    changed = given | {"bn.bias": values(2)["bn.bias"]}
    report = bundle.update(changed, skip_unchanged=True)
    assert report.changed == ("bn.bias",)
    check(bundle, changed)


def test_versions_are_told_by_the_trainers_names(bundle: ab.Bundle) -> None:
    bundle.update({"bn.bias": values(1)["bn.bias"]}, version="later")
    told = {name: state.version for name, state in bundle.weights.items()}
    assert told == dict.fromkeys(NAMES, 0) | {"bn.bias": "later"}


def test_a_pair_takes_them_on_both_sides(path: Path) -> None:
    with ab.Pair.load(path) as pair:
        pair.init()
        now = values(0)
        for seed in range(1, 6):
            given = {name: values(seed)[name] for name in NAMES[seed % 3 :: 2]}
            pair.update(given)
            now |= given
            np.testing.assert_allclose(pair.infer(X), answer(now), rtol=1e-5, atol=1e-6)


def test_a_poisoned_bundle_is_healed_by_every_weight(path: Path) -> None:
    with ab.Bundle.load(path) as bundle:
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="mixture"):
            bundle.update(values(1))
        with pytest.raises(ab.PoisonedError, match=r"leaves out conv.weight, conv.bias, bn.weight"):
            bundle.update({n: v for n, v in values(2).items() if n == "fc.weight"})
        bundle.update(values(3))
        check(bundle, values(3))
