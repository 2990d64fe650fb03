"""Writing MODEL_DEF: graphs as plain values, and their protobuf bytes (facts 5.5).

The counterpart of :mod:`acl_bundle.om._modeldef.graph`. Values are described with the
small classes here and turned into bytes by :func:`model_def`; the same values
give the same bytes. Each operator is encoded when it is reached, so that graphs may
come from generators.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from acl_bundle import dtypes
from acl_bundle.om._modeldef import ge
from acl_bundle.om._proto.encode import Fields, encode, varints

_SHAPES: Final = 1024  # of which something is kept: many tensors have the same


class Desc(NamedTuple):
    """One tensor: its type, its dims, and for a constant where its value lies.

    ``shape`` may be ``(-2,)`` for an unknown rank. ``nbytes`` is worked out
    when every dim is known.
    """

    dtype: int
    shape: tuple[int, ...]
    format: int = dtypes.FORMAT_ND
    data_offset: int | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor, 0 where a dim is unknown."""
        return _nbytes(self.dtype, self.shape)

    @property
    def encoded(self) -> bytes:
        """The bytes of the description."""
        plain = _plain(self.dtype, self.shape, self.format)
        if self.data_offset is None:
            return plain
        return plain + encode(
            (ge.DESC_WEIGHT_SIZE, self.nbytes, ge.DESC_DATA_OFFSET, self.data_offset)
        )


class ConstValue(NamedTuple):
    """A constant's value, which stands in WEIGHTS_DATA."""

    desc: Desc


class NamedAttrs(NamedTuple):
    """Attributes that are one attribute's value."""

    values: Mapping[str, Attr]


Attr: TypeAlias = (
    "bool | int | float | str | bytes | ConstValue | NamedAttrs | Sequence[int | float | str]"
)


class Op(NamedTuple):
    """One operator; ``inputs`` are ``"<node>:<output>"``."""

    name: str
    type: str
    inputs: Sequence[str] = ()
    attrs: Mapping[str, Attr] = {}
    input_descs: Sequence[Desc] = ()
    output_descs: Sequence[Desc] = ()
    subgraphs: Sequence[str] = ()
    sources: Sequence[tuple[str, int]] = ()


class GraphValue(NamedTuple):
    """One graph: a name and its operators in order of execution."""

    name: str
    ops: Iterable[Op]


def model_def(name: str, graphs: Iterable[GraphValue], attrs: Mapping[str, Attr]) -> bytes:
    """Return the bytes of a model definition whose root is the first graph."""
    return encode((
        ge.MODEL_NAME, name,
        ge.MODEL_VERSION, 1,
        ge.MODEL_GRAPH, [*map(_graph, graphs)],
        ge.MODEL_ATTR, _attrs(attrs),
    ))  # fmt: skip


def _graph(graph: GraphValue) -> bytes:
    ops = [_op(op, index) for index, op in enumerate(graph.ops)]
    return encode((ge.GRAPH_NAME, graph.name, ge.GRAPH_OP, ops))


def _op(op: Op, index: int) -> bytes:
    name, kind, inputs, attrs, input_descs, output_descs, subgraphs, sources = op
    head: Fields = (
        ge.OP_NAME, name, ge.OP_TYPE, kind, ge.OP_INPUT, [*inputs], ge.OP_ATTR, _attrs(attrs),
        ge.OP_ID, index,
    )  # fmt: skip
    if sources:
        names, outputs = zip(*sources, strict=True)
        head += (ge.OP_SRC_NAME, [*names], ge.OP_SRC_INDEX, varints(outputs))
    made = encode(head) + _ends(tuple(input_descs), tuple(output_descs))
    return made + encode((ge.OP_SUBGRAPH, [*subgraphs])) if subgraphs else made


@lru_cache(maxsize=_SHAPES)
def _ends(inputs: tuple[Desc, ...], outputs: tuple[Desc, ...]) -> bytes:
    """Return the descriptions of an operator's inputs and outputs, which many have the same."""
    return encode((
        ge.OP_INPUT_DESC, [desc.encoded for desc in inputs],
        ge.OP_OUTPUT_DESC, [desc.encoded for desc in outputs],
    ))  # fmt: skip


@lru_cache(maxsize=_SHAPES)
def _nbytes(dtype: int, shape: tuple[int, ...]) -> int:
    known = min(shape, default=0) >= 0
    return math.prod(shape) * dtypes.nbytes(dtype) if known else 0


@lru_cache(maxsize=_SHAPES)
def _plain(dtype: int, shape: tuple[int, ...], layout: int) -> bytes:
    """Return the description of a tensor whose value is nowhere."""
    attrs: dict[str, Attr] = {
        ge.FORMAT_FOR_INT: layout, ge.ORIGIN_FORMAT_FOR_INT: layout, ge.ORIGIN_SHAPE: shape,
    }  # fmt: skip
    return encode((
        ge.DESC_DTYPE, dtypes.to_proto(dtype),
        ge.DESC_SHAPE, (ge.SHAPE_DIM, varints(shape)) if shape else (),
        ge.DESC_LAYOUT, dtypes.format_name(layout),
        ge.DESC_ATTR, _attrs(attrs),
        ge.DESC_SIZE, _nbytes(dtype, shape),
    ))  # fmt: skip


def _attrs(attrs: Mapping[str, Attr]) -> list[Fields]:
    """Return the entries of a map of attributes."""
    if not attrs:
        return []
    return [(ge.MAP_KEY, key, ge.MAP_VALUE, _attr(value)) for key, value in attrs.items()]


def _attr(value: Attr) -> Fields:
    if isinstance(value, int):
        return ge.ATTR_B if isinstance(value, bool) else ge.ATTR_I, value
    if isinstance(value, float):
        return ge.ATTR_F, value
    if isinstance(value, str | bytes):
        return ge.ATTR_S if isinstance(value, str) else ge.ATTR_BT, value
    if isinstance(value, NamedAttrs):
        return ge.ATTR_FUNC, (ge.FUNC_ATTR, _attrs(value.values))
    if isinstance(value, ConstValue):
        return ge.ATTR_T, (ge.TENSOR_DESC, value.desc.encoded)
    return ge.ATTR_LIST, _list(value)


def _list(values: Sequence[int | float | str]) -> Fields:
    if all(isinstance(value, int) for value in values):
        kind = ge.LIST_TYPE_INT
        items: Fields = (ge.LIST_I, varints(map(int, values)))
    elif all(isinstance(value, str) for value in values):
        kind, items = ge.LIST_TYPE_STRING, (ge.LIST_S, [*values])
    else:
        kind, items = ge.LIST_TYPE_FLOAT, (ge.LIST_F, [*map(float, values)])
    return (*(items if values else ()), ge.LIST_TYPE, kind)
