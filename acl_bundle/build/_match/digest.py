"""What an array's elements are, whatever their order: a sum of their digests.

Two arrays of the same dtype have equal sums if one has the other's elements in
another order. The sums of the slices along each axis, or along several leading
axes taken as one, say where a part of one array lies in another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Tokens = NDArray[np.uint64]

_CHUNK: Final = 1 << 18  # elements that are in work at a time
_SINGLE: Final = 1 << 16  # elements up to which each may count as a slice
_LIKE_A_VECTOR: Final = 4  # and how often the longest axis goes into them


@dataclass(frozen=True)
class Cut:
    """A way to cut an array into slices.

    Attributes:
        axis: Along which axis; where ``leading`` is more than one, 0.
        leading: How many leading axes count as one.
    """

    axis: int
    leading: int = 1

    def view(self, array: Array) -> Array:
        """Return an array whose axis ``self.axis`` counts the slices."""
        shape = array.shape
        return array.reshape(math.prod(shape[: self.leading]), *shape[self.leading :])

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of `view`."""
        return (math.prod(shape[: self.leading]), *shape[self.leading :])


@dataclass(frozen=True)
class Digest:
    """Of one array.

    Attributes:
        total: The sum of all elements' digests.
        slices: By cut: the sum of each slice.
    """

    total: int
    slices: dict[Cut, Tokens] = field(repr=False)


def digest(array: Array) -> Digest:
    """Digest an array of a floating-point dtype; its bytes are read once, in pieces."""
    flat = np.ascontiguousarray(array)
    shape = flat.shape
    axes = [np.zeros(dim, np.uint64) for dim in shape]
    rows = np.empty(math.prod(shape[:-1]), np.uint64)
    single = np.empty(flat.size, np.uint64) if _is_like_a_vector(shape) else None
    lines = flat.reshape(len(rows), -1)
    step = max(1, _CHUNK // max(1, lines.shape[1]))
    for at in range(0, len(rows), step):
        mixed = _mixed(lines[at : at + step])
        rows[at : at + step] = mixed.sum(1, dtype=np.uint64)
        if shape:
            axes[-1] += mixed.sum(0, dtype=np.uint64)
        if single is not None:
            single[at * lines.shape[1] :][: mixed.size] = mixed.reshape(-1)
    summed = rows.reshape(shape[:-1])
    slices: dict[Cut, Tokens] = {}
    rank = len(shape)
    for axis in range(rank):
        others = tuple(one for one in range(rank - 1) if one != axis)
        found = axes[-1] if axis == rank - 1 else summed.sum(others, dtype=np.uint64)
        slices[Cut(axis)] = np.atleast_1d(np.asarray(found))
    for leading in range(2, rank):
        inner = tuple(range(leading, rank - 1))
        slices[Cut(0, leading)] = summed.sum(inner, dtype=np.uint64).reshape(-1)
    if single is not None and rank > 1:
        slices[Cut(0, rank)] = single
    return Digest(int(rows.sum(dtype=np.uint64)), slices)


def _is_like_a_vector(shape: tuple[int, ...]) -> bool:
    size = math.prod(shape)
    return size <= _SINGLE and size <= _LIKE_A_VECTOR * max(shape, default=1)


def _mixed(values: Array) -> Tokens:
    """A digest of each element's bits."""
    bits = values.view(f"u{values.dtype.itemsize}").astype(np.uint64)
    bits += np.uint64(0x9E3779B97F4A7C15)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(29)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(32)
    return bits


def same_bits(left: Array, right: Array) -> bool:
    """Whether two arrays of one dtype and shape have the same bytes, compared in pieces."""
    return all(
        np.array_equal(one.view(f"u{one.dtype.itemsize}"), two.view(f"u{two.dtype.itemsize}"))
        for one, two in _pieces(left, right)
    )


def _pieces(left: Array, right: Array) -> Iterator[tuple[Array, Array]]:
    if left.ndim == 0:
        yield left.reshape(1), right.reshape(1)
        return
    step = max(1, _CHUNK * len(left) // max(1, left.size))
    for at in range(0, len(left), step):
        yield (
            np.ascontiguousarray(left[at : at + step]),
            np.ascontiguousarray(right[at : at + step]),
        )


def is_uniform(array: Array) -> bool:
    """Whether all elements are one and the same number: such an array tells nothing."""
    flat = array.reshape(-1)
    return flat.size == 0 or same_bits(flat, np.broadcast_to(flat[:1], flat.shape))
