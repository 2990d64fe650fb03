"""What a cast does to values, and how many of them it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from acl_bundle._base.floats import count
from acl_bundle.weights._base.report import Report, listed
from acl_bundle.weights._base.spec import Array


class CastRow(NamedTuple):
    """What a cast does to one weight.

    ``overflow`` counts finite values beyond the target's range, ``underflow``
    values that become zero and were not, ``subnormal`` results that have lost
    precision to their smallness, ``nan`` values that are NaN already.
    ``max_error`` is the largest difference of a finite result, ``max_relative``
    the largest in units of the value.
    """

    name: str
    source: str
    target: str
    size: int
    overflow: int
    underflow: int
    subnormal: int
    nan: int
    max_error: float
    max_relative: float


class CastTally:
    """The numbers of one weight, added up piece by piece."""

    def __init__(self) -> None:
        self.counts = (0, 0, 0, 0)
        self.error = self.relative = 0.0

    def add(self, values: Array, given: Array) -> None:
        """Count what the conversion of a piece did to its values."""
        a, b = self.counts, count(values, given)
        self.counts = a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]

    def compare(self, values: Array, given: Array) -> None:
        """Compare the values of a piece with what is handed out for them."""
        before, after = values.astype(np.float64), given.astype(np.float64)
        size = np.abs(before)
        with np.errstate(invalid="ignore"):
            difference = np.abs(before - after)
        difference[~np.isfinite(difference)] = 0
        self.error = max(self.error, float(difference.max(initial=0.0)))
        relative = np.divide(difference, size, out=difference, where=size > 0)
        self.relative = max(self.relative, float(relative.max(initial=0.0)))


def convert(values: Array, target: np.dtype[Any]) -> tuple[Array, Array | None]:
    """Return values in another dtype, and where they overflow, None for nowhere."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        given: Array = values.astype(target)
    over = _infinite(given)
    if not over.any():
        return given, None
    over &= np.isfinite(values)
    return given, over if over.any() else None


def _infinite(values: Array) -> Array:
    """As `numpy.isinf`, which is slow for half precision: by the bit pattern."""
    if values.dtype.itemsize != 2:
        return np.isinf(values)
    infinity = np.array(np.inf, values.dtype).view(np.uint16)
    found: Array = values.view(np.uint16) & np.uint16(0x7FFF) == infinity
    return found


def report(found: Iterable[CastRow], target: np.dtype[Any]) -> Report[CastRow]:
    """Return the rows of a cast, the worst first, and their sum in a sentence."""
    rows = tuple(sorted(found, key=lambda row: (-row.overflow, -row.nan, -row.underflow)))
    over = [row.name for row in rows if row.overflow]
    nans = [row.name for row in rows if row.nan]
    parts = [f"{len(over)} of {len(rows)} weights overflow {target.name}"]
    parts[0] += f": {listed(over)}" if over else ""
    parts += [f"{len(nans)} hold NaN: {listed(nans)}"] if nans else []
    lost = [row.name for row in rows if row.underflow]
    zeros = sum(row.underflow for row in rows)
    parts += [f"{zeros} values become zero, of {listed(lost)}"] if lost else []
    return Report("; ".join(parts), rows)
