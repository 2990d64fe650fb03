"""How far outputs are from what was expected, as one number: a part of the tolerance.

`acl_bundle.compare` counts the elements beyond a tolerance; a search needs to know how far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle.compare import Tolerance
from acl_bundle.weights._base.spec import is_floating

Outputs: TypeAlias = Mapping[str, NDArray[Any]]


def part(outputs: Outputs, expected: Outputs, tolerance: Tolerance) -> float:
    """Return the worst element's difference, divided by what it may differ.

    Up to 1 the tolerance holds. Elements that are equal, infinities and NaN too, take
    nothing; a NaN or an infinity on one side alone is infinitely far. As in
    `acl_bundle.compare`, ``rtol`` is no part of integers, and booleans must be equal.
    """
    return max((_part(outputs[name], expected[name], tolerance) for name in expected), default=0.0)


def _part(output: NDArray[Any], expected: NDArray[Any], tolerance: Tolerance) -> float:
    if output.shape != expected.shape:
        return float("inf")
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    a, b = output.astype(wide), expected.astype(wide)
    rtol, atol = tolerance.rtol, tolerance.atol
    if expected.dtype.kind != "c" and not is_floating(expected.dtype):
        rtol, atol = 0.0, 0.0 if expected.dtype.kind == "b" else atol
    finite = np.isfinite(a) & np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        parts = np.abs(a - b) / (atol + rtol * np.abs(b))
    parts = np.where(same, 0.0, np.where(finite & ~np.isnan(parts), parts, np.inf))
    return float(parts.max(initial=0.0))
