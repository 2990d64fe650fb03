"""Finding the sources of a model's constants by their values.

1. Equal elements in any order (`moves`): as they are, transposed, reshaped, cast.
2. Parts of sources behind each other (`joined`): slices, gates, fused matrices.
3. The formula of a batch normalization (`norm`).
4. Sums of two (`sums`).
5. What is cut out of a source along several axes (`boxes`).

The first that finds something counts. More than one way is decided by names where they
say it plainly (`names`), and is left to the caller otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._match import boxes
from acl_bundle.build._match.atoms import Atom, Sources
from acl_bundle.build._match.digest import digest, is_uniform
from acl_bundle.build._match.expr import Expr, evaluate
from acl_bundle.build._match.joined import AtomSlices, Joined
from acl_bundle.build._match.moves import moved_often, moves
from acl_bundle.build._match.names import ModelPlaces, decide
from acl_bundle.build._match.norm import NormFolded
from acl_bundle.build._match.sums import Sums
from acl_bundle.build._onnx.constants import ModelConstant

Array = NDArray[Any]

_MOST_WAYS: Final = 64


@dataclass(frozen=True)
class Ways:
    """What a constant may be made of.

    Attributes:
        found: The one way, where there is no doubt.
        listed: Otherwise, what is possible.
    """

    found: Expr | None = None
    listed: tuple[Expr, ...] = ()


class Search:
    """The sources, laid out for searching.

    Args:
        sources: What was given.
        places: Where the model reads its constants.
        epsilons: What may have been added to a variance.
    """

    def __init__(self, sources: Sources, places: ModelPlaces, epsilons: Sequence[float]) -> None:
        self._sources, self._places = sources, places
        self._atoms: dict[np.dtype[Any], dict[tuple[int, int], list[Atom]]] = {}
        self._parts: dict[np.dtype[Any], AtomSlices] = {}
        self._folded = NormFolded(sources.arrays, epsilons)
        self._sums = Sums(sources.arrays)

    def find(self, constant: ModelConstant) -> Ways:
        """Find what one constant is made of."""
        target = constant.array
        if is_uniform(target):
            return self._of_uniform(constant.name, target)
        of = digest(target)
        atoms = self._known(target.dtype).get((target.size, of.total), [])
        whole = [one for atom in atoms for one in _moved(atom, target)]
        if whole:
            return self._decided(constant.name, whole)
        joined = [
            one for way in self._cut(target.dtype).find(target, of)
            for one in self._of_parts(constant.name, way, target)
        ]  # fmt: skip
        if joined:
            return self._decided(constant.name, joined)
        often = [one for atom in atoms for one in _moved(atom, target, moved_often)]
        if often:
            return self._decided(constant.name, often)
        found = [one.made for one in self._folded.find(target)]
        return self._decided(constant.name, found or [*self._sums.find(target)])

    def find_boxes(self, constants: Sequence[ModelConstant]) -> dict[str, Ways]:
        """Find what constants, of which `find` knows nothing, may be cut out of."""
        left = [one for one in constants if not is_uniform(one.array)]
        found = {}
        for dtype in {one.array.dtype for one in left}:
            some = [one for one in left if one.array.dtype == dtype]
            atoms = self._sources.atoms(dtype, sums=False)
            ways = boxes.find(atoms, [one.array for one in some])
            for one, way in zip(some, ways, strict=True):
                found[one.name] = self._decided(one.name, way)
        return found

    def _of_uniform(self, name: str, target: Array) -> Ways:
        """One number throughout proves nothing: names must say where it is from."""
        of = digest(target)
        atoms = self._known(target.dtype).get((target.size, of.total), [])
        found = [one for atom in atoms for one in _moved(atom, target)]
        found = found or [one.made for one in self._folded.find(target)]
        return self._decided(name, found, certain=False)

    def _decided(self, name: str, found: Sequence[Expr], *, certain: bool = True) -> Ways:
        ways = self._different(found)
        if len(ways) == 1 and certain:
            return Ways(ways[0])
        named = list(dict.fromkeys(one.sources for one in ways))
        at = decide(name, self._places.of(name), named)
        chosen = [] if at is None else [one for one in ways if one.sources == named[at]]
        return Ways(chosen[0]) if len(chosen) == 1 else Ways(None, tuple(ways))

    def _different(self, found: Sequence[Expr]) -> list[Expr]:
        """Leave out what gives the same as another for whatever values."""
        ways = list(dict.fromkeys(found))
        if len(ways) < 2:
            return ways
        rng = np.random.default_rng(0)
        names = dict.fromkeys(name for one in ways for name in one.sources)
        other = {name: rng.random(self._sources.arrays[name].shape) + 0.5 for name in names}
        values: list[Array] = []
        kept = []
        for one in ways:
            value = evaluate(one, other.__getitem__)
            if not any(np.array_equal(value, each) for each in values):
                values.append(value)
                kept.append(one)
        return kept

    def _of_parts(self, name: str, way: Joined, target: Array) -> Iterator[Expr]:
        """The ways to choose for each part, those that names decide against left out."""
        places, parts = self._places.of(name), []
        for part in way.parts:
            named = list(dict.fromkeys(one.sources for one in part))
            at = decide(name, places, named) if len(named) > 1 else None
            parts.append(part if at is None else [o for o in part if o.sources == named[at]])
        for number, one in enumerate(product(*parts)):
            if number == _MOST_WAYS:
                return
            yield way.made(one, target.shape)

    def _known(self, dtype: np.dtype[Any]) -> Mapping[tuple[int, int], Sequence[Atom]]:
        if dtype not in self._atoms:
            known: defaultdict[tuple[int, int], list[Atom]] = defaultdict(list)
            for atom in self._sources.atoms(dtype):
                known[atom.array.size, atom.digest.total].append(atom)
            self._atoms[dtype] = known
        return self._atoms[dtype]

    def _cut(self, dtype: np.dtype[Any]) -> AtomSlices:
        if dtype not in self._parts:
            every = [atom for group in self._known(dtype).values() for atom in group]
            self._parts[dtype] = AtomSlices(every)
        return self._parts[dtype]


def _moved(
    atom: Atom, target: Array, how: Callable[[Expr, Array, Array], list[Expr]] = moves
) -> list[Expr]:
    return [atom.cast(one) for one in how(atom.made, atom.value, target)]
