"""What is summed up of two arrays, a piece at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from acl_bundle.weights._base.spec import Array


class Totals:
    """Counts, sums, and the elements that are furthest apart.

    Attributes:
        differing: Elements that are not equal.
        beyond: Elements beyond the tolerance.
        nan_a: NaN on the first side.
        nan_b: NaN on the second.
        absolute: The largest difference and the number of its element, -1 where all are equal;
            None before anything was added.
        relative: The same in units of the second side; None where that is all zeros.
    """

    def __init__(self, rtol: float, atol: float, worst: int) -> None:
        self._rtol, self._atol, self._keep = rtol, atol, worst
        self.differing, self.beyond, self.nan_a, self.nan_b = 0, 0, 0, 0
        self.absolute: tuple[float, int] | None = None
        self.relative: tuple[float, int] | None = None
        self._squares, self._of_a, self._of_b, self._product = 0.0, 0.0, 0.0, 0.0
        self._worst: list[tuple[float, float, int, float]] = []

    def add(self, start: int, x: Array, y: Array) -> None:
        """Add elements from number ``start`` on; both of one wide dtype."""
        nan_x, nan_y = np.isnan(x), np.isnan(y)
        self.nan_a += int(np.count_nonzero(nan_x))
        self.nan_b += int(np.count_nonzero(nan_y))
        unequal = (x != y) & ~(nan_x & nan_y)
        finite = np.isfinite(x) & np.isfinite(y)
        with np.errstate(all="ignore"):
            distance, magnitude = np.abs(x - y), np.abs(y)
            distance[~finite] = np.where(unequal[~finite], np.inf, 0)
            over = distance - np.where(finite, self._atol + self._rtol * magnitude, 0)
            relative = np.where(unequal, distance / magnitude, 0)
        relative[~finite] = distance[~finite]
        self.differing += int(np.count_nonzero(unequal))
        self.beyond += int(np.count_nonzero(unequal & (over > 0)))
        self.absolute = _larger(self.absolute, start, distance)
        told = ~finite | (magnitude > 0)
        if told.any():
            self.relative = _larger(self.relative, start, np.where(told, relative, -1))
        self._sum(x, y, distance, finite)
        if self.differing and self._keep:
            self._rank(start, over, distance, magnitude, np.flatnonzero(unequal))

    def _sum(self, x: Array, y: Array, distance: Array, finite: Array) -> None:
        if not finite.all():
            self._squares += float(distance[~finite].sum())  # zeros, and infinity
            x, y, distance = x[finite], y[finite], distance[finite]
        with np.errstate(over="ignore"):
            self._squares += float(np.dot(distance, distance))
            self._of_a += float(np.vdot(x, x).real)
            self._of_b += float(np.vdot(y, y).real)
            self._product += float(np.vdot(y, x).real)

    def _rank(
        self, start: int, over: Array, distance: Array, magnitude: Array, unequal: Array
    ) -> None:
        """Keep the worst: by how far beyond the tolerance, then how far apart, then the first."""
        if len(self._worst) == self._keep:
            unequal = unequal[over[unequal] >= -self._worst[-1][0]]
        order = np.lexsort((unequal, -distance[unequal], -over[unequal]))
        first = unequal[order[: self._keep]]
        self._worst += [
            (-float(over[at]), -float(distance[at]), start + int(at), float(magnitude[at]))
            for at in first
        ]
        self._worst = sorted(self._worst)[: self._keep]

    @property
    def worst(self) -> list[int]:
        """The numbers of the worst elements, the worst first."""
        return [at for _, _, at, _ in self._worst]

    def distance(self, at: int) -> tuple[float, float]:
        """The difference of one of the worst elements, and the magnitude of the second side."""
        found = next(one for one in self._worst if one[2] == at)
        return -found[1], found[3]

    @property
    def l2(self) -> float | None:
        """The norm of the difference."""
        return None if self.absolute is None else math.sqrt(self._squares)

    @property
    def relative_l2(self) -> float | None:
        """The norm of the difference in units of the second side's; None where that is zero."""
        if self.absolute is None or not self._squares:
            return None if self.absolute is None else 0.0
        return math.sqrt(self._squares) / math.sqrt(self._of_b) if self._of_b else None

    @property
    def cosine(self) -> float | None:
        """The cosine between both sides; 1 of two zero vectors, 0 of one of them."""
        if self.absolute is None:
            return None
        if not self._squares or not (self._of_a or self._of_b):
            return 1.0
        if not (self._of_a and self._of_b):
            return 0.0
        found = self._product / (math.sqrt(self._of_a) * math.sqrt(self._of_b))
        return None if math.isnan(found) else max(-1.0, min(1.0, found))


def _larger(before: tuple[float, int] | None, start: int, values: Any) -> tuple[float, int]:
    at = int(np.argmax(values))
    found = float(values[at])
    if before is not None and found <= before[0]:
        return before
    return (found, start + at) if found > 0 else (0.0, -1)
