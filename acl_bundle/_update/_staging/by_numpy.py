"""Weights that C cannot take as they are: made contiguous, cast and counted by numpy.

A large one goes piece by piece, so that no array is ever copied whole; a small one is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.floats import count
from acl_bundle._base.pieces import pieces
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._plan.casts import (
    BFLOAT,
    COPY,
    GATHER,
    HALF,
    convert,
    move_of,
    nonfinite,
    saturate,
)
from acl_bundle._plan.plan import Plan

Array = NDArray[Any]


def copied(plan: Plan, place: int, array: Array) -> tuple[Array, int]:
    """A contiguous copy of a small array, and its move; cast and counted unless C is to."""
    spec = plan.specs[place]
    clip = spec.name in plan.saturated
    copy = np.ascontiguousarray(array) if array.ndim else array
    move = move_of(copy, spec.dtype)
    if move != GATHER and not clip:
        return copy, move
    cast = np.empty(array.shape, spec.dtype)
    convert(copy, cast)
    found = count(copy, cast)
    plan.note_cast(place, array.dtype, found)
    plan.note_nonfinite(place, nonfinite(copy) + (0 if clip else found[0]))
    if clip:
        saturate(copy, cast)
    return cast, COPY


def cast_pieces(
    plan: Plan, place: int, array: Array, room: NDArray[np.uint8]
) -> Iterator[tuple[int, Array]]:
    """The pieces of a large array as the device is to have them, and how far in each begins.

    Args:
        plan: Where it is one of the values, and where what was found is noted.
        place: Which.
        array: The value.
        room: Where each piece is made, in place of the one before.
    """
    spec = plan.specs[place]
    clip = spec.name in plan.saturated
    elements = room.size // max(array.itemsize, spec.dtype.itemsize)
    totals, offset, bad = np.zeros(4, np.int64), 0, 0
    for piece in pieces(array, elements * array.itemsize):
        target = room[: piece.size * spec.dtype.itemsize].view(spec.dtype)
        found = _convert(piece, target)
        if found[0] and clip:
            saturate(piece, target)
        totals += found
        bad += nonfinite(piece)
        yield offset, target
        offset += target.nbytes
    plan.note_nonfinite(place, bad + (0 if clip else int(totals[0])))
    if array.dtype != spec.dtype:
        overflow, underflow, subnormal, nan = totals.tolist()
        plan.note_cast(place, array.dtype, (overflow, underflow, subnormal, nan))


def numbers(counts: Any) -> tuple[int, int, int, int]:
    """What C has counted of one conversion, as `count` says it."""
    return counts.overflow, counts.underflow, counts.subnormal, counts.nan


def _convert(piece: Array, target: Array) -> tuple[int, int, int, int]:
    """Write one contiguous piece in the weight's dtype; what `count` says of it."""
    move = move_of(piece, target.dtype)
    if move in (HALF, BFLOAT):
        found = ffi.new("ab_counts *")
        lib.ab_convert(move, ffi.from_buffer(target), ffi.from_buffer(piece), piece.size, found)
        return numbers(found)
    convert(piece, target)
    return (0, 0, 0, 0) if piece.dtype == target.dtype else count(piece, target)
