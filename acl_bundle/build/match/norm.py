"""Constants into which a batch normalization was folded, found by its formula.

With ``s = gamma / sqrt(variance + epsilon)`` exporters write ``W * s`` for the weight in
front of it, ``(b - mean) * s + beta`` for the bias, or ``s`` and ``beta - mean * s`` alone.
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

from acl_bundle.build.match import expr
from acl_bundle.build.match.expr import Expr, apply, reshaped
from acl_bundle.build.match.formula import Norm, Scales, norms
from acl_bundle.build.match.moves import moves

Array = NDArray[Any]

_ULPS: Final = 16
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


class Folded:
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
        self._weights = {n: a for n, a in arrays.items() if a.ndim > 1}
        self._biases = {n: a for n, a in arrays.items() if a.ndim == 1 and n not in own}

    def find(self, target: Array) -> list[Found]:
        """Return the ways in which a constant is made by the formula, exact ones alone if any."""
        short = [dim for dim in target.shape if dim != 1]
        found = [*(self._vector(target) if len(short) < 2 else self._weight(target))]
        exact = [one for one in found if one.exact]
        return exact or found

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
                yield from self._found(scales, scales.factor_of(scales.norms[at]), target)
            for at in map(int, np.flatnonzero(shifts)):
                yield from self._found(scales, scales.shift_of(scales.norms[at], None), target)
            for at, bias in self._near(scales, flat, slack):
                yield from self._found(scales, scales.shift_of(scales.norms[at], bias), target)

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
    def _views(self) -> dict[tuple[int, tuple[int, ...]], list[View]]:
        """The weights, by how many channels an axis has and by what dims there are."""
        found: defaultdict[tuple[int, tuple[int, ...]], list[View]] = defaultdict(list)
        for name, array in self._weights.items():
            for shape, axes in _shapes(array.shape):
                for axis in axes:
                    dim = shape[axis]
                    if dim in self._scales:
                        dims = tuple(sorted(one for one in array.shape if one != 1))
                        view = View(name, shape, axis, _lengths(array.reshape(shape), axis))
                        found[dim, dims].append(view)
        return dict(found)

    def _stacked_lengths(self, dim: int, dims: tuple[int, ...]) -> Array:
        if (dim, dims) not in self._rows:
            self._rows[dim, dims] = np.stack([one.lengths for one in self._views[dim, dims]])
        return self._rows[dim, dims]

    def _weight(self, target: Array) -> Iterator[Found]:
        dims = tuple(sorted(one for one in target.shape if one != 1))
        done: set[tuple[str, tuple[int, ...], int, Norm, int]] = set()
        for axis, dim in enumerate(target.shape):
            views = self._views.get((dim, dims), [])
            if not views:
                continue
            lengths, slack = _lengths(target, axis), 2 * _slack(target.dtype)
            ours = self._stacked_lengths(dim, dims)
            for number_, scales in enumerate(self._scales[dim]):
                for view, norm in _pairs(lengths, views, ours, scales, slack):
                    key = view.name, view.shape, view.axis, norm, number_
                    if key not in done:
                        done.add(key)
                        yield from self._scaled(scales, view, norm, target)

    def _scaled(self, scales: Scales, view: View, norm: Norm, target: Array) -> Iterator[Found]:
        array = self._arrays[view.name]
        beside = [1] * len(view.shape)
        beside[view.axis] = view.shape[view.axis]
        factor = reshaped(scales.factor_of(norm), (beside[view.axis],), beside)
        made = apply("mul", reshaped(scales.wide(view.name), array.shape, view.shape), factor)
        value = scales.value(made)
        wide, slack = target.astype(value.dtype), _slack(target.dtype)

        def close(left: Array, right: Array) -> bool:
            return bool((np.abs(left - right) <= slack * np.abs(left)).all())

        for one in moves(made, value, wide, close):
            moved = expr.cast(one, value.dtype, target.dtype)
            exact = scales.value(moved) == target
            yield Found(moved, bool(exact.all()))


@dataclass(frozen=True, eq=False)
class View:
    """A weight as it is looked at: its shape, the axis of its channels, and how long each is."""

    name: str
    shape: tuple[int, ...]
    axis: int
    lengths: Array


def _shapes(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Sequence[int]]]:
    """A weight's shape and axes, and that in which a depthwise kernel's last two axes are one."""
    yield shape, range(len(shape))
    if len(shape) > 2:
        yield (*shape[:-2], shape[-2] * shape[-1]), [len(shape) - 2]


def _lengths(array: Array, axis: int) -> Array:
    """The root of the sum of squares of each channel."""
    wide = array.astype(np.promote_types(array.dtype, np.float32), copy=False)
    axes = [*range(array.ndim)]
    with np.errstate(all="ignore"):
        squares: Array = np.einsum(wide, axes, wide, axes, [axis], dtype=np.float64)
        return np.sqrt(squares)


def _pairs(
    lengths: Array, views: Sequence[View], ours: Array, scales: Scales, slack: float
) -> Iterator[tuple[View, Norm]]:
    """The weights and normalizations of which the channels' lengths fit."""
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
                yield views[at], scales.norms[one]


def _slack(dtype: np.dtype[Any]) -> float:
    """How far a value may be from what it should be, in parts of it."""
    wide = _ULPS * float(np.finfo(np.float32).eps) / 2
    return wide + (float(_FINFO(dtype).eps) if dtype.itemsize < 4 else 0.0)
