"""Choosing the constants that become refreshable weights.

By name, by pattern, or all that look like weights: floating-point, rank 1 or
more, read as data and nowhere as a shape, in the main graph. A name that is wrong in any
way is refused with the names that would have been right.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence, Set
from fnmatch import fnmatchcase
from typing import TypeAlias

from onnx import GraphProto

from acl_bundle._names.exported import by_exporter
from acl_bundle.build._onnx import element_types, operands, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.walk import TensorUse
from acl_bundle.errors import WeightError

Choice: TypeAlias = Sequence[str] | str

_SHOWN = 20


def choose(
    choice: Choice, constants: Mapping[str, ModelConstant], graph: GraphProto
) -> list[ModelConstant]:
    """Return the chosen constants, in the order they were named.

    Args:
        choice: Names and patterns, one pattern, or ``"all"``, which takes what a
            trainer has in the graph's order.
        constants: All constants of the main graph.
        graph: The main graph.

    Raises:
        WeightError: A name is empty, repeated, unknown or no constant, the
            constant has no elements, or a shape depends on it; a pattern
            matches none; or nothing was chosen.
    """
    uses = walk.uses(graph)
    if choice == "all":
        return _all(constants, uses)
    if isinstance(choice, Set) or (isinstance(choice, str) and not _is_pattern(choice)):
        raise WeightError(
            f'weights is {choice!r}; pass a list of names, in order, a pattern or "all"'
        )
    names = _spelled_out([choice] if isinstance(choice, str) else list(choice), constants, uses)
    if not names:
        raise WeightError(f"weights is empty; name at least one constant{_candidates(constants)}")
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        _check_name(name, position)
        _check_first(name, position, first)
        if name not in constants:
            raise _unknown(name, constants, graph)
        _check_constant(constants[name], uses)
    return [constants[name] for name in names]


def _is_pattern(name: object) -> bool:
    return isinstance(name, str) and not {"*", "?", "["}.isdisjoint(name)


def _spelled_out(
    names: Sequence[str],
    constants: Mapping[str, ModelConstant],
    uses: Mapping[str, list[TensorUse]],
) -> list[str]:
    """Put the names that it matches in the place of each pattern, those named before left out."""
    found: list[str] = []
    named = {name for name in names if isinstance(name, str)}
    for name in names:
        if not _is_pattern(name) or name in constants:
            found.append(name)
            continue
        matching = [
            one.name
            for one in constants.values()
            if fnmatchcase(one.name, name) and _is_weight(one, uses)
        ]
        if not matching:
            raise WeightError(
                f"the pattern {name!r} matches no floating-point constant of rank 1 or more that"
                f" is read as data{_candidates(constants, name)}"
            )
        found += [one for one in matching if one not in named]
        named.update(matching)
    return found


def _all(
    constants: Mapping[str, ModelConstant], uses: Mapping[str, list[TensorUse]]
) -> list[ModelConstant]:
    found = [one for one in constants.values() if _is_weight(one, uses) and not _is_filler(one)]
    if not found:
        raise WeightError(
            "the model has no floating-point constant of rank 1 or more that is read as data, so"
            " nothing could be refreshed; build.model makes a plain file"
        )
    return found


def _is_weight(one: ModelConstant, uses: Mapping[str, list[TensorUse]]) -> bool:
    return (
        one.elem in element_types.FLOATING
        and len(one.dims) > 0
        and one.data.nbytes > 0
        and bool(uses.get(one.name))
        and operands.shaping_use(one.name, uses) is None
    )


def _is_filler(one: ModelConstant) -> bool:
    """Whether no training job has it: named by an exporter, and one number throughout.

    Zero states of an LSTM and the scales of attention are such constants.
    """
    return by_exporter(one.name) and bool((one.array == one.array.reshape(-1)[0]).all())


def _check_name(name: object, position: int) -> None:
    if not isinstance(name, str):
        raise WeightError(f"weights[{position}] is {name!r}; a constant's name is needed")
    if not name:
        raise WeightError(f"weights[{position}] is empty; a constant's name is needed")
    if "\0" in name:
        raise WeightError(f"weights[{position}] is {name!r}; a name cannot hold a NUL character")


def _check_first(name: str, position: int, seen: dict[str, int]) -> None:
    first = seen.setdefault(name, position)
    if first != position:
        raise WeightError(f"weights names {name!r} twice, at {first} and {position}; once is right")


def _check_constant(one: ModelConstant, uses: Mapping[str, list[TensorUse]]) -> None:
    if not one.data.nbytes:
        raise WeightError(
            f"constant {one.name!r} has dims {list(one.dims)} and no elements; an update of it"
            " could not be told from one that keeps it"
        )
    use = operands.fixed_use(one.name, uses)
    if use is not None:
        raise WeightError(
            f"constant {one.name!r} is input {use.at} of {use.node.op_type} {use.node.name!r},"
            " where its value decides shapes; a compiled graph is fixed for it"
        )


def _unknown(name: str, constants: Mapping[str, ModelConstant], graph: GraphProto) -> WeightError:
    for tensor in graph.initializer:
        if tensor.name == name and not element_types.is_plain(tensor.data_type):
            kind = element_types.name(tensor.data_type)
            return WeightError(
                f"weight {name!r} has type {kind}; one of {element_types.names()} is right"
            )
    return WeightError(
        f"{name!r} is no constant of the model{_what_it_is(name, graph)}"
        f"{_candidates(constants, name)}"
    )


def _what_it_is(name: str, graph: GraphProto) -> str:
    if any(one.name == name for one in graph.input):
        return ": it is an input"
    for node in graph.node:
        if node.op_type == "Identity" and name in node.output:
            return f": it is an Identity of {node.input[0]!r}"
        if name in node.output:
            return f": it is computed by {node.op_type} {node.name!r}"
        if node.op_type == "Constant" and name == node.name:
            return f": it is the node that makes {node.output[0]!r}"
    for inner in list(walk.graphs(graph))[1:]:
        if name in walk.defined(inner):
            return f": it belongs to the inner graph {inner.name!r}"
    return ""


def _candidates(constants: Mapping[str, ModelConstant], name: str = "") -> str:
    close = difflib.get_close_matches(name, constants, n=5, cutoff=0.5)
    rest = sorted(constants.keys() - close, key=lambda one: (-constants[one].data.nbytes, one))
    shown = [*close, *rest][:_SHOWN]
    if not shown:
        return "; it has no constants"
    more = len(constants) - len(shown)
    return f"; its constants are {', '.join(map(repr, shown))}" + (f" and {more} more" * bool(more))
