"""What becomes of a number in another dtype: what is allowed, and what it costs.

An update takes an array of the weight's own dtype; of one whose every value
the weight's can hold (``safe``); or of any floating-point dtype for a
floating-point weight (``same_kind``). These are numpy's rules, narrowed where
numpy would change a value without a word: integers never become narrower,
another sign or floats.

What a conversion to a narrower float did is counted (`CastCounts`). float32 to
float16 and bfloat16 is csrc/numbers/convert.c's; numpy does the others, and a
conversion here is always of one piece of an array, never of a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import BFLOAT16
from acl_bundle._base.floats import is_wider, limits
from acl_bundle._binding.shim import ffi, lib

CASTS = ("safe", "same_kind")
COPY, HALF, BFLOAT = int(lib.AB_MOVE_COPY), int(lib.AB_MOVE_HALF), int(lib.AB_MOVE_BFLOAT)
GATHER = 255
"""Not C's: the array goes piece by piece, made contiguous and cast by numpy."""
ON_DEVICE = 254
"""Not C's either: the array lies on the device already."""
CONVERTS = frozenset({HALF, BFLOAT, GATHER})
_COUNTED = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128",
            "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu")  # fmt: skip
COPIES = {
    np.dtype(getattr(ml_dtypes, name, None) or name): int(
        getattr(lib, f"AB_MOVE_COPY_{name.upper()}")
    )
    for name in _COUNTED
    if hasattr(ml_dtypes, name) or not name.startswith("float8")
}
"""How an array goes as it is, by dtype: `COPY` unless there is something to count."""
_NARROW = {np.dtype("float16"): HALF, BFLOAT16: BFLOAT}
FLOAT32 = np.dtype("float32")


@dataclass(frozen=True, slots=True)
class CastCounts:
    """What converting one weight did to its values.

    Attributes:
        source: The dtype that was given.
        target: The weight's.
        overflow: Values beyond the target's range: they became infinite, or where the cast
            saturates the largest finite number.
        underflow: Values that were not zero and became zero.
        subnormal: Values that became subnormal, and so lost more digits than the others.
        nan: Values that were NaN, and still are.
    """

    source: np.dtype[Any]
    target: np.dtype[Any]
    overflow: int
    underflow: int
    subnormal: int
    nan: int


@lru_cache(maxsize=256)
def allowed(source: np.dtype[Any], target: np.dtype[Any], cast: str) -> bool:
    """Whether values of one dtype may be given for a weight of another, under a rule."""
    if not (source.isnative and target.isnative):
        return False
    if source == target:
        return True
    if limits(source) is not None and limits(target) is not None:
        return cast == "same_kind" or is_wider(source, target)
    return source.kind == target.kind and source.kind in "iu" and target.itemsize > source.itemsize


def move_between(source: np.dtype[Any], target: np.dtype[Any]) -> int:
    """How numbers of one dtype become another's: one of C's moves, or `GATHER`."""
    if source == target:
        return COPIES.get(target, COPY)
    return _NARROW.get(target, GATHER) if source == FLOAT32 else GATHER


def move_of(array: NDArray[Any], target: np.dtype[Any]) -> int:
    """How an array's bytes become a weight's: one of C's moves, or `GATHER`."""
    return move_between(array.dtype, target) if array.flags.c_contiguous else GATHER


def convert(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Write one piece's values in the target's dtype, rounding to nearest."""
    with np.errstate(all="ignore"):
        np.copyto(target, source, casting="unsafe")


def saturate(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Put the largest finite number where `convert` made a finite one infinite."""
    over = ~np.isfinite(target) & np.isfinite(source)
    most = target.dtype.type(limits(target.dtype).max)
    target[over] = np.where(source[over] > 0, most, -most)


def nonfinite(array: NDArray[Any]) -> int:
    """Count what is NaN or infinite in one contiguous piece of an array."""
    move = COPIES.get(array.dtype, COPY)
    if move == COPY:
        return 0
    return int(lib.ab_nonfinite(move, ffi.from_buffer(array), array.nbytes))
