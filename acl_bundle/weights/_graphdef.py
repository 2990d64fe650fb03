"""TensorFlow's frozen graphs: the values of Const nodes.

A frozen graph is a GraphDef message. It is walked here, on the mapped file,
so neither TensorFlow nor a copy of the weights is needed: a value that stands
as bytes is a view. Field numbers are those of graph.proto, node_def.proto,
attr_value.proto and tensor.proto. Constants inside functions are not offered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import ml_dtypes
import numpy as np

from acl_bundle.errors import BundleFormatError, WeightsFormatError
from acl_bundle.om._span import Span
from acl_bundle.om._wire import Message
from acl_bundle.weights._file import Path_, bad, map_file
from acl_bundle.weights._source import Source
from acl_bundle.weights._spec import Array, Spec

_NODE, _LIBRARY = 1, 2
_NODE_NAME, _NODE_OP, _NODE_ATTR = 1, 2, 5
_KEY, _VALUE = 1, 2
_ATTR_TENSOR: Final = 8
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_SHAPE_DIM, _SHAPE_UNKNOWN, _DIM_SIZE = 2, 3, 1

# DataType -> dtype, the field of TensorProto for values given one by one, and
# the dtype in which that field holds them (None: varints).
_TYPES: Final[dict[int, tuple[np.dtype[Any], int, str | None]]] = {
    1: (np.dtype("f4"), 5, "<f4"),
    2: (np.dtype("f8"), 6, "<f8"),
    3: (np.dtype("i4"), 7, None),
    4: (np.dtype("u1"), 7, None),
    5: (np.dtype("i2"), 7, None),
    6: (np.dtype("i1"), 7, None),
    8: (np.dtype("c8"), 9, "<c8"),
    9: (np.dtype("i8"), 10, None),
    10: (np.dtype(bool), 11, None),
    14: (np.dtype(ml_dtypes.bfloat16), 13, None),
    17: (np.dtype("u2"), 7, None),
    18: (np.dtype("c16"), 12, "<c16"),
    19: (np.dtype("f2"), 13, None),
    22: (np.dtype("u4"), 16, None),
    23: (np.dtype("u8"), 17, None),
    24: (np.dtype(ml_dtypes.float8_e5m2), 18, "u1"),
    25: (np.dtype(ml_dtypes.float8_e4m3fn), 18, "u1"),
}
_BITS: Final = {14: "u2", 19: "u2", 24: "u1", 25: "u1"}  # values given one by one are patterns


class FrozenGraph(Source):
    """The constants of a frozen graph, mapped."""

    kind = "tensorflow graph"

    def __init__(self, path: Path_) -> None:
        """Find the Const nodes.

        Raises:
            WeightsFormatError: The file is no GraphDef, is damaged, or has two
                constants of one name.
            OSError: The file cannot be opened.
        """
        file = os.fspath(path)
        self._tensors: dict[str, tuple[Message, int]] = {}
        specs: dict[str, Spec] = {}
        skipped: dict[str, str] = {}
        try:
            for name, tensor in _constants(Message(Span(map_file(path), file))):
                if name in specs or name in skipped:
                    raise bad(file, f"two constants are called {name!r}; names must be unique")
                number = tensor.value(_DTYPE)
                if number in _TYPES:
                    specs[name] = Spec(_shape(tensor, name, file), _TYPES[number][0])
                    self._tensors[name] = tensor, number
                else:
                    skipped[name] = f"type {number} of tensorflow.DataType is not read"
        except BundleFormatError as error:
            raise WeightsFormatError(str(error)) from None
        if not specs:
            raise bad(file, "the graph has no Const node with numbers; freeze its variables first")
        super().__init__(file, specs, skipped)

    def _read(self, name: str) -> Array:
        tensor, number = self._tensors[name]
        try:
            return _array(tensor, number, self._specs[name], f"{self.file}: constant {name!r}")
        except BundleFormatError as error:
            raise WeightsFormatError(str(error)) from None

    def _release(self) -> None:
        self._tensors = {}


def _constants(graph: Message) -> Iterator[tuple[str, Message]]:
    for node in graph.messages(_NODE):
        if node.text(_NODE_OP) == "Const":
            for entry in node.messages(_NODE_ATTR):
                if entry.text(_KEY) == "value":
                    value = entry.message(_VALUE)
                    tensor = value.message(_ATTR_TENSOR) if value is not None else None
                    if tensor is not None:
                        yield node.text(_NODE_NAME), tensor


def _shape(tensor: Message, name: str, file: str) -> tuple[int, ...]:
    message = tensor.message(_SHAPE)
    if message is None:
        return ()
    dims = tuple(dim.value(_DIM_SIZE) for dim in message.messages(_SHAPE_DIM))
    if message.value(_SHAPE_UNKNOWN) or len(dims) > 64 or any(not 0 <= d < 1 << 48 for d in dims):
        raise bad(file, f"constant {name!r} has dims {list(dims)}; at most 64 sizes >= 0 are right")
    return dims


def _array(tensor: Message, number: int, spec: Spec, place: str) -> Array:
    content = tensor.span_of(_CONTENT)
    if content is not None and len(content):
        if len(content) != spec.nbytes:
            raise bad(
                place, f"{spec} takes {spec.nbytes} bytes, but tensor_content has {len(content)}"
            )
        return np.frombuffer(content.view, spec.dtype).reshape(spec.shape)
    return _filled(_listed(tensor, number), spec, place)


def _listed(tensor: Message, number: int) -> Array:
    """The values that are given one by one."""
    dtype, field, stored = _TYPES[number]
    if stored is not None:
        raw = b"".join(bytes(span.view) for span in tensor.spans(field))
        return np.frombuffer(
            raw[: len(raw) // np.dtype(stored).itemsize * np.dtype(stored).itemsize], stored
        ).view(dtype)
    bits = np.dtype(_BITS.get(number, dtype))
    mask = (1 << 8 * bits.itemsize) - 1
    values = np.array([value & mask for value in tensor.values(field)], np.uint64)
    return values.astype(f"u{bits.itemsize}").view(dtype)


def _filled(values: Array, spec: Spec, place: str) -> Array:
    """Repeat the last value up to the shape, as TensorFlow does; no value means zeros."""
    if len(values) > spec.size:
        raise bad(place, f"{spec} has {spec.size} elements, but {len(values)} are given")
    array = np.zeros(spec.size, spec.dtype)
    array[: len(values)] = values
    if len(values):
        array[len(values) :] = values[-1]
    return array.reshape(spec.shape)
