"""2:4 structured sparsity: of every four weights along the input axis, two are zero.

The pattern is the one that a sparse compilation looks for: groups of four
consecutive elements along the reduction axis (Cin), of MatMul without
``transpose_a`` and of Conv2D, in float32 or float64. Which axis that is depends
on the layout:

======== ========================================== =====
layout   weight                                     axis
======== ========================================== =====
``kn``   MatMul ``[..., K, N]``                     -2
``nk``   MatMul with transpose_b, torch's Linear    -1
``oihw`` Conv2D ``[Cout, Cin, Kh, Kw]`` (ONNX)      1
``hwio`` Conv2D ``[Kh, Kw, Cin, Cout]`` (TensorFlow) 2
======== ========================================== =====

The two of largest magnitude stay; of equal ones the first. An axis that is no
multiple of four ends in a group that counts as filled up with zeros, which is
what the chip's own padding makes of it: of three elements two stay, of two or
one all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle.errors import WeightError
from acl_bundle.weights._masks import Mask, MaskRow, Masks, mask_rows, pack
from acl_bundle.weights._patterns import assigned
from acl_bundle.weights._pieces import place
from acl_bundle.weights._report import Report
from acl_bundle.weights._spec import Array, Weights, spec_of
from acl_bundle.weights._view import View

Layout: TypeAlias = Literal["kn", "nk", "oihw", "hwio"]
_AXES: Final = {"kn": -2, "nk": -1, "oihw": 1, "hwio": 2}
_RANKS: Final = {"kn": (2, 64), "nk": (2, 64), "oihw": (4, 4), "hwio": (4, 4)}
_DTYPES: Final = (np.dtype(np.float32), np.dtype(np.float64))
GROUP: Final = 4
KEPT: Final = 2


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
        return Report(f"{len(rows)} of {len(self)} weights are 2:4 sparse", rows)

    def _mask(self, name: str, array: Array) -> Mask:
        if name not in self._packed:
            layout = self._layouts[name]
            self._packed[name] = pack(layout, two_of_four(array, _AXES[layout], name))
        return self._packed[name]

    def _row(self, name: str) -> SparseRow:
        array, layout = super().__getitem__(name), self._layouts[name]
        mask = self._mask(name, array).array
        squares = np.square(array, dtype=np.float64)
        whole = float(squares.sum())
        zeroed = int(np.count_nonzero((array != 0) & ~mask))
        share = float(squares[mask].sum()) / whole if whole else 1.0
        return SparseRow(name, layout, array.shape, _groups(array.shape, layout), zeroed, share)


def sparsify_2_4(weights: Weights, layouts: Mapping[str, Layout]) -> Sparse:
    """Make weights 2:4 sparse by magnitude.

    Args:
        weights: All weights; those that no pattern names stay as they are.
        layouts: Name or pattern -> ``"kn"``, ``"nk"``, ``"oihw"`` or ``"hwio"``
            (see the module), which says along which axis.

    Returns:
        A view; ``masks`` is what `enforce` needs later, ``report()`` says what
        is lost.

    Raises:
        WeightError: A pattern fits no weight, or a weight's rank or dtype does
            not fit its layout; on reading: a value is NaN.
    """
    return Sparse(weights, assigned(weights, layouts, "layouts"))


def check(
    weights: Weights, pattern: Masks | Mapping[str, Layout], *, most: int = 3
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
        WeightError: A pattern fits no weight, or a shape does not fit.
    """
    if isinstance(pattern, Masks):
        elements = mask_rows(weights, pattern, most)
        return Report(_verdict([row.violations for row in elements]), elements)
    layouts = assigned(weights, pattern, "layouts")
    groups = tuple(_group_row(weights[n], n, layout, most) for n, layout in layouts.items())
    return Report(_verdict([row.violations for row in groups]), groups)


def _verdict(violations: list[int]) -> str:
    broken = sum(count > 0 for count in violations)
    return f"{broken} of {len(violations)} weights break the pattern"


def two_of_four(array: Array, axis: int, name: str = "") -> NDArray[np.bool_]:
    """Return the mask of a weight: the two largest of every four along an axis.

    Raises:
        WeightError: A value is NaN.
    """
    size = np.abs(array)
    nan = np.isnan(size)
    if nan.any():
        at = place(int(nan.argmax()), array.shape)
        raise WeightError(f"weight {name!r} is NaN at {list(at)}, so its magnitudes have no order")
    groups = _grouped(size, axis, -1)
    keep = np.empty(groups.shape, bool)
    for mine in range(GROUP):
        beaten = np.zeros(groups.shape[:-1], np.int8)
        for other in range(GROUP):
            if other != mine:
                before = np.greater_equal if other < mine else np.greater
                beaten += before(groups[..., other], groups[..., mine])
        keep[..., mine] = beaten < KEPT
    flat = keep.reshape(*groups.shape[:-2], groups.shape[-2] * GROUP)[..., : array.shape[axis]]
    return np.ascontiguousarray(np.moveaxis(flat, -1, axis))


def check_layout(name: str, layout: str, shape: tuple[int, ...]) -> None:
    """Refuse a layout that is unknown or does not fit a weight.

    Raises:
        WeightError: It is.
    """
    if layout not in _AXES:
        raise WeightError(
            f"weight {name!r}: layout {layout!r} is unknown; {', '.join(_AXES)} are right"
        )
    least, most = _RANKS[layout]
    if not least <= len(shape) <= most:
        wanted = f"{least}" if least == most else f"{least} or more"
        raise WeightError(f"weight {name!r} has shape {shape}; layout {layout!r} has {wanted} axes")


def _grouped(array: Array, axis: int, fill: float) -> Array:
    """Move an axis to the end and split it into groups, the last one filled up."""
    moved = np.moveaxis(array, axis, -1)
    short = -moved.shape[-1] % GROUP
    if short:
        moved = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(0, short)], constant_values=fill)
    return moved.reshape(*moved.shape[:-1], moved.shape[-1] // GROUP, GROUP)


def _groups(shape: tuple[int, ...], layout: str) -> int:
    along = shape[_AXES[layout]]
    others = int(np.prod(shape, dtype=np.int64)) // along if along else 0
    return others * -(-along // GROUP)


def _group_row(array: Array, name: str, layout: str, most: int) -> GroupRow:
    check_layout(name, layout, array.shape)
    axis = _AXES[layout]
    filled = np.count_nonzero(_grouped(array != 0, axis, 0), axis=-1)
    wrong = np.argwhere(np.moveaxis(filled, -1, axis) > KEPT)
    first = []
    for found in wrong[:most]:
        found[axis] *= GROUP
        first.append(tuple(map(int, found)))
    return GroupRow(name, layout, filled.size, len(wrong), tuple(first))
