"""Percentiles of few and of many samples, and rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl_bundle.bench import Samples
from acl_bundle.bench.timing import percentile

TIMES = st.lists(st.integers(0, 10**12), min_size=1, max_size=300)


@given(TIMES, st.integers(1, 100))
def test_a_percentile_is_the_least_sample_that_so_many_keep_to(
    times: list[int], of_100: int
) -> None:
    found = percentile(times, of_100)
    assert found in times
    kept = [one for one in times if one <= found]
    assert 100 * len(kept) >= of_100 * len(times)
    assert 100 * len([one for one in times if one < found]) < of_100 * len(times)


@given(TIMES, st.sampled_from([50, 90, 99]))
def test_it_is_numpys_inverted_cdf(times: list[int], of_100: int) -> None:
    assert percentile(times, of_100) == np.percentile(times, of_100, method="inverted_cdf")


def test_of_fewer_than_100_samples_the_99th_percentile_is_the_largest() -> None:
    assert percentile(range(1, 100), 99) == 99
    assert percentile(range(1, 101), 99) == 99
    assert percentile(range(1, 102), 99) == 100
    assert percentile([7], 50) == percentile([7], 99) == 7
    assert percentile([1, 2], 50) == 1


def test_times_are_milliseconds_and_rates_are_of_the_time_that_passed() -> None:
    samples = Samples()
    for ms in (4, 1, 1):
        samples.add(ms * 10**6)
    told = samples.told()
    assert told == {
        "mean_ms": 2, "min_ms": 1, "p50_ms": 1, "p90_ms": 4, "p99_ms": 4, "max_ms": 4,
        "per_second": pytest.approx(500),
    }  # fmt: skip
    assert Samples([10**9] * 4, busy_ns=2 * 10**9).per_second == 2
