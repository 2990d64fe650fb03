"""Weights by pattern: what it matches and looks like a weight, in the graph's order."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from acl_bundle import build
from acl_bundle.errors import WeightError

node = onnx.helper.make_node


@pytest.fixture
def model(make_model):
    """Weights fc1.w, fc2.w and a[0]; fc.shape is read as a shape, fc.one is a scalar."""
    return make_model(
        [
            node("MatMul", ["x", "fc2.w"], ["h"]), node("MatMul", ["h", "fc1.w"], ["g"]),
            node("Mul", ["g", "a[0]"], ["m"]), node("Mul", ["m", "fc.one"], ["r"]),
            node("Reshape", ["r", "fc.shape"], ["y"]),
        ],
        {"x": (1, [2, 2])}, {"y": (1, [4])},
        {
            "fc2.w": np.ones((2, 2), "f4"), "fc1.w": np.ones((2, 2), "f4"),
            "a[0]": np.ones(2, "f4"), "fc.one": np.float32(1), "fc.shape": np.int64([4]),
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "chosen"),
    [
        (["fc*"], ["fc2.w", "fc1.w"]),
        (["*"], ["fc2.w", "fc1.w", "a[0]"]),
        (["fc1.w", "fc*"], ["fc1.w", "fc2.w"]),
        (["fc[1].?", "*"], ["fc1.w", "fc2.w", "a[0]"]),
        (["a[0]"], ["a[0]"]),
        (["fc*", "fc.one"], ["fc2.w", "fc1.w", "fc.one"]),
        (["fc*", "fc1.w"], ["fc2.w", "fc1.w"]),
    ],
)
def test_a_pattern_takes_what_looks_like_a_weight(model, weights, chosen):
    """A name counts as it is, though it has such a character or was matched before."""
    assert list(build.from_onnx(model, weights, fold=False).weights) == chosen


@pytest.mark.parametrize("pattern", ["q*", "fc.shape*", "fc.[os]*"])
def test_a_pattern_that_takes_nothing_is_refused(model, pattern):
    """It is a slip of the pen."""
    with pytest.raises(WeightError, match="matches no floating-point constant of rank 1 or more"):
        build.from_onnx(model, [pattern])
