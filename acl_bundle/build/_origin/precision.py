"""A model in half precision whose refreshable weights stay what a trainer has."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from onnx import GraphProto, ModelProto

from acl_bundle._base.arguments import ArgumentError
from acl_bundle.build._onnx import gather, walk
from acl_bundle.build._onnx.load import LoadedModel, load
from acl_bundle.build._origin import selection
from acl_bundle.build._origin.selection import Choice
from acl_bundle.build.half import _model
from acl_bundle.build.half._nodes import layer_name
from acl_bundle.errors import WeightError

Precision: TypeAlias = Literal["float16", "bfloat16"]

_SHOWN = 20


def check(
    precision: str | None, keep_float32: Sequence[str], keep_float32_layers: Sequence[str] = ()
) -> None:
    """Refuse a precision that there is not.

    Raises:
        ValueError: It is none of them, or what stays float32 has no meaning without one.
    """
    right = " or ".join(map(repr, _model.HALVES))
    if precision is None:
        for option, given in (
            ("keep_float32", keep_float32),
            ("keep_float32_layers", keep_float32_layers),
        ):
            if given:
                raise ValueError(f"{option} goes with a precision: {right}")
    elif precision not in _model.HALVES:
        raise ValueError(f"precision is {precision!r}; {right} is right, or None")


def in_half(
    source: LoadedModel,
    precision: str,
    choice: Choice,
    keep_float32: Sequence[str],
    keep_float32_layers: Sequence[str] = (),
) -> tuple[ModelProto, list[str]]:
    """Return a model that computes in half precision, and the names of its chosen constants.

    Args:
        source: The model; not changed. All its tensors come into memory.
        precision: ``"float16"`` or ``"bfloat16"``.
        choice: The constants that become refreshable; they keep their dtype.
        keep_float32: Names and patterns of constants that are computed with in float32.
        keep_float32_layers: Names and patterns of nodes that compute in float32.

    Raises:
        WeightError: A name or pattern fits no constant.
        ValueError: One fits no node; or as for `load`.
        OSError: As for `load`.
    """
    whole = _whole(source)
    loaded = load(whole)
    constants = gather.gather(loaded).own
    chosen = [one.name for one in selection.choose(choice, constants, loaded.model.graph)]
    wide = matching(keep_float32, constants)
    layers = _layers(keep_float32_layers, whole.graph)
    return _model.halved(whole, precision, keep=chosen, wide=wide, layers=layers), chosen


def matching(
    patterns: Sequence[str], names: Collection[str], aliases: Mapping[str, str] | None = None
) -> list[str]:
    """Return the constants that stay float32.

    Args:
        patterns: Names and patterns.
        names: Those of the model's constants.
        aliases: Other names, and the constant that each is.

    Raises:
        WeightError: One fits nothing; the message has near names.
    """
    if isinstance(patterns, str):
        raise WeightError(f"keep_float32 is {patterns!r}; pass a list of names or patterns")
    other = aliases or {}
    every = [*names, *other]
    found: dict[str, None] = {}
    for pattern in patterns:
        hits = [other.get(name, name) for name in _fitting(pattern, every)]
        if not hits:
            shown = _near(pattern, every)
            raise WeightError(
                f"keep_float32 names {pattern!r}, which fits no constant; there are {shown}"
            )
        found.update(dict.fromkeys(hits))
    return list(found)


def _layers(patterns: Sequence[str], graph: GraphProto) -> list[str]:
    """Return the nodes that compute in float32, those of inner graphs too."""
    if isinstance(patterns, str):
        raise TypeError(
            f"keep_float32_layers is {patterns!r}; a list of names or patterns is right"
        )
    nodes = (node for one in walk.graphs(graph) for node in one.node)
    names = list(dict.fromkeys(map(layer_name, nodes)))
    found: list[str] = []
    for pattern in patterns:
        hits = _fitting(pattern, names)
        if not hits:
            raise ArgumentError(
                f"keep_float32_layers names {pattern!r}, which fits no node; there are"
                f" {_near(pattern, names)}",
                "keep_float32_layers",
            )
        found += hits
    return found


def _fitting(pattern: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if name == pattern or fnmatchcase(name, pattern)]


def _near(pattern: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(pattern, names, n=5, cutoff=0.5)
    return ", ".join(map(repr, near or sorted({*names})[:_SHOWN]))


def _whole(loaded: LoadedModel) -> ModelProto:
    """Take the tensors beside a model into it."""
    for tensor in walk.tensors(loaded.model.graph):
        if tensor.data_location == tensor.EXTERNAL:
            tensor.raw_data = bytes(loaded.constant(tensor, tensor.name).data)
            tensor.data_location = tensor.DEFAULT
            del tensor.external_data[:]
    return loaded.model
