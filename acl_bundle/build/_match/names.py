"""Deciding by names between sources that hold equal values, where names say it plainly.

A constant is named, and so are the nodes that read it. Exporters name both by the
module they belong to: ``/fc1/MatMul`` reads what ``fc1.weight`` was, and
``model_1/conv2d_1/Squeeze:0`` is what ``model/conv2d/bias`` was. Where two places that
read a constant speak of two modules, it stands for two weights, and nothing is decided;
nor where two places say nothing: exporters merge equal weights under the name of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from onnx import GraphProto

from acl_bundle.build._onnx import walk
from acl_bundle.build._onnx.walk import TensorUse

Path = tuple[str, ...]

_BEHIND: Final = frozenset(("read", "Read", "ReadVariableOp", "resource"))
_COUNTED: Final = re.compile(r"(.*?)_\d+")


def path(name: str) -> Path:
    """Return the parts of a name, without what a framework puts behind it."""
    parts = [one for one in re.split(r"[/.]|::", re.sub(r":\d+$", "", name)) if one]
    while len(parts) > 1 and parts[-1] in _BEHIND:
        parts.pop()
    return tuple(parts)


class ModelPlaces:
    """Where each constant of a graph is read."""

    def __init__(self, graph: GraphProto) -> None:
        self._uses = walk.uses(graph)

    def of(self, constant: str) -> list[Path]:
        """Return the paths of what reads a constant, copies of it included."""
        return [path(name) for use in self._uses.get(constant, ()) for name in self._names(use)]

    def _names(self, use: TensorUse) -> Iterable[str]:
        node = use.node
        if node.op_type != "Identity":
            return [node.name or next(iter(node.output), "")]
        behind = self._uses.get(node.output[0], ())
        return [node.output[0], *(name for one in behind for name in self._names(one))]


def decide(
    constant: str, places: Sequence[Path], candidates: Sequence[Sequence[str]]
) -> int | None:
    """Return which candidate names decide for, None if they leave a doubt.

    Args:
        constant: The constant's name.
        places: The paths of what reads it.
        candidates: The sources of each.
    """
    own = path(constant)
    same = [at for at, names in enumerate(candidates) if [path(one) for one in names] == [own]]
    said = [_spoken_of(one, candidates) for one in places]
    if len(same) == 1:
        doubt = len(places) > 1 and any(found != {same[0]} for found in said)
        return None if doubt or any(found and same[0] not in found for found in said) else same[0]
    if len(places) > 1 and not all(said):
        return None
    chosen = _spoken_of(own, candidates).union(*said)
    return chosen.pop() if len(chosen) == 1 else None


def _spoken_of(one: Path, candidates: Sequence[Sequence[str]]) -> set[int]:
    """The candidates of whose modules the innermost is part of a path."""
    depths: Mapping[int, int] = {
        at: max(_depth(one, name) for name in names) for at, names in enumerate(candidates)
    }
    deepest = max(depths.values(), default=0)
    return {at for at, depth in depths.items() if depth == deepest > 0}


def _depth(one: Path, name: str) -> int:
    """How many parts the module of a source has, if a path leads into it; else 0.

    Keras counts a layer anew when it is called, ``conv2d_1`` for ``conv2d``; its names
    have slashes.
    """
    parts = path(name)
    if one == parts:
        return len(parts)
    module, counted = parts[:-1], "/" in name
    if len(module) > len(one):
        return 0
    for wanted, given in zip(module, one, strict=False):
        again = _COUNTED.fullmatch(given) if counted else None
        if given != wanted and (again is None or _uncounted(given) != wanted):
            return 0
    return len(module)


def _uncounted(part: str) -> str:
    return part.rpartition("_")[0]
