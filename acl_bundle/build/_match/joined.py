"""Constants that are parts of sources, one behind the other: slices, joined gates, fused matrices.

A constant is cut into slices, and each slice is looked up among all slices of all
sources. Runs of slices that lie behind each other in one source too are its parts.
A part that is too small to tell is no evidence, and then nothing was found.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._match import expr
from acl_bundle.build._match.atoms import Atom
from acl_bundle.build._match.digest import Cut, Digest, Tokens, digest, is_uniform
from acl_bundle.build._match.expr import Expr, reshaped
from acl_bundle.build._match.moves import moves

Array = NDArray[Any]

_MOST_PARTS: Final = 1024
_ENOUGH: Final = 8  # elements of a part that is neither whole nor one of equal ones
_MOST_GATES: Final = 8
_MOST_PLACES: Final = 4


@dataclass(frozen=True)
class Stretch:
    """Where a part of an atom begins: the number of a slice of a cut."""

    atom: Atom
    cut: Cut
    at: int


@dataclass(frozen=True)
class Run:
    """Slices of a constant that lie behind each other in an atom.

    Attributes:
        places: Where; more than one where several atoms have the same.
        length: How many slices.
    """

    places: tuple[Stretch, ...]
    length: int


@dataclass(frozen=True)
class Joined:
    """A constant made of parts.

    Attributes:
        cut: How it was cut.
        parts: What each part can be made of, in order.
    """

    cut: Cut
    parts: tuple[tuple[Expr, ...], ...]

    def made(self, parts: Sequence[Expr], shape: tuple[int, ...]) -> Expr:
        """Return the constant's expression with one choice for each part."""
        axis = self.cut.axis
        whole = parts[0] if len(parts) == 1 else expr.apply("concat", *parts, axis=axis)
        return reshaped(whole, self.cut.shape(shape), shape)


class _Group:
    """All slices of one size."""

    def __init__(self) -> None:
        self._rows: list[tuple[Atom, Cut, Tokens]] = []

    def add(self, atom: Atom, cut: Cut, tokens: Tokens) -> None:
        self._rows.append((atom, cut, tokens))

    def close(self) -> None:
        lengths = [len(tokens) for _, _, tokens in self._rows]
        self._ends = np.cumsum(lengths)
        self._all = np.concatenate([tokens for _, _, tokens in self._rows])
        self._order = np.argsort(self._all, kind="stable")
        self._sorted = self._all[self._order]

    def runs(self, tokens: Tokens) -> list[Run] | None:
        """Cut a row of slices into runs, each as long as can be; None if one is nowhere."""
        probe = np.searchsorted(self._sorted, tokens[:1])
        if probe[0] == len(self._sorted) or self._sorted[probe[0]] != tokens[0]:
            return None  # as most are
        low = np.searchsorted(self._sorted, tokens, "left")
        high = np.searchsorted(self._sorted, tokens, "right")
        if (low == high).any():
            return None
        found: list[Run] = []
        at = 0
        while at < len(tokens):
            if len(found) == _MOST_PARTS:
                return None
            starts, length = self._longest(tokens[at:], self._order[low[at] : high[at]])
            found.append(Run(tuple(map(self._place, starts[: _MOST_PLACES + 1])), length))
            at += length
        return found

    def _longest(self, tokens: Tokens, starts: NDArray[np.intp]) -> tuple[list[int], int]:
        """The places from where a row of slices goes on longest."""
        room = self._ends[np.searchsorted(self._ends, starts, "right")] - starts
        length = 1
        while length < len(tokens):
            on = room > length
            on[on] = self._all[starts[on] + length] == tokens[length]
            if not on.any():
                break
            starts, room = starts[on], room[on]
            length += 1
            if len(starts) == 1:
                start, most = int(starts[0]), min(int(room[0]), len(tokens))
                differ = np.flatnonzero(self._all[start : start + most] != tokens[:most])
                return [start], int(differ[0]) if len(differ) else most
        return [int(one) for one in starts], length

    def _place(self, start: int) -> Stretch:
        row = int(np.searchsorted(self._ends, start, "right"))
        atom, cut, tokens = self._rows[row]
        return Stretch(atom, cut, start - int(self._ends[row]) + len(tokens))


class AtomSlices:
    """All slices of all atoms of one dtype."""

    def __init__(self, atoms: Sequence[Atom]) -> None:
        self._groups: defaultdict[int, _Group] = defaultdict(_Group)
        for atom in atoms:
            for cut, tokens in atom.digest.slices.items():
                self._groups[atom.array.size // len(tokens)].add(atom, cut, tokens)
        for group in self._groups.values():
            group.close()

    def find(self, target: Array, of: Digest | None = None) -> list[Joined]:
        """Return the ways in which a constant is made of parts, those of the fewest parts.

        Args:
            target: The constant's value.
            of: Its digest, where it is known.
        """
        slices = (of or digest(target)).slices
        found = [
            one for cut, tokens in slices.items() if (one := self._joined(target, cut, tokens))
        ]
        least = min((len(one.parts) for one in found), default=0)
        return [one for one in found if len(one.parts) == least]

    def _joined(self, target: Array, cut: Cut, tokens: Tokens) -> Joined | None:
        group = self._groups.get(target.size // len(tokens))
        runs = group and group.runs(tokens)
        if not runs:
            return None
        viewed = np.moveaxis(cut.view(target), cut.axis, 0)
        parts, at = [], 0
        for run in runs:
            piece = np.moveaxis(viewed[at : at + run.length], 0, cut.axis)
            made = [one for place in run.places for one in _part(place, run.length, piece)]
            if not made or len(made) > _MOST_PLACES:
                return None
            parts.append(tuple(made))
            at += run.length
        return Joined(cut, tuple(parts))


def _part(place: Stretch, length: int, piece: Array) -> list[Expr]:
    """The ways in which a piece of a constant is the part of an atom that begins at a place."""
    atom, cut, at = place.atom, place.cut, place.at
    shape = cut.shape(atom.array.shape)
    whole = length == shape[cut.axis]
    if is_uniform(piece) or not (whole or _is_evidence(shape[cut.axis], at, length, piece.size)):
        return []
    viewed = cut.view(atom.value)
    one = reshaped(atom.made, atom.array.shape, shape)
    if not whole:
        starts, stops = [0] * len(shape), list(shape)
        starts[cut.axis], stops[cut.axis] = at, at + length
        one = expr.apply("slice", one, starts=starts, stops=stops, steps=[1] * len(shape))
        viewed = np.moveaxis(np.moveaxis(viewed, cut.axis, 0)[at : at + length], 0, cut.axis)
    return [atom.cast(made) for made in moves(one, viewed, piece)]


def _is_evidence(dim: int, at: int, length: int, size: int) -> bool:
    """Whether a part is large, or one of a few equal parts of its source, as gates are."""
    return size >= _ENOUGH or (size > 1 and math.gcd(at, length, dim) * _MOST_GATES >= dim)
