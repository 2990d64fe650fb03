"""Rounding weights in a loaded bundle: what each set does to the answers, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import compare, precision
from acl_bundle.testing import FakeAcl, MakeBundle

pytestmark = pytest.mark.usefixtures("fake_acl")
TOLERANCE = compare.Tolerance(rtol=0, atol=1e-3)
VALUES = {
    "exact": np.array([1, 2, 0.5], np.float32),
    "fine": np.array([0.1, 0.2, 0.3], np.float32),
    "sharp": np.array([1000.1, 1, 1], np.float32),
    "large": np.array([1e6, 1, 1], np.float32),
}


def summed(values: dict[str, Any] = VALUES) -> onnx.ModelProto:
    """y = x * (all weights, added up)."""
    names = list(values)
    nodes = [
        helper.make_node("Sum", names, ["w"]),
        helper.make_node("Mul", ["x", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "summed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def bundle(make_bundle: MakeBundle) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(make_bundle(summed(), list(VALUES), fold=False)) as loaded:
        loaded.init()
        yield loaded


ONE = [{"x": np.ones(3, np.float32)}]


def rounded(bundle: ab.Bundle, dtype: str = "float16", **more: Any) -> precision.RoundedWeights:
    return precision.RoundedWeights(bundle, ONE, dtype, TOLERANCE, **more)


def test_weights_are_sorted_by_what_half_precision_does_to_them(bundle: ab.Bundle) -> None:
    weights = rounded(bundle)
    assert weights.names == ("fine", "sharp")
    assert weights.overflowing == ("large",)
    assert weights.unchanged == ("exact",)
    assert weights.others == ()
    brain = rounded(bundle, "bfloat16")
    assert brain.names == ("fine", "sharp", "large")
    assert weights.nbytes(["fine", "sharp"]) == 24


def test_a_set_is_put_in_by_one_update_of_what_changes(
    bundle: ab.Bundle, fake_acl: FakeAcl
) -> None:
    weights = rounded(bundle)
    versions = [bundle.version]
    for half in ({"sharp"}, {"sharp"}, {"fine"}, set()):
        weights.error(frozenset(half))
        versions.append(bundle.version)
    assert versions == [0, 1, 1, 2, 3]
    for name, value in VALUES.items():
        assert np.array_equal(bundle.read(name), value)


def test_the_error_is_that_of_the_rounded_weights(make_bundle: MakeBundle) -> None:
    small = {name: VALUES[name] for name in ("fine", "sharp")}
    with ab.Bundle.load(make_bundle(summed(small), list(small), fold=False)) as bundle:
        bundle.init()
        weights = rounded(bundle)
        assert weights.error(frozenset()) == 0
        sharp = abs(float(np.float16(1000.1)) - 1000.1) / 1e-3
        assert weights.error(frozenset({"sharp"})) == pytest.approx(sharp, rel=0.01)
        assert weights.error(frozenset({"fine"})) < 0.2
        assert weights.checked(frozenset({"sharp"})) == pytest.approx(sharp, rel=0.01)
        found = precision.smallest(weights.names, weights.error)
        assert found.names == ("sharp",)
        weights.restore()
        assert weights.error(frozenset()) == 0


def test_given_values_are_put_in_first(bundle: ab.Bundle) -> None:
    values = {name: value + 1 for name, value in VALUES.items()}
    weights = rounded(bundle, values=values)
    assert weights.unchanged == ("exact",)
    weights.restore()
    assert np.array_equal(bundle.read("fine"), values["fine"])


def test_a_bundle_without_an_init_graph_needs_values(make_bundle: MakeBundle) -> None:
    file = make_bundle(summed(), list(VALUES), fold=False, init=False)
    with ab.Bundle.load(file) as bundle:
        with pytest.raises(ab.UpdateError, match="float32 value of 'exact' is not known"):
            rounded(bundle)
        assert rounded(bundle, values=VALUES).names == ("fine", "sharp")


def test_wrong_arguments_are_named(bundle: ab.Bundle, make_bundle: MakeBundle) -> None:
    with pytest.raises(ValueError, match="dtype is 'int8'; one of 'float16', 'bfloat16' is right"):
        rounded(bundle, "int8")
    with pytest.raises(ValueError, match="there are no inputs"):
        precision.RoundedWeights(bundle, [], "float16", TOLERANCE)
    ints = {"a": np.arange(3, dtype=np.float64)}
    model = summed(ints)
    for one in (*model.graph.input, *model.graph.output):
        one.type.tensor_type.elem_type = TensorProto.DOUBLE
    with ab.Bundle.load(make_bundle(model, ["a"], fold=False)) as other:
        other.init()
        with pytest.raises(ValueError, match="no float32 weights"):
            precision.RoundedWeights(other, [{"x": np.ones(3)}], "float16", TOLERANCE)


def test_a_failing_update_is_told(bundle: ab.Bundle, fake_acl: FakeAcl) -> None:
    weights = rounded(bundle)
    fake_acl.fail("aclmdlExecute")
    with pytest.raises(ab.AclError):
        weights.error(frozenset({"fine"}))
    assert weights.error(frozenset({"fine"})) == weights.checked(frozenset({"fine"}))
