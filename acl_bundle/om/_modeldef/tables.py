"""A definition as arrays of rows: graphs, nodes, tensors, numbers.

C walks over the bytes once (csrc/wire/tables.c) and leaves where things lie;
what an array has for ten thousand nodes is asked of all of them at once. The
columns are those of csrc/wire/ab_tables.h. Rows may be only as many as the
bytes of the definition pay for: a file that claims more is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle._acl import ffi, lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bytes import objects
from acl_bundle.om._bytes.objects import Indices
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import ge
from acl_bundle.om._proto.wire import NUMBERS_MAX, SPAN_BYTES, SPANS_FREE, damage, text

Rows: TypeAlias = NDArray[Any]

NODE_BYTES, TENSOR_BYTES, NUMBER_BYTES, PAIR_BYTES = 160, 64, 8, 32
"""What a node, a tensor, a number in a list and a pair in one take at least, on average.
Of this package's own files, with names of two letters, a node takes 235 and a tensor 84."""
FREE: Final = 1024
_SIZE_MAX: Final = (1 << 31) - 1

_GRAPH: Final = np.dtype([(name, "u4") for name in ("at", "size", "node", "nodes")])
_NODE: Final = np.dtype(
    [
        *((name, "u4") for name in ("at", "size", "name", "name_size")),
        *((name, "u4") for name in ("kind", "tensor", "tensors", "has_value")),
        *((name, "i8") for name in ("index", "index_kind", "offset", "offset_kind")),
    ]
)
_NUMBER: Final = np.dtype("i8")
_TENSOR: Final = np.dtype(
    [
        *((name, "u4") for name in ("at", "size", "layout", "layout_size", "data", "data_size")),
        *((name, "u4") for name in ("shape", "rank", "origin", "origin_rank")),
        *((name, "u4") for name in ("ranges", "range_count")),
        *(("dtype", "i4"), ("told", "u4")),
        *((name, "i8") for name in ("override", "override_kind", "format", "format_kind")),
        *((name, "i8") for name in ("nbytes", "weight_nbytes", "data_offset")),
    ]
)


class Tables:
    """The rows of a definition that lies in a span; what they say of places counts from there.

    Attributes:
        span: The definition.
        made: The arrays, as C has them: an ``ab_tables *``.
        kinds: How many nodes there are of each kind.
        attribute_count: How many entries the definition's own attributes have.
    """

    def __init__(self, span: Span, made: Any) -> None:
        self.span: Span = span
        self.made: Any = ffi.gc(made, lib.ab_tables_free, len(span))
        self.kinds: list[int] = list(made.kinds)
        self.attribute_count: int = made.attribute_count

    @cached_property
    def graphs(self) -> Rows:
        """Its graphs, the root first, and which nodes are theirs."""
        return self._array(self.made.graphs, self.made.graph_count, _GRAPH)

    @cached_property
    def nodes(self) -> Rows:
        """All nodes.

        ``tensor`` is the row of the tensor that a node is about, counted from 1; 0: it is about
        none.
        """
        return self._array(self.made.nodes, self.made.node_count, _NODE)

    @cached_property
    def tensors(self) -> Rows:
        """The tensors of weights and constants, and of the root's ends where asked for."""
        return self._array(self.made.tensors, self.made.tensor_count, _TENSOR)

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of all shapes and ranges."""
        return self._array(self.made.numbers, self.made.number_count, _NUMBER)

    @property
    def given(self) -> tuple[int, Rows] | None:
        """Which node is the root's NetOutput, and the tensors that it takes in, if there are any.

        Only where the root's ends were asked for.
        """
        if not self.made.net_output:
            return None
        at = int(self.made.net_output) - 1
        end = self.made.nodes[at]
        return (at, self.tensors[end.tensor - 1 :][: end.tensors]) if end.tensors else None

    def _array(self, pointer: Any, count: int, dtype: np.dtype[Any]) -> Rows:
        """View rows as an array, which keeps all of them in memory."""
        if not count:
            return np.empty(0, dtype)
        made = self.made
        kept = ffi.gc(pointer, lambda _: made)
        return np.frombuffer(ffi.buffer(kept, count * dtype.itemsize), dtype)

    @classmethod
    def read(cls, span: Span, *, ends: bool) -> Tables:
        """Read a whole definition (ModelDef).

        Args:
            span: Where it lies.
            ends: Whether to read what the root takes and gives.

        Raises:
            BundleFormatError: It is damaged, or claims more than its bytes pay for.
        """
        made, limits = ffi.new("ab_tables *"), _limits(span)
        view = span.view
        _check(span, lib.ab_tables_read(ffi.from_buffer(view), len(view), ends, limits, made), made)
        return cls(span, made)

    @classmethod
    def describe(cls, span: Span, *, value: bool = False) -> Tables:
        """Read the description of one tensor (TensorDescriptor), or a tensor (TensorDef).

        Raises:
            BundleFormatError: As above.
        """
        made, limits = ffi.new("ab_tables *"), _limits(span)
        view, read = span.view, lib.ab_tables_describe
        _check(span, read(ffi.from_buffer(view), len(view), value, limits, made), made)
        return cls(span, made)

    def stored(self, tensors: Rows) -> Iterator[tuple[int, ...] | None]:
        """Yield the stored dims of each, None where they are in another order, or open."""
        for layout, shape in zip(self.formats(tensors), self.shapes(tensors), strict=True):
            is_plain = layout in dtypes.PLAIN_FORMATS and min(shape, default=0) >= 0
            yield shape if is_plain else None

    def texts(self, at: Indices, size: Indices) -> list[str]:
        """Decode texts, as `Message.text` does."""
        try:
            return objects.texts(self.span.view, at, size)
        except UnicodeDecodeError:
            places = zip(at.tolist(), size.tolist(), strict=True)
            return [text(self.span.cut(*place, "a text")) for place in places]

    def names(self, nodes: Rows) -> list[str]:
        """Return the names of some nodes."""
        return self.texts(nodes["name"], nodes["name_size"])

    def dtypes(self, tensors: Rows) -> list[int]:
        """Return the ``aclDataType`` of each."""
        return _integers(
            list(map(dtypes.from_proto, tensors["dtype"].tolist())), tensors, "override"
        )

    def formats(self, tensors: Rows) -> list[int]:
        """Return the stored ``aclFormat`` of each."""
        stored: list[int] = tensors["format"].tolist()
        odd = np.flatnonzero(np.isin(tensors["format_kind"], (ge.ATTR_I, ge.ATTR_B), invert=True))
        names = self.texts(tensors["layout"][odd], tensors["layout_size"][odd])
        kinds = tensors["format_kind"][odd].tolist()
        for index, kind, name in zip(odd.tolist(), kinds, names, strict=True):
            stored[index] = (
                dtypes.from_proto(stored[index])
                if kind == ge.ATTR_DT
                else dtypes.format_number(name)
            )
        return stored

    def shapes(self, tensors: Rows) -> list[tuple[int, ...]]:
        """Return the stored dims of each."""
        return self.lists(tensors["shape"], tensors["rank"])

    def origins(self, tensors: Rows) -> list[tuple[int, ...] | None]:
        """Return the dims that the author of the graph wrote, None where they are not there."""
        dims = self.lists(tensors["origin"], tensors["origin_rank"])
        return [
            one if told else None for one, told in zip(dims, tensors["told"].tolist(), strict=True)
        ]

    def ranges(self, tensors: Rows) -> list[tuple[tuple[int, int], ...]]:
        """Return (least, most) per dim of each, empty where the file has none."""
        flat = self.lists(tensors["ranges"], tensors["range_count"])
        return [tuple(zip(one[::2], one[1::2], strict=True)) for one in flat]

    def lists(self, at: Indices, count: Indices) -> list[tuple[int, ...]]:
        """Return lists of numbers, as many as count from the places at on."""
        return objects.lists(self.numbers, at, count)


def _integers(stored: list[int], tensors: Rows, name: str) -> list[int]:
    """Put the numbers of an attribute in the place of what is stored, where they are there."""
    kinds = tensors[f"{name}_kind"]
    for index in np.flatnonzero(kinds).tolist() if kinds.any() else ():
        value = int(tensors[name][index])
        stored[index] = dtypes.from_proto(value) if kinds[index] == ge.ATTR_DT else value
    return stored


def _limits(span: Span) -> Any:
    size = len(span)
    if size > _SIZE_MAX:
        raise span.error(0, f"the definition has {size} bytes; protobuf's have {_SIZE_MAX} at most")
    counts = (
        SPANS_FREE + size // SPAN_BYTES,
        FREE + size // NODE_BYTES,
        FREE + size // TENSOR_BYTES,
        FREE + size // NUMBER_BYTES,
        NUMBERS_MAX,
        FREE + size // PAIR_BYTES,
    )
    return ffi.new("ab_limits *", counts)


def _check(span: Span, status: int, made: Any) -> None:
    if status == lib.AB_READ:
        return
    if status == lib.AB_NO_MEMORY:
        raise MemoryError
    if status == lib.AB_DAMAGED:
        raise damage(span.cut(0, made.end, "a message"), made.at)
    size = len(span)
    raise _too_many(span, status, size)


def _too_many(span: Span, status: int, size: int) -> BundleFormatError:
    limits = _limits(span)
    said = {
        lib.AB_GRAPHS: f"{limits.graphs} graphs",
        lib.AB_NODES: f"{limits.nodes} nodes",
        lib.AB_TENSORS: f"{limits.tensors} tensors",
        lib.AB_NUMBERS: f"{limits.numbers} numbers in shapes",
        lib.AB_LISTED: f"{limits.listed} numbers in one shape",
        lib.AB_PAIRS: f"{limits.pairs} pairs of numbers in ranges",
    }[status]
    return span.error(
        0,
        f"the definition has more than {said} in {size} bytes; no file that a compiler wrote has"
        " so many",
    )
