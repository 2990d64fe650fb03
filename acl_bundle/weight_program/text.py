"""A weight program as bytes: a length, JSON, and the values it speaks of.

``uint64`` little-endian: bytes of the JSON; the JSON in UTF-8; the values, each
C-contiguous at a multiple of 64 from the start. It lies in a bundle, as an
attribute of the update graph's definition, or beside a file for a chip.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program.ops import dtype_of, nbytes
from acl_bundle.weight_program.program import Constant, Step, WeightProgram

Array = NDArray[Any]
VERSION: Final = 1
_ALIGN: Final = 64
_LENGTH: Final = 8
_MOST: Final = 64 << 20  # bytes of JSON; a step takes about 200


def to_bytes(program: WeightProgram) -> bytes:
    """Return a program's bytes; the same program gives the same bytes."""
    values = {**program.values, **program.first}
    listed, at = {}, 0
    for name, value in values.items():
        at += -at % _ALIGN
        listed[name] = [value.dtype.name, list(value.shape), at]
        at += value.nbytes
    document = {
        "version": VERSION,
        "sources": [[s.name, s.dtype.name, list(s.shape or ())] for s in program.sources],
        "constants": [
            [one.name, one.value, one.dtype.name, list(one.shape)] for one in program.constants
        ],
        "steps": [[s.op, list(s.inputs), s.output, dict(s.options)] for s in program.steps],
        "values": {name: listed[name] for name in program.values},
        "first": {name: listed[name] for name in program.first},
        "aliases": dict(program.aliases),
        "unused": list(program.unused),
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH + len(text)) % _ALIGN)
    parts, at = [len(text).to_bytes(_LENGTH, "little"), text], 0
    for value in values.values():
        parts.append(bytes(-at % _ALIGN))
        parts.append(np.ascontiguousarray(value).tobytes())
        at += -at % _ALIGN + value.nbytes
    return b"".join(parts)


def from_bytes(data: memoryview | bytes) -> WeightProgram:
    """Read a program; its values are read-only views of the bytes.

    Raises:
        ValueError: They are no program, or one that does not hold together.
    """
    view = memoryview(data).cast("B").toreadonly()
    length = int.from_bytes(view[:_LENGTH], "little")
    if view.nbytes < _LENGTH or length > min(view.nbytes - _LENGTH, _MOST):
        raise ValueError(
            f"the program's head claims {length} bytes; at most"
            f" {min(max(view.nbytes - _LENGTH, 0), _MOST)} are right"
        )
    try:
        document = json.loads(bytes(view[_LENGTH : _LENGTH + length]))
        if document["version"] != VERSION:
            raise ValueError(
                f"the program's version is {document['version']!r}; {VERSION} is right"
            )
        return _program(document, view[_LENGTH + length :])
    except ValueError:
        raise
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(
            f"the program is not of the form it must have: {type(error).__name__}: {error}"
        ) from None


def _program(document: Mapping[str, Any], data: memoryview) -> WeightProgram:
    aliases: Mapping[str, str] = document["aliases"]
    return WeightProgram(
        sources=tuple(_source(*one) for one in document["sources"]),
        constants=tuple(_constant(*one) for one in document["constants"]),
        steps=tuple(_step(*one) for one in document["steps"]),
        values=_values(document["values"], data),
        first=_values(document["first"], data),
        aliases=dict(zip(_texts(*aliases), _texts(*aliases.values()), strict=True)),
        unused=_texts(*document["unused"]),
    )


def _source(name: str, dtype: str, shape: list[int]) -> WeightSpec:
    _texts(name)
    return WeightSpec(name, _dims(shape), dtype_of(dtype))


def _constant(name: str, value: str, dtype: str, shape: list[int]) -> Constant:
    _texts(name, value)
    return Constant(name, value, dtype_of(dtype), _dims(shape))


def _step(op: str, inputs: list[str], output: str, options: dict[str, Any]) -> Step:
    _texts(op, output)
    return Step(op, _texts(*inputs), output, dict(options))


def _values(listed: Mapping[str, Any], data: memoryview) -> dict[str, Array]:
    return {name: _value(name, data, *one) for name, one in listed.items()}


def _value(name: str, data: memoryview, dtype: str, shape: list[int], offset: int) -> Array:
    kind, dims = dtype_of(dtype), _dims(shape)
    size = nbytes(dims, kind)
    (at,) = _dims([offset])
    if at + size > data.nbytes:
        raise ValueError(
            f"value {name!r} ends at byte {at + size} of {data.nbytes}; it is cut short"
        )
    return np.frombuffer(data[at : at + size], kind).reshape(dims)


def _texts(*found: Any) -> tuple[str, ...]:
    for one in found:
        if not isinstance(one, str):
            raise ValueError(f"the program has {one!r} where a text is right")
    return found


def _dims(found: Iterable[Any]) -> tuple[int, ...]:
    dims = tuple(found)
    for one in dims:
        if type(one) is not int or one < 0:
            raise ValueError(f"the program has {one!r} where a number from 0 is right")
    return dims
