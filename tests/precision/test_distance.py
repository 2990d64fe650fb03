"""One number for how far two answers are apart, and it agrees with `acl_bundle.compare`."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from acl_bundle import compare
from acl_bundle.precision._distance import part

FLOATS = st.floats(width=32) | st.sampled_from([0.0, float("nan"), float("inf"), -float("inf")])
DTYPES = st.sampled_from([np.float32, np.float64, np.int8, np.int64, np.bool_])
PAIRS = DTYPES.flatmap(
    lambda dtype: st.integers(0, 6).flatmap(
        lambda size: st.tuples(*[arrays.arrays(dtype, size)] * 2)
    )
)


@given(PAIRS, st.sampled_from([0.0, 1e-3, 1.0]), st.sampled_from([0.0, 1.0, 3.0]))
def test_up_to_1_is_what_compare_calls_within(pair: Any, rtol: float, atol: float) -> None:
    found = part({"y": pair[0]}, {"y": pair[1]}, compare.Tolerance(rtol, atol))
    told = compare.arrays(*pair, rtol=rtol, atol=atol)
    assert found >= 0
    if abs(found - 1) > 1e-6:
        assert (found <= 1) == told.within


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.5], [1.0], 5.0),
        ([1.0, 1.1], [1.0, 1.0], 1.0),
        ([np.nan], [np.nan], 0.0),
        ([np.inf], [np.inf], 0.0),
        ([np.inf], [-np.inf], np.inf),
        ([np.nan], [1.0], np.inf),
        ([1.0], [np.inf], np.inf),
        ([], [], 0.0),
    ],
)
def test_the_worst_element_counts(a: list[float], b: list[float], expected: float) -> None:
    tolerance = compare.Tolerance(rtol=0.05, atol=0.05)
    found = part({"y": np.array(a)}, {"y": np.array(b)}, tolerance)
    assert found == pytest.approx(expected)


def test_narrow_floats_are_compared_by_value() -> None:
    x = np.array([1, 2], ml_dtypes.bfloat16)
    assert part({"y": x}, {"y": x * 2}, compare.Tolerance(rtol=1, atol=0)) == 0.5


def test_of_several_outputs_the_worst_counts_and_another_shape_is_infinitely_far() -> None:
    one, tolerance = np.ones(2), compare.Tolerance(0, 1)
    assert part({"a": one, "b": one + 3}, {"a": one, "b": one}, tolerance) == 3
    assert part({"a": np.ones(3)}, {"a": one}, tolerance) == np.inf
