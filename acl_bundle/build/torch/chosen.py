"""Which of a module's tensors become refreshable weights, and what is said of the others."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from onnx import ModelProto

from acl_bundle.build._onnx import operands, walk
from acl_bundle.build.torch.names import ParameterNames
from acl_bundle.errors import WeightError

_MARKS = frozenset("*?[")


class Chosen(NamedTuple):
    """What `build.from_onnx` is asked for."""

    weights: list[str]
    aliases: Mapping[str, str]
    unused: list[str]


def choose(names: ParameterNames, model: ModelProto, patterns: Sequence[str] | None) -> Chosen:
    """Take all tensors that can be refreshed, or those that patterns name.

    Args:
        names: Of the module.
        model: What was exported.
        patterns: ParameterNames, and patterns with ``*``, ``?`` and ``[``; None for all.

    Raises:
        WeightError: A name or pattern fits nothing, or there is nothing to refresh.
    """
    empty, fixed = _unchangeable(names, model)
    found = [name for name in names.weights if name not in empty and name not in fixed]
    if fixed:
        warnings.warn(
            f"{_list(fixed)} decides shapes, so the graph is compiled for its value and an update"
            " passes over it",
            stacklevel=3,
        )
    if names.missing:
        warnings.warn(
            f"state_dict() has no {_list(names.missing)}, which the answer depends on: an update"
            " by state_dict() leaves it as it is",
            stacklevel=3,
        )
    if patterns is not None:
        found = _matching(patterns, found, names)
    if not found:
        raise WeightError(
            "no parameter or buffer is left that the answer depends on, so nothing could be"
            " refreshed"
        )
    kept = {*found}
    aliases = {name: one for name, one in names.aliases.items() if one in kept}
    return Chosen(found, aliases, [*names.unused, *empty, *fixed])


def _unchangeable(names: ParameterNames, model: ModelProto) -> tuple[list[str], list[str]]:
    """Weights without elements, and those that shapes depend on."""
    dims = {one.name: tuple(one.dims) for one in model.graph.initializer}
    uses = walk.uses(model.graph)
    empty = [name for name in names.weights if 0 in dims[name]]
    fixed = [name for name in names.weights if operands.fixed_use(name, uses) is not None]
    return empty, fixed


def _matching(patterns: Sequence[str], found: list[str], names: ParameterNames) -> list[str]:
    if isinstance(patterns, str):
        raise WeightError(f"weights is {patterns!r}; pass a list of names and patterns")
    taken: dict[str, None] = {}
    for pattern in patterns:
        if _MARKS.isdisjoint(pattern):
            known = {**dict.fromkeys(found), **names.aliases}
            one = names.aliases.get(pattern, pattern)
            hits = [one] if pattern in known and one in found else []
        else:
            hits = [name for name in found if fnmatchcase(name, pattern)]
            hits += [one for name, one in names.aliases.items() if fnmatchcase(name, pattern)]
        if not hits:
            raise WeightError(f"weights names {pattern!r}{_why(pattern, found, names)}")
        taken.update(dict.fromkeys(hits))
    return [name for name in found if name in taken]


def _why(pattern: str, found: Sequence[str], names: ParameterNames) -> str:
    if pattern in names.unused:
        return ", which the answer does not depend on"
    close = difflib.get_close_matches(pattern, found, n=3) or list(found[:20])
    return f", which fits nothing that can be refreshed; there are {_list(close)}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
