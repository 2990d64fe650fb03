"""2:4 structured sparsity: of every four weights along the input axis, two are zero.

The pattern is the one that a sparse compilation looks for: groups of four
consecutive elements along the reduction axis (Cin), of MatMul without
``transpose_a`` and of Conv2D, in float32 or float64 (`_groups`). The two of
largest magnitude stay; of equal ones the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import assigned
from acl_bundle.weights._base.report import Report, listed
from acl_bundle.weights._base.spec import Array, Weights, fetch, mapping_of, spec_of
from acl_bundle.weights._base.view import View
from acl_bundle.weights._transforms.sparse.groups import (
    KEPT,
    Layout,
    along,
    broken,
    check_layout,
    number,
    two_of_four,
)
from acl_bundle.weights._transforms.sparse.masks import Mask, MaskRow, Masks, mask_rows, pack

_DTYPES: Final = (np.dtype(np.float32), np.dtype(np.float64))


class SparseRow(NamedTuple):
    """What sparsity does to one weight.

    ``zeroed`` counts elements that were not zero and are now; ``energy`` is the
    share of the sum of squares that stays.
    """

    name: str
    layout: str
    shape: tuple[int, ...]
    groups: int
    zeroed: int
    energy: float


class GroupRow(NamedTuple):
    """A weight's groups of four, and those with more than two non-zero elements.

    ``first`` are the coordinates where the first of those groups start.
    """

    name: str
    layout: str
    groups: int
    violations: int
    first: tuple[tuple[int, ...], ...]


class Sparse(View):
    """Weights of which some are 2:4 sparse. Masks are worked out when first needed, and kept."""

    def __init__(self, weights: Weights, layouts: Mapping[str, str]) -> None:
        super().__init__(weights)
        self._layouts = dict(layouts)
        self._packed: dict[str, Mask] = {}
        for name, layout in layouts.items():
            spec = spec_of(weights, name)
            if spec.dtype not in _DTYPES:
                raise WeightError(
                    f"weight {name!r} is {spec}; 2:4 sparsity is for float32 and float64, so cast"
                    " afterwards"
                )
            check_layout(name, layout, spec.shape)

    @property
    def masks(self) -> Masks:
        """The masks of all sparse weights; reads those that nobody has asked for yet."""
        for name in self._layouts:
            if name not in self._packed:
                self._mask(name, super().__getitem__(name))
        return Masks({name: self._packed[name] for name in self._layouts})

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values: a new array for a sparse one.

        Raises:
            KeyError: There is no such weight.
            WeightError: A value is NaN, which has no magnitude.
        """
        array = super().__getitem__(name)
        if name not in self._layouts:
            return array
        return np.where(self._mask(name, array).array, array, np.zeros((), array.dtype))

    def report(self) -> Report[SparseRow]:
        """Say what is lost; reads all sparse weights."""
        rows = tuple(map(self._row, self._layouts))
        idle = [row.name for row in rows if along(row.shape, row.layout) <= KEPT]
        title = f"{len(rows) - len(idle)} of {len(self)} weights are 2:4 sparse"
        if idle:
            title += f"; nothing can be pruned in {listed(idle)}, of which groups have two at most"
        return Report(title, rows)

    def _mask(self, name: str, array: Array) -> Mask:
        if name not in self._packed:
            layout = self._layouts[name]
            self._packed[name] = pack(layout, two_of_four(array, layout, name))
        return self._packed[name]

    def _row(self, name: str) -> SparseRow:
        array, layout = super().__getitem__(name), self._layouts[name]
        mask = self._mask(name, array).array
        zeroed = int(np.count_nonzero((array != 0) & ~mask))
        share = _energy(array, mask)
        return SparseRow(name, layout, array.shape, number(array.shape, layout), zeroed, share)


def sparsify_2_4(weights: Given, layouts: Mapping[str, Layout]) -> Sparse:
    """Make weights 2:4 sparse by magnitude.

    Args:
        weights: All weights; those that no pattern names stay as they are.
        layouts: Name or pattern -> ``"kn"``, ``"nk"``, ``"oihw"`` or ``"hwio"``
            which says along which axis the groups lie.

    Returns:
        A view; ``masks`` is what `enforce` needs later, ``report()`` says what
        is lost.

    Raises:
        WeightError: A pattern fits no weight, or a weight's rank or dtype does
            not fit its layout; on reading: a value is NaN.
    """
    weights = mapping_of(weights)
    return Sparse(weights, assigned(weights, layouts, "layouts"))


def check(
    weights: Given, pattern: Masks | Mapping[str, Layout], *, most: int = 3
) -> Report[MaskRow] | Report[GroupRow]:
    """Find what breaks the pattern, with coordinates.

    Args:
        weights: What to look at.
        pattern: `Masks`, for elements that differ from zero where their mask
            says zero; or layouts, for groups of four with more than two
            elements that differ from zero.
        most: How many coordinates to list per weight.

    Returns:
        A row per weight that is looked at; ``violations`` are counted in all.

    Raises:
        WeightError: A pattern fits no weight, no mask is for one of them, or a
            shape does not fit.
    """
    weights = mapping_of(weights)
    if isinstance(pattern, Masks):
        elements = mask_rows(weights, pattern, most)
        if not elements:
            raise WeightError(
                "none of the masks is for one of these weights; they are for"
                f" {listed(list(pattern))}, and the weights are {listed(list(weights))}"
            )
        return Report(_verdict([row.violations for row in elements]), elements)
    layouts = assigned(weights, pattern, "layouts")
    groups = tuple(_group_row(fetch(weights, n), n, layout, most) for n, layout in layouts.items())
    return Report(_verdict([row.violations for row in groups]), groups)


def _verdict(violations: list[int]) -> str:
    broken = sum(count > 0 for count in violations)
    return f"{broken} of {len(violations)} weights break the pattern"


def _energy(array: Array, mask: NDArray[np.bool_]) -> float:
    """The share of the sum of squares under a mask; 1 where there is nothing to lose."""
    size = np.abs(array, dtype=np.float64)
    largest = size.max(initial=0.0)
    if not np.isfinite(largest):
        size, largest = np.isinf(size).astype(np.float64), 1.0
    squares = np.square(np.divide(size, largest, out=size, where=largest > 0))
    whole = float(squares.sum())
    return float(squares[mask].sum()) / whole if whole else 1.0


def _group_row(array: Array, name: str, layout: str, most: int) -> GroupRow:
    check_layout(name, layout, array.shape)
    return GroupRow(name, layout, *broken(array, layout, most))
