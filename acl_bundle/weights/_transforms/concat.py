"""Weights joined to one, and one cut into several: fused qkv, the joined gates of an LSTM."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from acl_bundle._base.arrays import whole
from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import numbers
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.spec import Array, Spec, Weights, fetch, mapping_of, spec_of
from acl_bundle.weights._base.view import Moved, View
from acl_bundle.weights._transforms.fused import Fused, fused, ordered


class ConcatRow(NamedTuple):
    """A weight that is made of others, which they are, and its shape."""

    name: str
    parts: tuple[str, ...]
    shape: tuple[int, ...]


class SplitRow(NamedTuple):
    """A weight that is a part of another, where it starts along the axis, and its shape."""

    name: str
    of: str
    start: int
    shape: tuple[int, ...]


class Concatenated(View):
    """Weights of which some are several of those below, one behind the other."""

    def __init__(self, weights: Weights, parts: Mapping[str, tuple[str, ...]], axis: int) -> None:
        self._parts, self._axis = dict(parts), axis
        first = {names[0]: one for one, names in parts.items()}
        gone = {name for names in parts.values() for name in names}
        names = ordered(
            weights,
            lambda name: (first[name],) if name in first else () if name in gone else (name,),
        )
        super().__init__(weights, {one: self._parts.get(one, (one,))[0] for one in names})
        self._shapes = {one: self._shape(one, names) for one, names in parts.items()}

    def spec(self, name: str) -> Spec:
        """Return a weight's shape and dtype as they are here."""
        below = super().spec(name)
        return Spec(self._shapes.get(name, below.shape), below.dtype)

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values: a new array for one that is made of several."""
        if name not in self._parts:
            return super().__getitem__(name)
        return self._joined(name, [fetch(self._base, one) for one in self._parts[name]])

    def unconverted(self, name: str, dtype: np.dtype[Any]) -> tuple[Array, str] | None:
        """Return what a cast below would convert, as `weights.cast` says; None without one."""
        ask = getattr(self._base, "unconverted", None)
        found = (
            [ask(one, dtype) for one in self._parts.get(name, (self._below(name),))] if ask else []
        )
        if not found or None in found:
            return None
        return self._joined(name, [array for array, _ in found]), found[0][1]

    def report(self) -> Report[ConcatRow]:
        """List what is joined."""
        rows = tuple(
            ConcatRow(name, self._parts[name], shape) for name, shape in self._shapes.items()
        )
        count = sum(len(row.parts) for row in rows)
        return Report(f"{count} of {len(self._base)} weights are joined to {len(rows)}", rows)

    def _done_to(self, name: str) -> Hashable:
        return name if name in self._parts else None

    def _joined(self, name: str, arrays: list[Array]) -> Array:
        if name not in self._parts:
            return arrays[0]
        joined: Array = np.concatenate(arrays, axis=self._axis)
        return joined

    def _shape(self, name: str, parts: Sequence[str]) -> tuple[int, ...]:
        specs = [spec_of(self._base, one) for one in parts]
        first = specs[0]
        rank = len(first.shape)
        _check_axis(self._axis, rank, parts[0], first)
        axis = self._axis % rank
        for other, spec in zip(parts, specs, strict=True):
            same = [*spec.shape[:axis], *spec.shape[axis + 1 :]]
            wanted = [*first.shape[:axis], *first.shape[axis + 1 :]]
            if len(spec.shape) != rank or same != wanted or spec.dtype != first.dtype:
                raise WeightError(
                    f"{name!r}: {parts[0]!r} is {first} and {other!r} is {spec}; one dtype, and"
                    f" shapes that differ along axis {self._axis} alone, can be joined"
                )
        length = sum(spec.shape[axis] for spec in specs)
        return (*first.shape[:axis], length, *first.shape[axis + 1 :])


class Stretches(Moved):
    """Weights of which some are stretches of those below."""

    def __init__(
        self,
        weights: Weights,
        parts: Mapping[str, tuple[str, ...]],
        sizes: tuple[int, ...] | None,
        axis: int,
    ) -> None:
        self._axis = axis
        found = ordered(weights, lambda name: parts.get(name, (name,)))
        of = {part: one for one, names in parts.items() for part in names}
        super().__init__(weights, {name: of.get(name, name) for name in found})
        self._stretches: dict[str, tuple[int, int]] = {}
        for one, names in parts.items():
            self._stretches.update(zip(names, self._cut(one, len(names), sizes), strict=True))

    def spec(self, name: str) -> Spec:
        """Return a weight's shape and dtype as they are here."""
        below = super().spec(name)
        if name not in self._stretches:
            return below
        start, stop = self._stretches[name]
        axis = self._axis % len(below.shape)
        return Spec((*below.shape[:axis], stop - start, *below.shape[axis + 1 :]), below.dtype)

    def report(self) -> Report[SplitRow]:
        """List the parts."""
        rows = tuple(
            SplitRow(name, self._below(name), start, self.spec(name).shape)
            for name, (start, _) in self._stretches.items()
        )
        count = len({row.of for row in rows})
        return Report(f"{count} of {len(self._base)} weights are cut into {len(rows)}", rows)

    def _done_to(self, name: str) -> Hashable:
        return self._stretches.get(name)

    def _moved(self, name: str, array: Array) -> Array:
        """Return a view of a stretch."""
        if name not in self._stretches:
            return array
        at: list[slice] = [slice(None)] * array.ndim
        at[self._axis] = slice(*self._stretches[name])
        part: Array = array[tuple(at)]
        return part

    def _cut(self, name: str, count: int, sizes: tuple[int, ...] | None) -> list[tuple[int, int]]:
        spec = spec_of(self._base, name)
        _check_axis(self._axis, len(spec.shape), name, spec)
        length = spec.shape[self._axis]
        if sizes is None and length % count:
            raise WeightError(
                f"{name!r} is {spec}, whose axis {self._axis} has no {count} parts of one size; say"
                " sizes="
            )
        own = (length // count,) * count if sizes is None else sizes
        if len(own) != count or sum(own) != length:
            raise WeightError(
                f"{name!r} is {spec}, to be cut into {count}; sizes are {list(own)}, and so many"
                f" with a sum of {length} are right"
            )
        ends = list(accumulate(own))
        return list(zip([0, *ends], ends, strict=False))


def concat(weights: Given, joins: Fused, *, axis: SupportsIndex = 0) -> Concatenated:
    """Join weights to one, in the place of the first of them.

    Args:
        weights: What to change; those that are no parts stay as they are.
        joins: Name of the new weight -> its parts, in their order. ``*`` in a name
            stands for any text, the same in the new name and in all parts:
            ``{"*.qkv.weight": ["*.q.weight", "*.k.weight", "*.v.weight"]}``.
        axis: Along which they lie one behind the other.

    Returns:
        A view, which `split` with the same names undoes; ``report()`` lists what is joined.

    Raises:
        WeightError: A name fits no weight, a part is missing or comes twice, a new
            name is taken, or dtypes or shapes do not fit.
        TypeError: There is no mapping, or something else for the parts or the axis.
    """
    weights, along = mapping_of(weights), whole(axis, "axis is an int")
    return Concatenated(weights, fused(weights, joins, "joins", whole=False), along)


def split(
    weights: Given,
    parts: Fused,
    sizes: Sequence[SupportsIndex] | None = None,
    *,
    axis: SupportsIndex = 0,
) -> Stretches:
    """Cut weights into several, each in the place of the one below.

    Args:
        weights: What to change; all others stay as they are.
        parts: Name of a weight -> the names of its parts, in their order. ``*`` as
            for `concat`.
        sizes: The parts' lengths along the axis; None for parts of one size.
        axis: Along which the parts lie one behind the other.

    Returns:
        A view, which `concat` with the same names undoes; its values are views of those
        below. ``report()`` lists the parts.

    Raises:
        WeightError: A name fits no weight, a new name is taken or comes twice, or
            the sizes do not fit.
        TypeError: There is no mapping, or something else for the parts, sizes or axis.
    """
    own = None if sizes is None else numbers(sizes, "sizes")
    if own is not None and any(size < 0 for size in own):
        raise WeightError(f"sizes are {list(own)}; numbers of 0 or more are right")
    weights, along = mapping_of(weights), whole(axis, "axis is an int")
    return Stretches(weights, fused(weights, parts, "parts", whole=True), own, along)


def _check_axis(axis: int, rank: int, name: str, spec: Spec) -> None:
    if not -rank <= axis < rank:
        raise WeightError(f"axis is {axis}, but {name!r} is {spec}")
