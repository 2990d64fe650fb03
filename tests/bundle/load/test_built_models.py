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


SPECTRUM = """
<ir_version: 8, opset_import: ["": 17]>
g (float[1, 128, 1] x) => (float[b, f, n, c] y)
<int64 step = {8}, int64 length = {16}, float[1] w = {2}>
{
  scaled = Mul(x, w)
  y = STFT(scaled, step, "", length)
}
"""

TURNED = """
<ir_version: 8, opset_import: ["": 17]>
g (float16[2, 4, 3] x) => (float[4, 2, 2] y)
<float[3, 2] w = {1, 2, 3, 4, 5, 6}>
{
  turned = Transpose<perm = [1, 0, 2]>(x)
  wide = Cast<to = 1>(turned)
  y = MatMul(wide, w)
}
"""

NESTED = """
<ir_version: 8, opset_import: ["": 17]>
g (float[3] x) => (float[3] y)
<float[3] w = {1, 2, 3}, int64 zero = {0}, int64 one = {1}>
{
  a = Mul(x, w)
  outer = Equal(zero, one)
  y = If (outer) <
    then_branch = t () => (float[3] p) { p = Identity(a) },
    else_branch = e () => (float[3] q) {
      inner = Equal(one, one)
      q = If (inner) <
        then_branch = tt () => (float[3] r) {
          size = Size(a)
          single = Equal(size, one)
          r = If (single) <then_branch = ttt () => (float[3] u) { u = Identity(a) },
                           else_branch = eee () => (float[3] v) { v = Neg(a) }>
        },
        else_branch = ee () => (float[3] s) { s = Abs(a) }>
    }>
}
"""


def test_a_spectrum_is_one_sided_unless_it_says_otherwise() -> None:
    """ONNX's shape inference takes an attribute that is left out for the other value."""
    made = build.from_onnx(onnx.parser.parse_model(SPECTRUM), ["w"])
    assert made.outputs[0].dims == (1, 15, 9, 2)
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        found = bundle.infer(np.ones((1, 128, 1), np.float32))
        assert found[0, :, 0, 0].tolist() == [32] * 15


def test_a_graph_that_only_the_optimiser_refuses() -> None:
    """It folds the If, and then minds that Range is given one element of rank 1."""
    made = build.from_onnx(onnx.parser.parse_model(LENIENT), ["w"])
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        assert bundle.infer(np.ones(4, np.float32)).tolist() == [1, 3, 5, 7]
        bundle.update({"w": np.zeros(4, np.float32)})
        assert bundle.infer(np.ones(4, np.float32)).tolist() == [0, 1, 2, 3]


def test_a_graph_that_ends_the_optimiser_of_some_releases() -> None:
    """An LSTM with the batch first in half precision, and a Linear in float32, hold it."""
    made = build.from_onnx(onnx.parser.parse_model(TURNED), ["w"])
    x = np.arange(24).reshape(2, 4, 3).astype(np.float16)
    w = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        assert (bundle.infer(x) == np.moveaxis(x, 0, 1).astype(np.float32) @ w).all()


def test_ifs_in_ifs_that_end_the_constant_folding_of_some_releases() -> None:
    made = build.from_onnx(onnx.parser.parse_model(NESTED), ["w"])
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        assert bundle.infer(np.ones(3, np.float32)).tolist() == [-1, -2, -3]
