"""Two sets of weights side by side, one weight of each in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from acl_bundle._names.given import Given
from acl_bundle.weights._base.pieces import PIECE
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.spec import Array, Spec, Weights, fetch, mapping_of, spec_of


class DiffRow(NamedTuple):
    """What one weight is in the two sets.

    ``result`` is ``"same"``, ``"values"``, ``"dtype"`` (the values are compared all the
    same), ``"shape"``, ``"only in a"`` or ``"only in b"``. ``differing`` counts elements,
    ``max_abs`` is the largest difference, ``max_relative`` the largest in units of
    the larger of the two; all three are None where nothing was compared. NaN
    equals NaN, and is infinitely far from anything else.
    """

    name: str
    result: str
    a: Spec | None
    b: Spec | None
    differing: int | None = None
    max_abs: float | None = None
    max_relative: float | None = None


@dataclass(frozen=True)
class Diff(Report[DiffRow]):
    """The rows of a comparison."""

    @property
    def same(self) -> bool:
        """Whether both sets hold the same names, shapes, dtypes and values."""
        return all(row.result == "same" for row in self.rows)

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the weights that are not the same."""
        return tuple(row.name for row in self.rows if row.result != "same")


class Readable(Protocol):
    """What reads its weights back: a bundle, or a pair."""

    def _reading(self, what: str) -> AbstractContextManager[Weights]: ...


def diff(a: Given | Readable, b: Given | Readable) -> Diff:
    """Compare two sets of weights.

    Args:
        a: A source, view or dict; or a loaded bundle or pair, which keeps its version meanwhile.
        b: Another.

    Returns:
        A row per name: those of ``a`` in their order, then what only ``b`` has.

    Raises:
        WeightsFormatError: A file turned out to be damaged.
        TypeError: One is no mapping of name to array.
        UpdateError, UnsupportedError, PoisonedError, BusyError, ClosedError, AclError: As
            `Bundle.read`.
    """
    with ExitStack() as stack:
        # In an order that all comparisons of the same two bundles have.
        sides = sorted((a,) if a is b else (a, b), key=id)
        sets = {id(one): _opened(one, stack) for one in sides}
        rows = tuple(_rows(sets[id(a)], sets[id(b)]))
    changed = sum(row.result != "same" for row in rows)
    return Diff(f"{changed} of {len(rows)} weights differ" if changed else "no difference", rows)


def _opened(one: Given | Readable, stack: ExitStack) -> Weights:
    if hasattr(one, "_reading"):
        return stack.enter_context(one._reading("diff"))
    return mapping_of(one)


def _rows(a: Weights, b: Weights) -> Iterator[DiffRow]:
    for name in a:
        yield _row(a, b, name) if name in b else DiffRow(name, "only in a", spec_of(a, name), None)
    for name in b:
        if name not in a:
            yield DiffRow(name, "only in b", None, spec_of(b, name))


def _row(a: Weights, b: Weights, name: str) -> DiffRow:
    here, there = spec_of(a, name), spec_of(b, name)
    if here.shape != there.shape:
        return DiffRow(name, "shape", here, there)
    count, most, relative = _compare(fetch(a, name), fetch(b, name))
    result = "dtype" if here.dtype != there.dtype else "values" if count else "same"
    return DiffRow(name, result, here, there, count, most, relative)


def _compare(a: Array, b: Array) -> tuple[int, float, float]:
    """Return how many elements differ, the largest difference, and the largest relative one."""
    count, most, relative = 0, 0.0, 0.0
    flat_a, flat_b = a.reshape(-1), b.reshape(-1)
    for at in range(0, flat_a.size, PIECE):
        one, other = flat_a[at : at + PIECE], flat_b[at : at + PIECE]
        unequal = _unequal(one, other)
        if unequal.any():
            count += int(np.count_nonzero(unequal))
            difference, larger = _distance(one[unequal], other[unequal])
            most = max(most, float(difference.max()))
            relative = max(relative, float((difference / larger).max()))
    return count, most, relative


def _unequal(a: Array, b: Array) -> Array:
    unequal: Array = a != b
    if unequal.any() and a.dtype.kind not in "biu" and b.dtype.kind not in "biu":
        unequal &= ~(np.isnan(a) & np.isnan(b))
    return unequal


def _distance(a: Array, b: Array) -> tuple[Array, Array]:
    """Return |a - b| and the larger magnitude, of elements that are not equal."""
    wide: Any = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.longdouble
    x, y = a.astype(wide), b.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        difference, larger = np.abs(x - y), np.maximum(np.abs(x), np.abs(y))
    endless = ~np.isfinite(difference)
    difference[endless], larger[endless] = np.inf, 1
    return difference, larger
