"""Constants that are cut out of a source along several axes: a matrix within a matrix.

Of each constant that nothing else was found for one element, there but once, is looked
for in all sources, in one pass over them. Where it is found, the constant's other elements
must lie around it as they do in the constant, its axes along the source's in some order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._match.atoms import Atom
from acl_bundle.build._match.digest import same_bits
from acl_bundle.build._match.expr import Expr, apply, reshaped, transposed

Array = NDArray[Any]

_ENOUGH: Final = 8  # elements, as of a joined part
_MOST_AXES: Final = 5
_MOST_PLACES: Final = 64
_CHUNK: Final = 1 << 20


def find(atoms: Sequence[Atom], targets: Sequence[Array]) -> list[list[Expr]]:
    """Return for each target the boxes of atoms that it is, to the last bit.

    Args:
        atoms: Sources in the dtype of the targets.
        targets: Of one dtype.
    """
    found: list[list[Expr]] = [[] for _ in targets]
    asked: defaultdict[int, list[int]] = defaultdict(list)
    anchors = [_anchor(one) if one.size >= _ENOUGH else None for one in targets]
    for number, anchor in enumerate(anchors):
        if anchor is not None:
            asked[int(_bits(targets[number])[anchor])].append(number)
    least = min((targets[n].size for same in asked.values() for n in same), default=0)
    wanted = np.array(sorted(asked), np.uint64)
    for atom in atoms if asked else ():
        if atom.array.size <= least:
            continue
        for bits, places in _places(atom, wanted):
            for number in asked[bits]:
                anchor = anchors[number]
                if anchor is not None and targets[number].size < atom.array.size:
                    found[number] += _boxes(atom, targets[number], anchor, places)
    return found


def _bits(array: Array) -> Array:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(f"u{flat.dtype.itemsize}")


def _anchor(target: Array) -> int | None:
    """The place of an element that is there but once; None where there is none."""
    _, first, count = np.unique(_bits(target), return_index=True, return_counts=True)
    once = first[count == 1]
    return int(once.min()) if len(once) else None


def _places(atom: Atom, asked: Array) -> Iterator[tuple[int, list[int]]]:
    """Yield each element that is asked for, and where it lies in an atom; few places only."""
    bits = _bits(atom.value)
    wanted = np.zeros(1 << 16, bool)
    wanted[_key(asked.astype(bits.dtype))] = True
    found: defaultdict[int, list[int]] = defaultdict(list)
    for start in range(0, len(bits), _CHUNK):
        piece = bits[start : start + _CHUNK]
        hits = np.flatnonzero(wanted[_key(piece)])
        hits = hits[np.isin(piece[hits], asked)]
        for at in map(int, hits):
            one = found[int(piece[at])]
            if len(one) <= _MOST_PLACES:
                one.append(start + at)
    for value, places in found.items():
        if len(places) <= _MOST_PLACES:
            yield value, places


def _key(bits: Array) -> Array:
    """Sixteen bits of each element, in which all of its bits count."""
    while bits.dtype.itemsize > 2:
        half = bits.dtype.itemsize * 4
        bits = (bits ^ (bits >> bits.dtype.type(half))).astype(f"u{bits.dtype.itemsize // 2}")
    return bits


def _boxes(atom: Atom, target: Array, anchor: int, places: Sequence[int]) -> Iterator[Expr]:
    """The boxes of an atom around some places that are the target."""
    shape, value = atom.array.shape, atom.value
    brief = [dim for dim in target.shape if dim != 1]
    wanted = target.reshape(brief)
    if max(len(shape), len(brief)) > _MOST_AXES:
        return
    inside = np.unravel_index(anchor, brief)
    for place in places:
        around = np.unravel_index(place, shape)
        for axes in permutations(range(len(shape)), len(brief)):
            starts, stops = [int(one) for one in around], [int(one) + 1 for one in around]
            for axis, at, dim in zip(axes, inside, brief, strict=True):
                starts[axis] -= int(at)
                stops[axis] = starts[axis] + dim
            low, high = min(starts), [n - dim for n, dim in zip(stops, shape, strict=True)]
            if low < 0 or max(high) > 0:
                continue
            rest = [axis for axis in range(len(shape)) if axis not in axes]
            box = value[tuple(map(slice, starts, stops))].transpose(*axes, *rest).reshape(brief)
            if _same(box, wanted):
                cut = apply("slice", atom.made, starts=starts, stops=stops, steps=[1] * len(shape))
                now = [n - m for n, m in zip(stops, starts, strict=True)]
                if [*axes] != sorted(axes):
                    cut = transposed(cut, [*axes, *rest])
                    now = [now[axis] for axis in (*axes, *rest)]
                yield atom.cast(reshaped(cut, now, target.shape))


def _same(box: Array, wanted: Array) -> bool:
    """Whether two arrays are equal; most that are not differ at once."""
    corner = tuple(slice(0, 2) for _ in wanted.shape)
    return same_bits(box[corner], wanted[corner]) and same_bits(box, wanted)
