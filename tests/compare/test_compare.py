"""`compare`: what is said of two arrays, and of two sets of them."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from acl_bundle import compare

INF, NAN = math.inf, math.nan
NUMBERS = (np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.uint64, np.bool_)


def pairs() -> st.SearchStrategy[Any]:
    """Two arrays of one shape, of any dtypes, many of whose elements are equal."""
    shape = arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)

    def of(dims: tuple[int, ...]) -> st.SearchStrategy[Any]:
        one = st.sampled_from(NUMBERS).flatmap(lambda dtype: arrays_of.arrays(dtype, dims))
        return st.tuples(one, one)

    return shape.flatmap(of)


def exact(value: Any) -> float | int:
    found = value.item()
    return int(found) if isinstance(found, bool) else found


@settings(deadline=None)
@given(pairs(), st.sampled_from([0.0, 1e-3, 1.0]), st.sampled_from([0.0, 1e-5, 2.0]))
def test_every_fact_is_what_numbers_of_python_say(
    pair: tuple[Any, Any], rtol: float, atol: float
) -> None:
    a, b = pair
    row = compare.arrays(a, b, rtol=rtol, atol=atol, worst=1000)
    kinds = {a.dtype.kind, b.dtype.kind}
    if "f" not in kinds:
        rtol, atol = 0, 0 if "b" in kinds else atol
    differing, beyond, distances = [], [], {}
    for index in np.ndindex(a.shape):
        x, y = exact(a[index]), exact(b[index])
        if x == y or (x != x and y != y):  # noqa: PLR0124
            continue
        apart = abs(x - y) if math.isfinite(x) and math.isfinite(y) else INF
        differing.append(index)
        distances[index] = float(apart)
        if apart > (atol + rtol * abs(y) if math.isfinite(y) else 0):
            beyond.append(index)
    assert (row.differing, row.beyond) == (len(differing), len(beyond))
    assert row.result == ("beyond" if beyond else "within" if differing else "equal")
    most = None if a.size == 0 else pytest.approx(max(distances.values(), default=0))
    assert row.max_abs == most
    assert {one.at for one in row.worst} == {*differing}
    assert {one.at for one in row.worst[: len(beyond)]} == {*beyond}
    for one in row.worst:
        assert one.absolute == pytest.approx(distances[one.at])
        both = exact(a[one.at]), exact(b[one.at])
        assert (one.a, one.b) == pytest.approx(both, nan_ok=True)
    if differing:
        assert distances[row.max_abs_at] == pytest.approx(max(distances.values()))
    assert row.nan_a == sum(exact(one) != exact(one) for one in a.flat)


def place(values: Any, shaped: Any) -> tuple[int, ...]:
    """Where the largest of flat values is in an array."""
    return tuple(map(int, np.unravel_index(values.argmax(), shaped.shape)))


def test_norms_and_cosine_are_those_of_vectors() -> None:
    rng = np.random.default_rng(3)
    a = rng.standard_normal((40, 1001)).astype(np.float32)
    b = (a + rng.standard_normal(a.shape) * 1e-3).astype(np.float32)
    row = compare.arrays(a, b)
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    assert row.l2 == pytest.approx(np.linalg.norm(x - y))
    assert row.relative_l2 == pytest.approx(np.linalg.norm(x - y) / np.linalg.norm(y))
    assert row.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-12)
    relative = np.abs(x - y) / np.abs(y)
    assert row.max_relative == pytest.approx(relative.max())
    assert row.max_relative_at == place(relative, a)
    assert row.max_abs_at == place(np.abs(x - y), a)


def test_the_worst_are_those_that_need_the_most_tolerance() -> None:
    a = np.zeros(30000)
    a[[7, 20000, 29999]] = [1, 3, 2]
    b = np.zeros(30000)
    b[5:7] = 1000
    a[5:7] = [1000.5, 1010]
    row = compare.arrays(a, b, rtol=1e-3, atol=0, worst=3)
    assert [one.at for one in row.worst] == [(6,), (20000,), (29999,)]
    assert (row.beyond, row.differing) == (4, 5)
    assert (row.worst[0].relative, row.worst[1].relative) == (0.01, None)


@pytest.mark.parametrize(
    ("a", "b", "result", "counts"),
    [
        ([NAN, INF, -INF], [NAN, INF, -INF], "equal", (0, 0, 1, 1)),
        ([NAN, 1.0], [1.0, 1.0], "beyond", (1, 1, 1, 0)),
        ([INF, 1.0], [1.0, 1.0], "beyond", (1, 1, 0, 0)),
        ([1.0, 1.0], [INF, 1.0], "beyond", (1, 1, 0, 0)),
        ([INF], [-INF], "beyond", (1, 1, 0, 0)),
    ],
)
def test_what_is_not_finite(
    a: list[float], b: list[float], result: str, counts: tuple[int, ...]
) -> None:
    row = compare.arrays(np.array(a), np.array(b), rtol=1e3, atol=1e3)
    assert (row.result, row.differing, row.beyond, row.nan_a, row.nan_b) == (result, *counts)
    assert row.l2 == (INF if counts[0] else 0)
    assert row.max_abs == row.max_relative == (INF if counts[0] else 0)


def test_no_dimensions_and_no_elements() -> None:
    one = compare.arrays(np.float32(2), np.array(1, np.float32))
    assert (one.result, one.max_abs, one.max_abs_at, one.cosine) == ("beyond", 1, (), 1)
    none = compare.arrays(np.zeros((0, 3)), np.zeros((0, 3)))
    assert (none.result, none.max_abs, none.l2, none.cosine) == ("equal", None, None, None)
    assert compare.arrays(np.zeros((0, 3)), np.zeros((0, 4))).result == "shape"
    assert compare.arrays(np.zeros(1), np.zeros(())).result == "shape"


def test_integers_are_compared_whole_and_by_atol_alone() -> None:
    a, b = np.array([1001, 2**62 + 1]), np.array([1000, 2**62])
    assert compare.arrays(a, b, rtol=1).beyond == 2
    assert compare.arrays(a, b, rtol=1, atol=1).result == "within"
    assert compare.arrays(np.array([True]), np.array([False]), atol=5).result == "beyond"
    high = np.array([2**64 - 1], np.uint64), np.array([-1], np.int64)
    assert compare.arrays(*high, atol=1e3).max_abs == 2.0**64


def test_dtypes_may_differ_and_are_told() -> None:
    values = np.array([1, 2, 3.0])
    row = compare.arrays(values.astype(ml_dtypes.bfloat16), values.astype(np.float32))
    assert (row.result, str(row.a), str(row.b)) == ("equal", "bfloat16[3]", "float32[3]")
    assert compare.arrays(np.array([1 + 2j]), np.array([1 + 2.5j])).max_abs == 0.5
    assert compare.arrays(values.astype(">f4"), values).result == "equal"


def test_zero_vectors() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert compare.arrays(zero, zero).cosine == 1
    assert compare.arrays(one, zero).cosine == 0
    row = compare.arrays(one, zero)
    assert (row.relative_l2, row.max_relative) == (None, None)


def test_sets_meet_by_name_in_the_first_ones_order() -> None:
    a = {"y": np.ones(2), "z": np.zeros(2), "mine": np.ones(1)}
    b = {"z": np.zeros(2), "theirs": np.ones(1), "y": np.ones(2) * 2}
    found = compare.outputs(a, b)
    said = [(row.name, row.result) for row in found]
    assert said == [
        ("y", "beyond"), ("z", "equal"), ("mine", "only in a"), ("theirs", "only in b"),
    ]  # fmt: skip
    assert not found.within
    assert found.title == "3 of 4 outputs differ beyond rtol 0.001, atol 1e-05"
    assert compare.outputs(a, b, match={"mine": "theirs"}).rows[2].result == "equal"


def test_a_message_has_the_worst_elements() -> None:
    found = compare.outputs({"y": np.array([1, 2.5, 3])}, {"y": np.array([1, 2, 3.0])})
    assert str(found) == (
        "1 of 1 outputs differ beyond rtol 0.001, atol 1e-05\n"
        "  y: beyond; of 1 elements that differ 1 are beyond, by at most 0.5, at [1]\n"
        "    [1]: 2.5 beside 2.0, 0.5 apart"
    )


def test_titles() -> None:
    y, near = {"y": np.ones(2)}, {"y": np.ones(2) + 1e-6}
    assert compare.outputs(y, y).title == "1 of 1 outputs are equal"
    close = compare.outputs(y, near)
    assert close.title == "1 of 1 outputs agree within rtol 0.001, atol 1e-05"
    assert close.within


def test_other_names_meet_in_order_where_shapes_agree() -> None:
    a = {"Gemm_1:0": np.ones((2, 3)), "Arg:0": np.ones(2)}
    found = compare.outputs(a, {"y": np.ones((2, 3)), "best": np.ones(2)})
    assert [(row.name, row.name_b) for row in found] == [("Gemm_1:0", "y"), ("Arg:0", "best")]
    assert found.within
    said = "no name in common: a has 'Gemm_1:0', 'Arg:0', b has 'y'"
    with pytest.raises(ValueError, match=said):
        compare.outputs(a, {"y": np.ones((2, 3))})


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"x": "y"}, "match names 'x', but a has 'y', 'z'"),
        ({"y": "x"}, "match names 'x', but b has 'y', 'z'"),
        ({"y": "z", "z": "z"}, "match names 'z' of b twice"),
    ],
)
def test_a_wrong_match(match: dict[str, str], said: str) -> None:
    both = {"y": np.ones(1), "z": np.ones(1)}
    with pytest.raises(ValueError, match=said):
        compare.outputs(both, both, match=match)


@pytest.mark.parametrize("value", [-1, NAN, INF, "x"])
def test_a_wrong_tolerance(value: Any) -> None:
    with pytest.raises(ValueError, match=r"rtol is .*; a number from 0 is right"):
        compare.arrays(np.ones(1), np.ones(1), rtol=value)


def test_what_is_no_number() -> None:
    with pytest.raises(TypeError, match=r"output 'y' has dtype <U1; numbers or booleans are right"):
        compare.outputs({"y": np.array(["a"])}, {"y": np.array([1])})
    with pytest.raises(ValueError, match="nothing to compare"):
        compare.outputs({}, {})
