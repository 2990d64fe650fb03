"""What a graph takes and gives, as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from acl_bundle.errors import visible


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a graph.

    Attributes:
        name: As the library reports it.
        shape: Dimensions in elements; -1 is dynamic, and (-2,) is of unknown rank.
        dtype: numpy's dtype (bfloat16 and float8 are ml_dtypes').
        format: ACL's name of the memory format, e.g. ``"ND"``.
        nbytes: Bytes of the whole tensor; 0 when the shape is dynamic.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    format: str
    nbytes: int

    @property
    def dynamic(self) -> bool:
        """Whether the shape is known only when it runs."""
        return any(dim < 0 for dim in self.shape)

    def __str__(self) -> str:
        return f"{visible(self.name)}: {self.dtype}{list(self.shape)}"


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """A refreshable weight.

    Attributes:
        name: The constant's name in the original model.
        shape: Dimensions in elements, or None when the file does not tell.
        dtype: What an update takes; the device may store another.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int | None:
        """Bytes of one value of this weight, or None when the shape is unknown."""
        return None if self.shape is None else math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        dims = "[?]" if self.shape is None else list(self.shape)
        return f"{visible(self.name)}: {self.dtype}{dims}"
