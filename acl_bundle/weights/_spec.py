"""What a weight is, apart from its values: shape, dtype, size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Weights: TypeAlias = Mapping[str, Array]

finfo: Any = ml_dtypes.finfo  # without types in some releases, with odd ones in others


@dataclass(frozen=True, slots=True)
class Spec:
    """A weight's shape and dtype.

    Attributes:
        shape: Dimensions in elements.
        dtype: numpy's dtype in native byte order (bfloat16 and float8 are ml_dtypes').
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}"


def spec_of(weights: Weights, name: str) -> Spec:
    """Describe one weight of any mapping, without reading it where the mapping can tell.

    Raises:
        KeyError: There is no such weight.
    """
    tell = getattr(weights, "spec", None)
    if tell is not None:
        spec: Spec = tell(name)
        return spec
    array = fetch(weights, name)
    return Spec(array.shape, array.dtype)


def fetch(weights: Weights, name: str) -> Array:
    """Return one weight of any mapping, in native byte order.

    Raises:
        KeyError: There is no such weight.
        TypeError: What is there is no array.
    """
    array = weights[name]
    if isinstance(array, np.generic):
        array = np.asarray(array)
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"weight {name!r} is a {type(array).__name__}; a numpy array is right (numpy.asarray"
            " makes one of a tensor without a copy)"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Say whether a dtype holds real floating-point numbers, ml_dtypes' included."""
    if dtype.kind != "V":
        return dtype.kind == "f"
    try:
        finfo(dtype)
    except (ValueError, TypeError):
        return False
    return True


def is_number(dtype: np.dtype[Any]) -> bool:
    """Say whether the elements are numbers or booleans."""
    return dtype.kind in "biufc" or (dtype.kind == "V" and dtype.type is not np.void)
