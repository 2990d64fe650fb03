"""NaN and infinity counted in C: what numpy and ml_dtypes say of every kind of float."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from acl_bundle._binding.shim import ffi, lib
from acl_bundle._plan.casts import COPIES

kinds = pytest.mark.parametrize("dtype", COPIES, ids=str)


pytestmark = pytest.mark.filterwarnings("ignore:invalid value")  # ml_dtypes' isfinite


def counted(array: np.ndarray[Any, Any]) -> int:
    return int(lib.ab_nonfinite(COPIES[array.dtype], ffi.from_buffer(array), array.nbytes))


@pytest.mark.parametrize("dtype", [one for one in COPIES if one.itemsize <= 2], ids=str)
def test_every_number_of_a_narrow_kind_is_told_rightly(dtype: np.dtype[Any]) -> None:
    bits = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}")
    every = bits.view(dtype)
    bad = ~np.isfinite(every)
    assert counted(every) == np.count_nonzero(bad)
    for one in np.flatnonzero(bad).tolist():
        assert counted(every[one : one + 1]) == 1
    assert counted(every[~bad].copy()) == 0


@kinds
@pytest.mark.parametrize("size", [0, 1, 511, 4096, 9001])
def test_random_bits_are_counted_as_numpy_counts_them(dtype: np.dtype[Any], size: int) -> None:
    raw = np.random.default_rng(size).bytes(size * dtype.itemsize)
    array = np.frombuffer(raw, dtype).copy()
    assert counted(array) == np.count_nonzero(~np.isfinite(array))


@kinds
def test_one_that_is_not_finite_is_found_wherever_it_stands(dtype: np.dtype[Any]) -> None:
    array = np.ones(9001, dtype)
    assert counted(array) == 0
    for at in (0, 1, 255, 4095, 4096, 8191, 9000):
        array[at] = np.nan
        assert counted(array) == 1, at
        array[at] = 1


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_largest_numbers_and_odd_addresses_are_no_matter(dtype: str) -> None:
    array = np.full(5000, np.finfo(dtype).max, dtype)
    array[1::2] = np.finfo(dtype).smallest_subnormal
    array[2::4] = -array[2::4]
    assert counted(array) == 0
    raw = np.frombuffer(b"x" + array.tobytes(), np.uint8)[1:].view(dtype)
    assert counted(raw) == 0


@pytest.mark.parametrize("part", [complex(np.nan, 1), complex(1, np.inf), complex(np.nan, np.inf)])
@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_a_complex_number_counts_once(dtype: str, part: complex) -> None:
    array = np.ones(3000, dtype)
    array[[7, 2999]] = part
    assert counted(array) == 2


def test_integers_are_not_counted() -> None:
    assert np.dtype("i4") not in COPIES
    assert np.dtype(bool) not in COPIES
