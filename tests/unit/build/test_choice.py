"""Weights chosen by pattern, and "all": what a trainer has, and nothing else."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from acl_bundle import build
from acl_bundle.errors import WeightError

pytestmark = pytest.mark.filterwarnings("ignore:'val_1'. the exporter made up")


def model(**constants):
    """A sum of constants of one shape, each called as its keyword with dots for ``__``."""
    node, floats = onnx.helper.make_node, onnx.TensorProto.FLOAT
    names = [name.replace("__", ".") for name in constants]
    nodes, last = [], "x"
    for number, name in enumerate(names):
        nodes.append(node("Mul", [last, name], [f"m{number}"]))
        last = f"m{number}"
    nodes.append(node("Identity", [last], ["y"]))
    graph = onnx.helper.make_graph(
        nodes, "g",
        [onnx.helper.make_tensor_value_info("x", floats, (2,))],
        [onnx.helper.make_tensor_value_info("y", floats, (2,))],
        [onnx.numpy_helper.from_array(np.asarray(value), name)
         for name, value in zip(names, constants.values(), strict=True)],
    )  # fmt: skip
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


ONES = np.ones(2, np.float32)
MODEL = model(
    fc1__weight=ONES, fc1__bias=ONES, fc2__weight=ONES, val_0=ONES, val_1=ONES * np.float32([1, 2]),
    scale=np.float32(2),
)  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("*", ["fc1.weight", "fc1.bias", "fc2.weight", "val_0"]),
        ("fc1.*", ["fc1.weight", "fc1.bias"]),
        (["fc2.weight", "*.weight"], ["fc2.weight", "fc1.weight"]),
        (["fc?.bias", "fc1.*"], ["fc1.bias", "fc1.weight"]),
        (["*.weight", "fc1.weight"], ["fc2.weight", "fc1.weight"]),
        (["scale", "*.bias"], ["scale", "fc1.bias"]),
    ],
)
def test_patterns_stand_for_what_they_match(choice, names):
    """In the graph's order, each weight once; a name beside a pattern keeps its place."""
    given = MODEL
    found = list(build.from_onnx(given, choice).weights)
    assert [one for one in found if not one.startswith("val_1")] == names


def test_a_pattern_that_matches_nothing_is_refused():
    with pytest.raises(WeightError, match=r"pattern 'fc3\.\*' matches no .*'fc1\.weight'"):
        build.from_onnx(MODEL, ["fc3.*"])


def test_a_name_with_a_bracket_is_a_name_first():
    named = model(**{"w[0]": ONES, "w0": ONES})
    assert list(build.from_onnx(named, ["w[0]"]).weights) == ["w[0]"]


def test_all_leaves_out_what_no_trainer_has():
    """An exporter's name and one number throughout: a zero state, a scale."""
    assert "val_0" not in build.from_onnx(MODEL, "all").weights
    assert "fc1.weight" in build.from_onnx(MODEL, "all").weights
