"""Long work of the interpreter in pieces: between two of them other threads run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def rest() -> None:
    """Let other threads run. Letting go of the interpreter for no time would mostly wake none."""
    time.sleep(50e-6)


def numbers(values: Any) -> NDArray[Any]:
    """Return numbers in lists as an array; ints beyond int64 stay exact.

    numpy makes floats of such ones beside smaller ones.

    Raises:
        ValueError, OverflowError: Rows are unequal, or a number has no dtype.
    """
    found: NDArray[Any] = np.asarray(values)
    if found.dtype.kind == "f" and found.size and found.max() >= 2**63:
        exact = np.asarray(values, object)
        if all(type(one) is int and one >= 0 for one in exact.flat):
            return exact.astype(np.uint64)
    return found


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return all values one behind the other, in the dtype that all of them together have."""
    some = [part for part in parts if part.size]
    if not some:
        return np.empty(0)
    kinds = {part.dtype.kind for part in some}
    if "u" in kinds and "f" not in kinds:  # numpy would make floats of int64 beside uint64
        signed = [part for part in some if part.dtype.kind == "i"]
        if all(int(part.min()) >= 0 for part in signed):
            some = [part.astype(np.uint64) for part in some]
    return np.concatenate(some)
