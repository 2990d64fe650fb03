"""Writing MODEL_DEF: graphs as plain values, and their protobuf bytes (facts 5.5).

The counterpart of :mod:`acl_bundle.om._modeldef.graph`. Values are described with the
small classes here and turned into bytes by :func:`model_def`; the same values
give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

from acl_bundle import dtypes
from acl_bundle.om._modeldef import ge
from acl_bundle.om._proto.wire import chunk, float32, number, packed


@dataclass(frozen=True)
class Desc:
    """One tensor: its type, its dims, and for a constant where its value lies.

    ``shape`` may be ``(-2,)`` for an unknown rank. ``nbytes`` is worked out
    when every dim is known.
    """

    dtype: int
    shape: tuple[int, ...]
    format: int = dtypes.FORMAT_ND
    data_offset: int | None = None

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the tensor, 0 where a dim is unknown."""
        known = min(self.shape, default=0) >= 0
        return math.prod(self.shape) * dtypes.nbytes(self.dtype) if known else 0

    @cached_property
    def encoded(self) -> bytes:
        """The bytes of the description, which many nodes share."""
        return _desc(self)


@dataclass(frozen=True)
class ConstValue:
    """A constant's value, which stands in WEIGHTS_DATA."""

    desc: Desc


@dataclass(frozen=True)
class NamedAttrs:
    """Attributes that are one attribute's value."""

    values: Mapping[str, Attr]


Attr: TypeAlias = (
    "bool | int | float | str | bytes | ConstValue | NamedAttrs | Sequence[int | float | str]"
)


@dataclass(frozen=True)
class Op:
    """One operator; ``inputs`` are ``"<node>:<output>"``."""

    name: str
    type: str
    inputs: Sequence[str] = ()
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    input_descs: Sequence[Desc] = ()
    output_descs: Sequence[Desc] = ()
    subgraphs: Sequence[str] = ()
    sources: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class GraphValue:
    """One graph: a name and its operators in order of execution."""

    name: str
    ops: Sequence[Op]


def model_def(name: str, graphs: Sequence[GraphValue], attrs: Mapping[str, Attr]) -> bytes:
    """Return the bytes of a model definition whose root is the first graph."""
    parts = [chunk(ge.MODEL_NAME, name), number(ge.MODEL_VERSION, 1)]
    parts += [chunk(ge.MODEL_GRAPH, _graph(graph)) for graph in graphs]
    return b"".join(parts) + _attrs(ge.MODEL_ATTR, attrs)


def _graph(graph: GraphValue) -> bytes:
    ops = [chunk(ge.GRAPH_OP, _op(op, index)) for index, op in enumerate(graph.ops)]
    return chunk(ge.GRAPH_NAME, graph.name) + b"".join(ops)


def _op(op: Op, index: int) -> bytes:
    parts = [chunk(ge.OP_NAME, op.name), _text(ge.OP_TYPE, op.type)]
    parts += [chunk(ge.OP_INPUT, one) for one in op.inputs]
    parts += [_attrs(ge.OP_ATTR, op.attrs), number(ge.OP_ID, index)]
    parts += [chunk(ge.OP_SRC_NAME, source) for source, _ in op.sources]
    if op.sources:
        parts.append(packed(ge.OP_SRC_INDEX, [output for _, output in op.sources]))
    parts += [chunk(ge.OP_INPUT_DESC, desc.encoded) for desc in op.input_descs]
    parts += [chunk(ge.OP_OUTPUT_DESC, desc.encoded) for desc in op.output_descs]
    parts += [chunk(ge.OP_SUBGRAPH, one) for one in op.subgraphs]
    return b"".join(parts)


@lru_cache(maxsize=256)
def _text(field_number: int, value: str) -> bytes:
    """Return the field of a text that many have: a type, the name of an attribute."""
    return chunk(field_number, value)


@lru_cache(maxsize=256)
def _plain(dtype: int, shape: tuple[int, ...], layout: int) -> bytes:
    """Return what descriptions of a type and a shape share."""
    attrs: dict[str, Attr] = {
        ge.FORMAT_FOR_INT: layout, ge.ORIGIN_FORMAT_FOR_INT: layout, ge.ORIGIN_SHAPE: shape,
    }  # fmt: skip
    return b"".join((
        number(ge.DESC_DTYPE, dtypes.to_proto(dtype)),
        chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, shape) if shape else b""),
        chunk(ge.DESC_LAYOUT, dtypes.format_name(layout)),
        _attrs(ge.DESC_ATTR, attrs),
    ))  # fmt: skip


def _desc(desc: Desc) -> bytes:
    plain = _plain(desc.dtype, desc.shape, desc.format) + number(ge.DESC_SIZE, desc.nbytes)
    if desc.data_offset is None:
        return plain
    return b"".join((
        plain,
        number(ge.DESC_WEIGHT_SIZE, desc.nbytes),
        number(ge.DESC_DATA_OFFSET, desc.data_offset),
    ))  # fmt: skip


def _attrs(field_number: int, attrs: Mapping[str, Attr]) -> bytes:
    return b"".join([
        chunk(field_number, _text(ge.MAP_KEY, key) + chunk(ge.MAP_VALUE, _attr(value)))
        for key, value in attrs.items()
    ])  # fmt: skip


def _attr(value: Attr) -> bytes:
    if isinstance(value, int):
        return number(ge.ATTR_B if isinstance(value, bool) else ge.ATTR_I, value)
    if isinstance(value, float):
        return float32(ge.ATTR_F, value)
    if isinstance(value, str | bytes):
        return chunk(ge.ATTR_S if isinstance(value, str) else ge.ATTR_BT, value)
    if isinstance(value, NamedAttrs):
        return chunk(ge.ATTR_FUNC, _attrs(ge.FUNC_ATTR, value.values))
    if isinstance(value, ConstValue):
        return chunk(ge.ATTR_T, chunk(ge.TENSOR_DESC, value.desc.encoded))
    return chunk(ge.ATTR_LIST, _list(value))


def _list(values: Sequence[int | float | str]) -> bytes:
    if all(isinstance(value, int) for value in values):
        items, kind = packed(ge.LIST_I, map(int, values)), ge.LIST_TYPE_INT
    elif all(isinstance(value, str) for value in values):
        items = b"".join(chunk(ge.LIST_S, str(value)) for value in values)
        kind = ge.LIST_TYPE_STRING
    else:
        items = b"".join(float32(ge.LIST_F, float(value)) for value in values)
        kind = ge.LIST_TYPE_FLOAT
    return (items if values else b"") + number(ge.LIST_TYPE, kind)
