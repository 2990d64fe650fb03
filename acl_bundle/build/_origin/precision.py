"""A model in half precision whose refreshable weights stay what a trainer has."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from onnx import ModelProto

from acl_bundle.build._onnx import gather, walk
from acl_bundle.build._onnx.load import LoadedModel, Source, load
from acl_bundle.build._origin import selection
from acl_bundle.build._origin.selection import Choice
from acl_bundle.build.half import _model
from acl_bundle.errors import WeightError

Precision: TypeAlias = Literal["float16", "bfloat16"]

_SHOWN = 20


def check(precision: str | None, keep_float32: Sequence[str]) -> None:
    """Refuse a precision that there is not.

    Raises:
        ValueError: It is none of them, or `keep_float32` has no meaning without one.
    """
    right = " or ".join(map(repr, _model.HALVES))
    if precision is None:
        if keep_float32:
            raise ValueError(f"keep_float32 goes with a precision: {right}")
    elif precision not in _model.HALVES:
        raise ValueError(f"precision is {precision!r}; {right} is right, or None")


def in_half(
    source: Source, precision: str, choice: Choice, keep_float32: Sequence[str]
) -> tuple[ModelProto, list[str]]:
    """Return a model that computes in half precision, and the names of its chosen constants.

    Args:
        source: Path, bytes or ``ModelProto``; not changed. All its tensors come into memory.
        precision: ``"float16"`` or ``"bfloat16"``.
        choice: The constants that become refreshable; they keep their dtype.
        keep_float32: Names and patterns of constants that are computed with in float32.

    Raises:
        WeightError: A name or pattern fits no constant.
        ValueError, OSError: As for `load`.
    """
    whole = _whole(load(source))
    loaded = load(whole)
    constants = gather.gather(loaded).own
    chosen = [one.name for one in selection.choose(choice, constants, loaded.model.graph)]
    wide = matching(keep_float32, constants)
    return _model.halved(whole, precision, keep=chosen, wide=wide), chosen


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
    found: dict[str, None] = {}
    for pattern in patterns:
        hits = [
            other.get(name, name)
            for name in (*names, *other)
            if name == pattern or fnmatchcase(name, pattern)
        ]
        if not hits:
            near = difflib.get_close_matches(pattern, [*names, *other], n=5, cutoff=0.5)
            shown = ", ".join(map(repr, near or sorted({*names, *other})[:_SHOWN]))
            raise WeightError(
                f"keep_float32 names {pattern!r}, which fits no constant; there are {shown}"
            )
        found.update(dict.fromkeys(hits))
    return list(found)


def _whole(loaded: LoadedModel) -> ModelProto:
    """Take the tensors beside a model into it."""
    for tensor in walk.tensors(loaded.model.graph):
        if tensor.data_location == tensor.EXTERNAL:
            tensor.raw_data = bytes(loaded.constant(tensor, tensor.name).data)
            tensor.data_location = tensor.DEFAULT
            del tensor.external_data[:]
    return loaded.model
