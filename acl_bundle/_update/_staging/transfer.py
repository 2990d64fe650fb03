"""The bytes of a plan on their way to the device: who carries what.

C (csrc/update/transfer.c) takes what is contiguous and either of the weight's
dtype or float32 for a narrow one; as much of it as possible in one call. A large
view of such a dtype, transposed say, takes a call of its own (csrc/update/gather.c).
The rest is fed to it piece by piece through the staging buffer, or as a copy of a
small weight, to be packed with the others (`by_numpy`).

What lies on the device already stays there: the graph reads it in place, or, where
it does not start as a graph wants it, a copy made on the device.

Small weights go first, as the stage has laid them. What a plan does not hold
itself (lazy values, small copies) is kept until C has taken it, and that is
never more than fills the staging buffer, or one value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.pieces import pieces
from acl_bundle._binding.failures import raise_failure
from acl_bundle._binding.shim import NULL, ffi, lib, text
from acl_bundle._device.array import ALIGNMENT
from acl_bundle._device.memory import HostBuffer
from acl_bundle._plan.casts import (
    BFLOAT,
    CONVERTS,
    FLOAT32,
    GATHER,
    HALF,
    ON_DEVICE,
    move_between,
    move_of,
    nonfinite,
)
from acl_bundle._plan.plan import Plan
from acl_bundle._update._staging.by_numpy import cast_pieces, copied, numbers

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_stage

Array = NDArray[Any]
STAGING = 16 << 20
PIECE = 1 << 20
PER_CALL = 1 << 30
"""Bytes after which C comes back, so that Ctrl-C works."""
SMALL = int(lib.AB_STAGE_SMALL)
AXES = int(lib.AB_GATHER_RANK)
WHAT = "staging an update"


class Transfer:
    """One plan's way to one area.

    Args:
        stage: The C half, which has laid the plan.
        area: Where to; NULL to send nothing and find `Plan.casts` alone.
        staging: At least what `staging_of` says.
        plan: What to move.
        lends: Whether the graph reads the caller's memory on the device in place.
    """

    def __init__(
        self, stage: ab_stage, area: Any, staging: HostBuffer, plan: Plan, lends: bool
    ) -> None:
        self._lends = lends
        self._stage, self._area, self._staging, self._plan = stage, area, staging, plan
        self._places: list[int] = []
        self._arrays: list[Array] = []
        self._moves: list[int] = []
        self._held = self._moved = 0

    def run(self) -> None:
        """Move everything.

        Raises:
            AclError: A copy failed; it says of which weight.
            WeightError: A lazy value is not what it was when it was checked.
        """
        plan = self._plan
        apart = GATHER in plan.moves or ON_DEVICE in plan.moves
        if plan.nbytes <= PER_CALL and not plan.met and not apart:
            self._move(range(len(plan.indices)), plan.indices, plan.arrays, plan.moves)
            return
        sizes = [_nbytes(plan, place) for place in range(len(plan.indices))]
        for small in (True, False):
            for place, nbytes in enumerate(sizes):
                if (nbytes < SMALL) == small:
                    self._take(place, small)
        self._flush()

    def _cost(self, place: int, small: bool) -> int:
        """The memory that a weight takes from when it is fetched until it is moved."""
        plan, spec = self._plan, self._plan.specs[place]
        copied = _nbytes(plan, place) if small else 0
        if spec.name in plan.met:
            dtype, shape = plan.met[spec.name]
            return dtype.itemsize * math.prod(shape) + copied
        return copied if plan.moves[place] == GATHER else 0

    def _take(self, place: int, small: bool) -> None:
        """Fetch one weight and move it, or keep it to be moved with others."""
        self._plan.pause()
        cost = self._cost(place, small)
        if self._held and self._held + cost > STAGING:
            self._flush()
        if self._plan.moves[place] == ON_DEVICE:
            self._carry(place)
            return
        array = self._plan.fetch(place)
        spec = self._plan.specs[place]
        move = GATHER if spec.name in self._plan.saturated else move_of(array, spec.dtype)
        if move == GATHER and small:
            array, move = copied(self._plan, place, array)
        if move == GATHER:
            across = move_between(array.dtype, spec.dtype)
            if across == GATHER or array.ndim > AXES or spec.name in self._plan.saturated:
                self._feed(place, array)
            else:
                self._gather(place, array, across)
            return
        self._places.append(place)
        self._arrays.append(array)
        self._moves.append(move)
        self._held += cost
        self._moved += array.nbytes
        if self._moved >= PER_CALL:
            self._flush()

    def _carry(self, place: int) -> None:
        """Copy on the device what the graph cannot read where it is; look at it if that is asked.

        Its values are read back for ``finite=True`` alone.
        """
        plan = self._plan
        array: Any = plan.arrays[place]
        if plan.options.finite:
            found = array.to_host()
            bad = sum(nonfinite(one) for one in pieces(found, PIECE)) if found.size else 0
            plan.note_nonfinite(place, bad)
        if self._area == NULL or not array.nbytes:
            return
        if self._lends and array.pointer % ALIGNMENT == 0:
            return
        source = ffi.cast("void *", array.pointer)
        result = lib.ab_stage_copy(self._stage, self._area, plan.indices[place], source)
        if result:
            raise_failure(result, WHAT, [plan.specs[place].name], ())

    def _flush(self) -> None:
        """Move what was kept, and let it go."""
        indices = [self._plan.indices[place] for place in self._places]
        self._move(self._places, indices, self._arrays, self._moves)
        self._places, self._arrays, self._moves = [], [], []
        self._held = self._moved = 0

    def _move(
        self,
        places: Sequence[int],
        indices: list[int],
        arrays: Sequence[Any],
        moves: list[int],
    ) -> None:
        """Have C move weights, and note what its conversions counted."""
        plan, size = self._plan, len(places)
        codes = bytes(moves)
        counts = ffi.new("ab_counts[]", size) if any(codes) else NULL
        result = lib.ab_stage_move(
            self._stage, self._area, self._staging.pointer, self._staging.nbytes,
            plan.options.threads, indices, codes,
            list(map(ffi.from_buffer, arrays)), counts, size,
        )  # fmt: skip
        if result:
            detail = lib.ab_stage_detail(self._stage)
            names = [plan.specs[place].name for place in places]
            raise_failure(result, WHAT, names, (), None if detail == NULL else text(detail))
        if counts != NULL:
            self._note_counts(places, codes, counts)

    def _note_counts(self, places: Sequence[int], codes: bytes, counts: Any) -> None:
        """Report what C has counted: few weights have any, so no line runs for each."""
        table = np.frombuffer(ffi.buffer(counts), np.uint64).reshape(len(codes), -1)
        bad = table[:, 0] + table[:, -1]  # they became infinite, or were not finite before
        for number in np.flatnonzero(bad).tolist():
            self._plan.note_nonfinite(places[number], int(bad[number]))
        if HALF in codes or BFLOAT in codes:
            for number, move in enumerate(codes):
                if move in CONVERTS:
                    self._plan.note_cast(places[number], FLOAT32, numbers(counts[number]))

    def _gather(self, place: int, array: Array, move: int) -> None:
        """Move one large view, whatever its strides."""
        counts = ffi.new("ab_counts[]", 1)
        result = lib.ab_stage_gather(
            self._stage, self._area, self._staging.pointer, self._staging.nbytes,
            self._plan.indices[place], move, ffi.cast("void *", array.ctypes.data),
            array.itemsize, array.ndim, array.shape, array.strides, counts,
        )  # fmt: skip
        if result:
            raise_failure(result, WHAT, [self._plan.specs[place].name], ())
        self._note_counts([place], bytes([move]), counts)

    def _feed(self, place: int, array: Array) -> None:
        """Move one large array piece by piece."""
        room = np.frombuffer(ffi.buffer(self._staging.pointer, PIECE), np.uint8)
        for offset, piece in cast_pieces(self._plan, place, array, room):
            self._send(place, offset, piece)

    def _send(self, place: int, offset: int, piece: Array) -> None:
        if self._area == NULL:
            return
        result = lib.ab_stage_piece(
            self._stage, self._area, self._plan.indices[place], offset,
            ffi.from_buffer(piece), piece.nbytes,
        )  # fmt: skip
        if result:
            raise_failure(result, WHAT, [self._plan.specs[place].name], ())


def staging_of(plan: Plan, small: int) -> int:
    """The size of the staging buffer that a plan needs.

    Args:
        plan: What is to be moved.
        small: Bytes that its small weights take in the area.
    """
    pieces_or_chunks = max(PIECE, plan.options.threads * int(lib.AB_STAGE_CHUNK))
    if GATHER in plan.moves:
        pieces_or_chunks = max(pieces_or_chunks, int(lib.AB_GATHER_SLAB))
    least = pieces_or_chunks if plan.met or not CONVERTS.isdisjoint(plan.moves) else 1
    return min(max(small, least), STAGING)


def _nbytes(plan: Plan, place: int) -> int:
    """A weight's bytes on the device."""
    spec = plan.specs[place]
    return math.prod(spec.shape or ()) * spec.dtype.itemsize
