"""Floating-point dtypes, and what a conversion between them costs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=64)
def limits(dtype: np.dtype[Any]) -> Any:
    """A floating-point dtype's finfo; None for any other dtype, complex ones included."""
    if dtype.kind == "c":
        return None
    try:
        return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, KeyError):
        return None


def is_wider(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether every value of one floating-point dtype is one of the other's."""
    small, large = limits(source), limits(target)
    return bool(
        small.nmant <= large.nmant
        and float(small.max) <= float(large.max)
        and float(small.smallest_subnormal) >= float(large.smallest_subnormal)
    )


@np.errstate(all="ignore")
def count(source: NDArray[Any], target: NDArray[Any]) -> tuple[int, int, int, int]:
    """Count what a conversion did to one piece of an array.

    Args:
        source: The values.
        target: The same in another dtype, nothing saturated.

    Returns:
        How many have overflowed, become zero, become subnormal, and were NaN before.
    """
    known = limits(target.dtype)
    if known is None:
        return 0, 0, 0, 0
    nan = int(np.count_nonzero(np.isnan(source)))
    if is_wider(source.dtype, target.dtype):
        return 0, 0, 0, nan
    size = np.abs(target.astype(np.float64))
    lost = np.isfinite(source) & ~np.isfinite(target)
    zero = (size == 0) & (source != 0)
    low = (size > 0) & (size < float(known.smallest_normal))
    return int(np.count_nonzero(lost)), int(np.count_nonzero(zero)), int(np.count_nonzero(low)), nan
