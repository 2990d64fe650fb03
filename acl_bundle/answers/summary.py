"""An array in one line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acl_bundle.answers.side import Array
from acl_bundle.weights._base.spec import is_floating


class ArraySummary(NamedTuple):
    """What is shown of an input or an output.

    ``min``, ``max`` and ``mean`` leave NaN out, and are None of what has nothing else, and
    of complex numbers. Booleans count as 0 and 1.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    min: float | int | None
    max: float | int | None
    mean: float | None
    nan: int


def summed_up(name: str, array: Array) -> ArraySummary:
    """Sum up one array of numbers."""
    nan, told = 0, array
    if array.dtype.kind == "c":
        nan, told = int(np.count_nonzero(np.isnan(array))), array[:0].reshape(-1)[:0]
    elif is_floating(array.dtype):
        wide = array.astype(np.float64)
        missing = np.isnan(wide)
        nan, told = int(np.count_nonzero(missing)), wide[~missing]
    shown: tuple[float | int | None, float | int | None, float | None] = (None, None, None)
    if told.size:
        with np.errstate(invalid="ignore", over="ignore"):
            mean = float(told.mean(dtype=np.float64))
        shown = _number(told.min()), _number(told.max()), mean
    return ArraySummary(name, array.dtype.name, array.shape, *shown, nan)


def _number(value: np.generic) -> float | int:
    found = value.item()
    return found if isinstance(found, float) else int(found)
