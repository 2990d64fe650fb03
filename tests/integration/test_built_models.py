"""Whatever a build took on ONNX Runtime, the fake runs on it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build

pytestmark = pytest.mark.usefixtures("fake_acl")

LENIENT = """
<ir_version: 8, opset_import: ["": 17]>
g (float[4] x) => (float[n] y)
<int64[1] four = {4}, int64[1] other = {1}, int64 zero = {0}, int64 one = {1},
 float[4] w = {1, 2, 3, 4}>
{
  rank = Size(other)
  same = Equal(rank, one)
  end = If (same) <then_branch = t () => (a) { a = Identity(four) },
                   else_branch = e () => (b) { b = Identity(other) }>
  steps = Range(zero, end, one)
  added = Cast<to = 1>(steps)
  scaled = Mul(x, w)
  y = Add(scaled, added)
}
"""


def test_a_graph_that_only_the_optimiser_refuses() -> None:
    """It folds the If, and then minds that Range is given one element of rank 1."""
    made = build.from_onnx(onnx.parser.parse_model(LENIENT), ["w"])
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        assert bundle.infer(np.ones(4, np.float32)).tolist() == [1, 3, 5, 7]
        bundle.update({"w": np.zeros(4, np.float32)})
        assert bundle.infer(np.ones(4, np.float32)).tolist() == [0, 1, 2, 3]
