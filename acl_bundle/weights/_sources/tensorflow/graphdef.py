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

from acl_bundle._base.files import Path_
from acl_bundle.errors import BundleFormatError, WeightsFormatError
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._proto.wire import Message
from acl_bundle.weights._base.file import bad, map_file, whole
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import SHAPE_RULE, Array, Spec, is_shape
from acl_bundle.weights._sources.proto import fixed, integers

_NODE, _LIBRARY = 1, 2
_NODE_NAME, _NODE_OP, _NODE_ATTR = 1, 2, 5
_KEY, _VALUE = 1, 2
_ATTR_TENSOR: Final = 8
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_SHAPE_DIM, _SHAPE_UNKNOWN, _DIM_SIZE = 2, 3, 1
_BYTES: Final = 18  # the field that holds bytes, for types of one byte

# DataType -> dtype, the field of TensorProto for values given one by one, and
# the bytes of each number there (0: a varint).
_TYPES: Final[dict[int, tuple[np.dtype[Any], int, int]]] = {
    1: (np.dtype("f4"), 5, 4),
    2: (np.dtype("f8"), 6, 8),
    3: (np.dtype("i4"), 7, 0),
    4: (np.dtype("u1"), 7, 0),
    5: (np.dtype("i2"), 7, 0),
    6: (np.dtype("i1"), 7, 0),
    8: (np.dtype("c8"), 9, 4),
    9: (np.dtype("i8"), 10, 0),
    10: (np.dtype(bool), 11, 0),
    14: (np.dtype(ml_dtypes.bfloat16), 13, 0),
    17: (np.dtype("u2"), 7, 0),
    18: (np.dtype("c16"), 12, 8),
    19: (np.dtype("f2"), 13, 0),
    22: (np.dtype("u4"), 16, 0),
    23: (np.dtype("u8"), 17, 0),
    24: (np.dtype(ml_dtypes.float8_e5m2), _BYTES, 0),
    25: (np.dtype(ml_dtypes.float8_e4m3fn), _BYTES, 0),
}
# A value that is given once may fill a tensor of any size; what grows a lot and
# is large as well is a bomb and no set of weights.
_BOMB_RATIO, _BOMB_SIZE = 100, 256 << 20


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
        whole(tensor.span.view, self.file)
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
    if message.value(_SHAPE_UNKNOWN) or not is_shape(dims):
        raise bad(file, f"constant {name!r} has dims {list(dims)}; {SHAPE_RULE}")
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
    dtype, field, width = _TYPES[number]
    if field == _BYTES:
        return np.frombuffer(b"".join(bytes(span.view) for span in tensor.spans(field)), dtype)
    return fixed(tensor, field, dtype, width) if width else integers(tensor, field, dtype)


def _filled(values: Array, spec: Spec, place: str) -> Array:
    """Repeat the last value up to the shape, as TensorFlow does; no value means zeros.

    One value for all takes no memory, however large the shape is.
    """
    if len(values) > spec.size:
        raise bad(place, f"{spec} has {spec.size} elements, but {len(values)} are given")
    if len(values) <= 1:
        one = values.reshape(()) if len(values) else np.zeros((), spec.dtype)
        return np.broadcast_to(one, spec.shape)
    if spec.nbytes > max(_BOMB_SIZE, values.nbytes * _BOMB_RATIO):
        raise bad(
            place,
            f"{spec} would grow from {len(values)} values to {spec.nbytes} bytes: a bomb, or to be"
            " written in full",
        )
    array = np.empty(spec.size, spec.dtype)
    array[: len(values)] = values
    array[len(values) :] = values[-1]
    return array.reshape(spec.shape)
