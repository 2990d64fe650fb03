"""A definition as arrays of rows: graphs, nodes, tensors, numbers.

C walks over the bytes once (csrc/wire/tables.c) and leaves where things lie;
what an array has for ten thousand nodes is asked of all of them at once. The
columns are those of csrc/wire/ab_tables.h. Rows may be only as many as the
bytes of the definition pay for: a file that claims more is refused.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle._acl import ffi, lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bytes import pieces
from acl_bundle.om._bytes.pieces import Piece
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
        graphs: Its graphs, the root first, and which nodes are theirs.
        nodes: All nodes. ``tensor`` is the row of the tensor that a node is about, counted
            from 1; 0: it is about none.
        tensors: The tensors of weights and constants, and of the root's ends where asked for.
        numbers: The numbers of all shapes and ranges.
    """

    __slots__ = ("graphs", "nodes", "numbers", "span", "tensors")

    def __init__(self, span: Span, made: Any) -> None:
        self.span: Span = span
        self.graphs: Rows = _array(made.graphs, made.graph_count, _GRAPH)
        self.nodes: Rows = _array(made.nodes, made.node_count, _NODE)
        self.tensors: Rows = _array(made.tensors, made.tensor_count, _TENSOR)
        self.numbers: NDArray[np.int64] = _array(made.numbers, made.number_count, np.dtype("i8"))

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

    def texts(self, at: Piece, size: Piece) -> list[str]:
        """Decode texts, as `Message.text` does."""
        found = pieces.texts(pieces.gathered(self.span.view, at, size), size)
        if found is not None:
            return found
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

    def lists(self, at: Piece, count: Piece) -> list[tuple[int, ...]]:
        """Return lists of numbers, as many as count from the places at on."""
        joined = pieces.gathered(self.numbers, at * pieces.EIGHT, count * pieces.EIGHT)
        return pieces.lists(joined, count)


def _integers(stored: list[int], tensors: Rows, name: str) -> list[int]:
    """Put the numbers of an attribute in the place of what is stored, where they are there."""
    kinds = tensors[f"{name}_kind"]
    for index in np.flatnonzero(kinds).tolist() if kinds.any() else ():
        value = int(tensors[name][index])
        stored[index] = dtypes.from_proto(value) if kinds[index] == ge.ATTR_DT else value
    return stored


def _array(pointer: Any, count: int, dtype: np.dtype[Any]) -> Rows:
    """Make an array of rows that C has given over; it frees them."""
    if not count:
        lib.ab_tables_free(pointer)
        return np.empty(0, dtype)
    nbytes = count * dtype.itemsize
    own = ffi.gc(ffi.cast("char *", pointer), lib.ab_tables_free, nbytes)
    return np.frombuffer(ffi.buffer(own, nbytes), dtype)


def _limits(span: Span) -> Any:
    size = len(span)
    if size > _SIZE_MAX:
        raise span.error(0, f"the definition has {size} bytes; protobuf's have {_SIZE_MAX} at most")
    return ffi.new(
        "ab_limits *",
        {
            "graphs": SPANS_FREE + size // SPAN_BYTES,
            "nodes": FREE + size // NODE_BYTES,
            "tensors": FREE + size // TENSOR_BYTES,
            "numbers": FREE + size // NUMBER_BYTES,
            "listed": NUMBERS_MAX,
            "pairs": FREE + size // PAIR_BYTES,
        },
    )


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
