"""The search: what it finds for errors that add up, that come from one, from pairs, or anyhow."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acl_bundle.precision import SmallestSet, smallest

Sets = frozenset[str]


def names(count: int) -> list[str]:
    return [f"w{at}" for at in range(count)]


def found(every: list[str], error: Callable[[Sets], float]) -> SmallestSet:
    """Search, and hold the answer to what is promised of any error."""
    asked: list[Sets] = []

    def told(inexact: Sets) -> float:
        assert inexact not in asked, "a set is tried once"
        asked.append(inexact)
        return error(inexact)

    answer = smallest(every, told)
    assert answer.tried == len(asked)
    if not answer.met:
        assert error(frozenset()) > 1
        return answer
    kept = set(answer.names)
    others = frozenset(every) - kept
    assert others in asked, "the whole set was tried"
    assert error(others) == answer.error <= 1
    assert answer.whole == error(frozenset(every))
    for one in answer.kept:
        assert one.alone == error(frozenset((one.name,)))
        assert one.added == error(others | {one.name}) > 1, "none can be left out"
    return answer


def added_up(errors: Mapping[str, float]) -> Callable[[Sets], float]:
    return lambda inexact: math.fsum(errors[name] for name in inexact)


@given(st.lists(st.floats(0, 2), max_size=40))
def test_where_errors_add_up_no_set_is_smaller(errors: list[float]) -> None:
    by_name = dict(zip(names(len(errors)), errors, strict=True))
    answer = found(list(by_name), added_up(by_name))
    left, fewest = sorted(errors, reverse=True), 0
    while math.fsum(left[fewest:]) > 1:
        fewest += 1
    assert len(answer.kept) == fewest


@given(st.integers(1, 600), st.data())
def test_one_culprit_is_found_in_few_tries(count: int, data: st.DataObject) -> None:
    culprit = f"w{data.draw(st.integers(0, count - 1))}"
    answer = found(names(count), lambda inexact: 5.0 if culprit in inexact else 0.0)
    assert answer.names == (culprit,)
    assert answer.tried <= 3 * math.log2(count) + 6


@given(st.integers(1, 60), st.data())
def test_many_culprits_are_all_found(count: int, data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.sampled_from(names(count)), min_size=1))
    answer = found(names(count), lambda inexact: float("inf") if inexact & culprits else 0.1)
    assert set(answer.names) == culprits


@given(st.integers(0, 60))
def test_nothing_must_stay_where_everything_fits(count: int) -> None:
    answer = found(names(count), lambda inexact: len(inexact) / max(count, 1))
    assert answer.kept == ()
    assert answer.tried == 1


@given(st.integers(2, 80), st.data())
def test_of_two_that_fail_together_one_stays(count: int, data: st.DataObject) -> None:
    pair = data.draw(st.sets(st.sampled_from(names(count)), min_size=2, max_size=2))
    answer = found(names(count), lambda inexact: 3.0 if pair <= inexact else 0.0)
    assert len(answer.kept) == 1
    assert set(answer.names) < pair


@given(st.integers(2, 40), st.data())
def test_of_many_pairs_one_each_stays(count: int, data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(names(count)))
    pairs = [set(mixed[at : at + 2]) for at in range(0, count - 1, 2)]
    answer = found(names(count), lambda inexact: max(3.0 * (one <= inexact) for one in pairs))
    assert len(answer.kept) == len(pairs)


@settings(max_examples=50)
@given(st.integers(0, 12), st.integers(0, 10**9))
def test_errors_of_any_kind_are_met_by_the_set_that_is_told(count: int, seed: int) -> None:
    """Errors that cancel out: more inexact things may be less of an error."""

    def error(inexact: Sets) -> float:
        return random.Random(f"{seed} {sorted(inexact)}").random() * 2

    found(names(count), error)


def test_a_tolerance_that_is_not_met_by_exact_things_is_told() -> None:
    answer = found(names(3), lambda inexact: 2.0 + len(inexact))
    assert not answer.met
    assert answer.names == ("w0", "w1", "w2")
    assert (answer.error, answer.whole) == (2, 5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_everything_must_stay(count: int) -> None:
    answer = found(names(count), lambda inexact: 9.0 * bool(inexact))
    assert set(answer.names) == set(names(count))


def test_the_worst_stands_first() -> None:
    errors = {"a": 2.0, "b": 7.0, "c": 0.1, "d": 3.0}
    assert found(list(errors), added_up(errors)).names == ("b", "d", "a")
