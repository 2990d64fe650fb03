"""Constants that are the sum of two sources, whatever their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._match.digest import same_bits
from acl_bundle.build._match.expr import Expr, apply, reshaped, source

Array = NDArray[Any]


class Sums:
    """Finds sums by one number per source: of a sum it is the sum of the two numbers."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays
        self._groups: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
        for name, one in arrays.items():
            if one.ndim == 1 and one.size > 1:
                self._groups[one.dtype, one.shape].append(name)
        self._numbers: dict[tuple[Any, ...], tuple[Array, Array]] = {}

    def find(self, target: Array) -> Iterator[Expr]:
        """Yield the sums that a constant is, to the last bit."""
        shape = tuple(dim for dim in target.shape if dim != 1)
        key = target.dtype, shape
        names = self._groups.get(key, [])
        if len(names) < 2:
            return
        if key not in self._numbers:
            every = np.array([_number(self._arrays[name]) for name in names])
            self._numbers[key] = every[:, 0], every[:, 1]
        numbers, sizes = self._numbers[key]
        order = np.argsort(numbers)
        wanted = _number(target)[0] - numbers
        room = 1e-6 * (sizes + sizes.max())
        low = np.searchsorted(numbers[order], wanted - room)
        high = np.searchsorted(numbers[order], wanted + room, "right")
        for one, name in enumerate(names):
            for two in order[low[one] : high[one]]:
                if two > one:
                    yield from self._checked(name, names[two], target)

    def _checked(self, left: str, right: str, target: Array) -> Iterator[Expr]:
        value = self._arrays[left] + self._arrays[right]
        if same_bits(value.reshape(target.shape), target):
            made = apply("add", source(left), source(right))
            yield reshaped(made, value.shape, target.shape)


def _number(array: Array) -> tuple[float, float]:
    """A weighted sum, and how large what is summed is."""
    flat = array.reshape(-1).astype(np.float64)
    weights = np.cos(np.arange(flat.size) * 0.7)
    with np.errstate(all="ignore"):
        size = float(np.abs(flat).sum())
        return float(flat @ weights), size if np.isfinite(size) else 0.0
