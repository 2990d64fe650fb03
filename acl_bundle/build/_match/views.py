"""Weights as they are scaled: which axis, or axes, count the channels."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class ArrayView:
    """A shape for a weight, and the one for a vector that scales its channels.

    Attributes:
        shape: The weight's.
        beside: The vector's, as long in the channels' axes and 1 in the others.
    """

    shape: tuple[int, ...]
    beside: tuple[int, ...]

    def lengths(self, array: Array) -> Array:
        """The root of the sum of squares of each channel."""
        wide = array.astype(np.promote_types(array.dtype, np.float32), copy=False)
        axes = [*range(len(self.shape))]
        kept = [axis for axis in axes if self.beside[axis] != 1]
        shaped = wide.reshape(self.shape)
        with np.errstate(all="ignore"):
            squares: Array = np.einsum(shaped, axes, shaped, axes, kept, dtype=np.float64)
            return np.sqrt(squares.reshape(-1))


def views(shape: tuple[int, ...], sizes: Collection[int]) -> Iterator[tuple[int, ArrayView]]:
    """Yield how a weight's channels may be counted, and how many there are then.

    1. Along one axis.
    2. Along the last two as one: a depthwise kernel of TensorFlow's.
    3. In groups: a ConvTranspose's kernel, ``[groups * in, out, ...]``, of ``groups * out``.

    Args:
        shape: The weight's.
        sizes: The numbers of channels that count.
    """
    for axis, dim in enumerate(shape):
        if dim in sizes:
            yield dim, ArrayView(shape, _along(len(shape), axis, dim))
    if len(shape) > 2:
        joined = shape[-2] * shape[-1]
        if joined in sizes and 1 not in shape[-2:]:
            flat = (*shape[:-2], joined)
            yield joined, ArrayView(flat, _along(len(flat), len(flat) - 1, joined))
        yield from _grouped(shape, sizes)


def _grouped(shape: tuple[int, ...], sizes: Collection[int]) -> Iterator[tuple[int, ArrayView]]:
    out = shape[1]
    for size in sizes:
        groups = size // out if out > 1 and size % out == 0 else 1
        if groups > 1 and shape[0] % groups == 0:
            inner = (groups, shape[0] // groups, *shape[1:])
            yield size, ArrayView(inner, (groups, 1, out, *(1 for _ in shape[2:])))


def _along(rank: int, axis: int, dim: int) -> tuple[int, ...]:
    return (*(1 for _ in range(axis)), dim, *(1 for _ in range(rank - axis - 1)))


def dims_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """What a weight's shape has in common with those of its transposes and reshapes."""
    return tuple(sorted(dim for dim in shape if dim != 1))
