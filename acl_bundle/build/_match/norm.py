"""Constants into which a batch normalization or a scale was folded, found by the formula.

With ``s = gamma / sqrt(variance + epsilon)`` exporters write ``W * s`` for the weight in
front of it, ``(b - mean) * s + beta`` for the bias, or ``s`` and ``beta - mean * s`` alone.
Where no normalization fits, ``s`` may be any vector: the scale of a LayerNorm that was
multiplied into the matrix behind it, a LayerScale into the one in front.
A library rounds on its way otherwise than we do, so a few units of the last place are allowed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._match import expr
from acl_bundle.build._match.expr import Expr, apply, reshaped
from acl_bundle.build._match.formula import Factors, Norm, Scales, norms, plain_factors
from acl_bundle.build._match.moves import moves
from acl_bundle.build._match.views import ArrayView, dims_of, views

Array = NDArray[Any]

_ULPS: Final = 16
_ENOUGH: Final = 8  # channels from which a vector of no normalization counts as a factor
_FINFO: Final[Callable[..., Any]] = ml_dtypes.finfo


@dataclass(frozen=True)
class Found:
    """A fit.

    Attributes:
        made: What the constant is made of.
        exact: Whether it is equal to the last bit.
    """

    made: Expr
    exact: bool


class NormFolded:
    """Finds constants into which a normalization was folded.

    Args:
        arrays: The sources.
        epsilons: What may have been added to the variances.
    """

    def __init__(self, arrays: Mapping[str, Array], epsilons: Sequence[float]) -> None:
        self._arrays, self._epsilons = arrays, epsilons
        self._norms = norms(arrays)
        own = {
            name
            for one in self._norms
            for name in (one.mean, one.variance, one.gamma, one.beta)
            if name
        }
        self._rows: dict[tuple[int, tuple[int, ...]], Array] = {}
        self._biases = {n: a for n, a in arrays.items() if a.ndim == 1 and n not in own}

    def find(self, target: Array) -> list[Found]:
        """Return the ways in which a constant is made by the formula, exact ones alone if any."""
        vector = len(dims_of(target.shape)) < 2
        found = [*(self._vector(target) if vector else self._weight(target, self._scales))]
        found = found or [*self._weight(target, self._factors)]
        exact = [one for one in found if one.exact]
        return exact or found

    @cached_property
    def _factors(self) -> Mapping[int, Sequence[Factors]]:
        return {size: [one] for size, one in plain_factors(self._arrays, _ENOUGH).items()}

    @cached_property
    def _scales(self) -> dict[int, list[Scales]]:
        sizes: defaultdict[int, list[Norm]] = defaultdict(list)
        for one in self._norms:
            sizes[self._arrays[one.mean].size].append(one)
        return {
            size: [Scales(self._arrays, group, one) for one in self._epsilons]
            for size, group in sizes.items()
        }

    def _found(self, scales: Scales, made: Expr, target: Array) -> Iterator[Found]:
        """A vector's expression, if it is the target indeed."""
        value = scales.value(made)
        made = reshaped(expr.cast(made, value.dtype, target.dtype), value.shape, target.shape)
        equal = value.astype(target.dtype).reshape(-1) == target.reshape(-1)
        yield Found(made, bool(equal.all()))

    def _vector(self, target: Array) -> Iterator[Found]:
        flat, slack = target.reshape(-1).astype(np.float64), _slack(target.dtype)
        for scales in self._scales.get(target.size, ()):
            factor, mean, beta = scales.factor, scales.mean, scales.beta
            moved = mean * factor
            plain = (np.abs(factor - flat) <= slack * np.abs(factor)).all(1)
            size = np.abs(beta) + np.abs(moved)
            shifts = (np.abs(beta - moved - flat) <= slack * size).all(1)
            for at in map(int, np.flatnonzero(plain)):
                yield from self._found(scales, scales.made[at], target)
            for at in map(int, np.flatnonzero(shifts)):
                yield from self._found(scales, scales.shift_of(at, None), target)
            for at, bias in self._near(scales, flat, slack):
                yield from self._found(scales, scales.shift_of(at, bias), target)

    def _near(self, scales: Scales, flat: Array, slack: float) -> Iterator[tuple[int, str]]:
        """The normalizations and biases that give a vector together."""
        names, biases = self._stacked.get(len(flat), ((), np.empty((0, len(flat)))))
        if not names:
            return
        at = int(np.abs(scales.factor).min(0).argmax())  # a channel that no factor makes small
        factor, mean, beta = scales.factor[:, at], scales.mean[:, at], scales.beta[:, at]
        column = biases[:, at]
        order = np.argsort(column)
        with np.errstate(all="ignore"):
            guess = (flat[at] - beta) / factor + mean
            doubt = np.abs(flat[at]) + np.abs(beta)
            room = 4 * slack * (doubt / np.abs(factor) + np.abs(mean) + np.abs(guess))
        low = np.searchsorted(column[order], guess - room, "left")
        high = np.searchsorted(column[order], guess + room, "right")
        for row in np.flatnonzero(low < high):
            for one in order[low[row] : high[row]]:
                parts = biases[one] * scales.factor[row], scales.mean[row] * scales.factor[row]
                moved = parts[0] - parts[1] + scales.beta[row]
                size = np.abs(parts[0]) + np.abs(parts[1]) + np.abs(scales.beta[row])
                if (np.abs(moved - flat) <= slack * size).all():
                    yield int(row), names[one]

    @cached_property
    def _stacked(self) -> dict[int, tuple[tuple[str, ...], Array]]:
        sizes: defaultdict[int, list[str]] = defaultdict(list)
        for name, one in self._biases.items():
            sizes[one.size].append(name)
        return {
            size: (tuple(names), np.stack([self._biases[n].astype(np.float64) for n in names]))
            for size, names in sizes.items()
        }

    @cached_property
    def _views(self) -> dict[tuple[int, tuple[int, ...]], list[tuple[str, ArrayView]]]:
        """The weights, by how many channels they have and by what dims there are."""
        found: defaultdict[tuple[int, tuple[int, ...]], list[tuple[str, ArrayView]]] = defaultdict(
            list
        )
        for name, array in self._arrays.items():
            for size, view in views(array.shape, self._sizes):
                found[size, dims_of(array.shape)].append((name, view))
        return dict(found)

    @cached_property
    def _sizes(self) -> frozenset[int]:
        return frozenset((*self._scales, *self._factors))

    def _lengths(self, size: int, dims: tuple[int, ...]) -> Array:
        """The lengths of the channels of all weights that are viewed so, a row each."""
        if (size, dims) not in self._rows:
            self._rows[size, dims] = np.stack(
                [view.lengths(self._arrays[name]) for name, view in self._views[size, dims]]
            )
        return self._rows[size, dims]

    def _weight(self, target: Array, factors: Mapping[int, Sequence[Factors]]) -> Iterator[Found]:
        """The weights and factors that give a target together."""
        dims, slack = dims_of(target.shape), 2 * _slack(target.dtype)
        done: set[tuple[str, ArrayView, int, int]] = set()
        for size, seen in views(target.shape, self._sizes):
            known = self._views.get((size, dims), [])
            if not known or size not in factors:
                continue
            lengths, ours = seen.lengths(target), self._lengths(size, dims)
            for turn, scales in enumerate(factors[size]):
                for at, row in _pairs(lengths, ours, scales, slack):
                    name, view = known[at]
                    if scales.made[row].sources == (name,) or (name, view, row, turn) in done:
                        continue
                    done.add((name, view, row, turn))
                    yield from self._scaled(scales, row, name, view, target)

    def _scaled(
        self, scales: Factors, row: int, name: str, view: ArrayView, target: Array
    ) -> Iterator[Found]:
        shape = self._arrays[name].shape
        factor = reshaped(scales.made[row], (scales.factor.shape[1],), view.beside)
        made = apply("mul", reshaped(scales.wide(name), shape, view.shape), factor)
        made = reshaped(made, view.shape, shape)
        value = scales.value(made)
        wide, slack = target.astype(value.dtype), _slack(target.dtype)

        def close(left: Array, right: Array) -> bool:
            return bool((np.abs(left - right) <= slack * np.abs(left)).all())

        for one in moves(made, value, wide, close):
            moved = expr.cast(one, value.dtype, target.dtype)
            exact = scales.value(moved) == target
            yield Found(moved, bool(exact.all()))


def _pairs(lengths: Array, ours: Array, scales: Factors, slack: float) -> Iterator[tuple[int, int]]:
    """The rows of weights and of factors of which the channels' lengths fit."""
    best = int(lengths.argmax())
    if not lengths[best] > 0:
        return
    factors = np.abs(scales.factor)
    order = np.argsort(factors[:, best])
    ordered = factors[order, best]
    with np.errstate(all="ignore"):
        wanted = lengths[best] / ours[:, best]
    low = np.searchsorted(ordered, wanted * (1 - slack), "left")
    high = np.searchsorted(ordered, wanted * (1 + slack), "right")
    for at in map(int, np.flatnonzero(low < high)):
        for one in order[low[at] : high[at]]:
            made = ours[at] * factors[one]
            if (np.abs(made - lengths) <= slack * made).all():
                yield at, int(one)


def _slack(dtype: np.dtype[Any]) -> float:
    """How far a value may be from what it should be, in parts of it."""
    wide = _ULPS * float(np.finfo(np.float32).eps) / 2
    return wide + (float(_FINFO(dtype).eps) if dtype.itemsize < 4 else 0.0)
