"""Tuples of columns, and whether variables lie one behind another, beside the same in Python."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from acl_bundle.om import Variable
from acl_bundle.om._bytes.objects import placed

SIZES = {0: 4, 1: 2, 99: 0}
MOST = (1 << 64) - 1
sizes = st.integers(0, 5) | st.sampled_from([1 << 31, 1 << 40, 1 << 63, 1 << 64, -1])
rows = st.tuples(
    st.text(max_size=3),
    st.sampled_from([*SIZES]),
    st.none() | st.lists(sizes, max_size=3).map(tuple),
    st.none() | st.integers(0, 300) | st.sampled_from([-1, 1 << 63, MOST, 1 << 64]),
    st.text(max_size=3),
)


def columns(each: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*each, strict=True))) if each else ([], [], [], [], [])


def lie_in_order(each: list[tuple[Any, ...]], most: int) -> bool:
    end = 0
    for _, dtype, shape, offset, _ in each:
        if offset is None:
            continue
        dims = () if shape is None else shape
        first = 0 if shape is None else SIZES[dtype]
        products = [first * math.prod(dims[:at]) for at in range(len(dims) + 1)]
        known = all(0 <= dim <= MOST for dim in dims) and max(products) <= MOST
        nbytes = products[-1]
        if not known or not end <= offset <= MOST - nbytes:
            return False
        end = offset + nbytes
    return end <= most


@given(st.lists(rows, max_size=5), st.integers(0, 600) | st.just(MOST))
@example([("a", 0, (1,), 0, "a"), ("b", 0, None, 4, "b"), ("c", 1, (2,), 4, "c")], 8)
@example([("a", 0, (1,), 0, "a"), ("b", 0, (1,), 3, "b")], 8)
def test_rows(each: list[tuple[Any, ...]], most: int) -> None:
    made, in_order = placed(Variable, columns(each), SIZES, most)
    assert made == [Variable(*row) for row in each]
    assert all(type(one) is Variable for one in made)
    assert [*map(hash, made)] == [*map(hash, each)]
    assert bool(in_order) == lie_in_order(each, most)


def test_a_type_without_a_size_is_nowhere() -> None:
    made, in_order = placed(Variable, columns([("a", 7, (1,), 0, "a")]), SIZES, 100)
    assert (made, in_order) == ([Variable("a", 7, (1,), 0, "a")], 0)


@pytest.mark.parametrize("odd", [([1], [0], [None], []), ([1], [0], [None]), ()])
def test_columns_of_several_lengths(odd: tuple[list[Any], ...]) -> None:
    with pytest.raises(ValueError, match="not equally long, or too few"):
        placed(Variable, odd, SIZES, 0)
