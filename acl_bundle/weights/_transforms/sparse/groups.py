"""Groups of four along the input axis of a weight: what 2:4 sparsity counts in.

Which axis that is depends on the layout:

======== ========================================== =====
layout   weight                                     axis
======== ========================================== =====
``kn``   MatMul ``[..., K, N]``                     -2
``nk``   MatMul with transpose_b, torch's Linear    -1
``oihw`` Conv2D ``[Cout, Cin, Kh, Kw]`` (ONNX)      1
``hwio`` Conv2D ``[Kh, Kw, Cin, Cout]`` (TensorFlow) 2
======== ========================================== =====

An axis that is no multiple of four ends in a group that counts as filled up with
zeros, which is what the chip's own padding makes of it: of three elements two
stay, of two or one all.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle.errors import WeightError
from acl_bundle.weights._base.pieces import place
from acl_bundle.weights._base.spec import Array

Layout: TypeAlias = Literal["kn", "nk", "oihw", "hwio"]
_AXES: Final = {"kn": -2, "nk": -1, "oihw": 1, "hwio": 2}
_RANKS: Final = {"kn": (2, 64), "nk": (2, 64), "oihw": (4, 4), "hwio": (4, 4)}
GROUP: Final = 4
KEPT: Final = 2


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


def two_of_four(array: Array, layout: str, name: str) -> NDArray[np.bool_]:
    """Return the mask of a weight: the two largest of every four; of equal ones the first.

    Raises:
        WeightError: A value is NaN.
    """
    size, axis = np.abs(array), _AXES[layout]
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


def broken(array: Array, layout: str, most: int) -> tuple[int, int, tuple[tuple[int, ...], ...]]:
    """Count groups, and those with more than two elements that differ from zero.

    Returns:
        Both numbers, and the coordinates where the first ``most`` broken ones start.
    """
    axis = _AXES[layout]
    filled = np.count_nonzero(_grouped(array != 0, axis, 0), axis=-1)
    wrong = np.argwhere(np.moveaxis(filled, -1, axis) > KEPT)
    first = wrong[:most]
    first[:, axis] *= GROUP
    return filled.size, len(wrong), tuple(tuple(map(int, one)) for one in first)


def along(shape: tuple[int, ...], layout: str) -> int:
    """Return the length of the axis that the groups lie along; of up to two all elements stay."""
    return shape[_AXES[layout]]


def number(shape: tuple[int, ...], layout: str) -> int:
    """Return how many groups a weight has."""
    length = along(shape, layout)
    others = int(np.prod(shape, dtype=np.int64)) // length if length else 0
    return others * -(-length // GROUP)


def _grouped(array: Array, axis: int, fill: float) -> Array:
    """Move an axis to the end and split it into groups, the last one filled up."""
    moved = np.moveaxis(array, axis, -1)
    short = -moved.shape[-1] % GROUP
    if short:
        moved = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(0, short)], constant_values=fill)
    return moved.reshape(*moved.shape[:-1], moved.shape[-1] // GROUP, GROUP)
