"""ONNX's TensorProto on the mapped file: its spec, and its values without a copy of them.

Values stand as bytes in the message, as bytes in a file beside the model, or
one by one in a field. Bytes are views; types of less than a byte, and values
that stand one by one, are decoded each time. Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import ml_dtypes
import numpy as np

from acl_bundle.om._proto.wire import Message
from acl_bundle.weights._base.file import bad, inside, map_file, whole
from acl_bundle.weights._base.spec import SHAPE_RULE, Array, Spec, is_shape
from acl_bundle.weights._sources.proto import fixed, integers

NAME: Final = 8
_DIMS, _TYPE, _RAW, _EXTERNAL, _LOCATION = 1, 2, 9, 13, 14
_KEY, _VALUE = 1, 2
_FLOATS, _INT32S, _INT64S, _DOUBLES, _UINT64S = 4, 5, 7, 10, 11
_BYTE: Final = 8  # bits


class _Kind(NamedTuple):
    """An element type.

    Attributes:
        dtype: numpy's.
        field: Where values stand one by one.
        width: Bytes of each number there, 0 for varints.
        bits: Of an element where the values stand as bytes.
    """

    dtype: np.dtype[Any]
    field: int
    width: int = 0
    bits: int = _BYTE


def _kinds() -> dict[int, _Kind]:
    """Element types by number, as far as this release of ml_dtypes has them."""
    plain = {
        1: _Kind(np.dtype("f4"), _FLOATS, 4),
        **{
            number: _Kind(np.dtype(name), _INT32S)
            for number, name in {
                2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 9: "?", 10: "f2",
            }.items()
        },
        7: _Kind(np.dtype("i8"), _INT64S),
        11: _Kind(np.dtype("f8"), _DOUBLES, 8),
        12: _Kind(np.dtype("u4"), _UINT64S),
        13: _Kind(np.dtype("u8"), _UINT64S),
        14: _Kind(np.dtype("c8"), _FLOATS, 4),
        15: _Kind(np.dtype("c16"), _DOUBLES, 8),
    }  # fmt: skip
    narrow = {
        16: ("bfloat16", _BYTE), 17: ("float8_e4m3fn", _BYTE), 18: ("float8_e4m3fnuz", _BYTE),
        19: ("float8_e5m2", _BYTE), 20: ("float8_e5m2fnuz", _BYTE), 21: ("uint4", 4),
        22: ("int4", 4), 23: ("float4_e2m1fn", 4), 24: ("float8_e8m0fnu", _BYTE),
        25: ("uint2", 2), 26: ("int2", 2),
    }  # fmt: skip
    return plain | {
        number: _Kind(np.dtype(getattr(ml_dtypes, name)), _INT32S, bits=bits)
        for number, (name, bits) in narrow.items()
        if hasattr(ml_dtypes, name)
    }


_KINDS: Final = _kinds()
_UNDEFINED, _STRING = 0, 8


class Beside:
    """The files beside a model that hold its large tensors, each mapped once."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._mapped: dict[Path, memoryview] = {}
        self._noted: set[Path] = set()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that tensors lie in."""
        return (*self._mapped, *self._noted.difference(self._mapped))

    def note(self, tensor: Message) -> None:
        """Count the file of a tensor whose values are not offered."""
        for one in tensor.messages(_EXTERNAL):
            if one.text(_KEY) == "location":
                self._noted.add(self._model.parent / one.text(_VALUE))

    def bytes_of(self, tensor: Message, nbytes: int, place: str) -> memoryview:
        """Return what a tensor's entries lead to.

        Raises:
            WeightsFormatError: They lead out of the model's folder, to no
                file, beyond its end, or to another number of bytes.
            OSError: The file cannot be opened.
        """
        entries = {one.text(_KEY): one.text(_VALUE) for one in tensor.messages(_EXTERNAL)}
        own = self._model.parent, self._model.resolve().parent  # the model may be a link
        path = inside(entries.get("location", ""), own[0], place, own[1])
        if path not in self._mapped:
            self._mapped[path] = map_file(path)
        data = self._mapped[path]
        offset = _number(entries, "offset", 0, place)
        length = _number(entries, "length", nbytes, place)
        if length != nbytes or offset + length > len(data):
            raise bad(
                place,
                f"it takes {nbytes} bytes, but is said to have {length} from byte {offset} of"
                f" {path.name!r}, which has {len(data)}",
            )
        return data[offset : offset + length]


class OnnxTensor:
    """A constant's TensorProto.

    Attributes:
        spec: Its shape and dtype.
    """

    def __init__(self, message: Message, beside: Beside, place: str) -> None:
        """Look at a tensor that `unread` has nothing against.

        Args:
            message: The TensorProto.
            beside: Where external data lies.
            place: The model and the constant, for messages.

        Raises:
            WeightsFormatError: Its dims, or the number of its bytes, are wrong.
            BundleFormatError: The message is damaged.
            OSError: A file beside the model cannot be opened.
        """
        self._message, self._place = message, place
        self._kind = _KINDS[message.value(_TYPE)]
        dims = message.values(_DIMS)
        if not is_shape(dims):
            raise bad(place, f"the dims are {list(dims)}; {SHAPE_RULE}")
        self.spec = Spec(dims, self._kind.dtype)
        self._data = self._bytes(beside)

    def _bytes(self, beside: Beside) -> memoryview | None:
        """The values where they stand as bytes."""
        found = self._message.span_of(_RAW)
        nbytes = self._nbytes
        if self._message.value(_LOCATION):
            return beside.bytes_of(self._message, nbytes, self._place)
        if found is not None and len(found) != nbytes:
            raise bad(
                self._place, f"it is {self.spec}, so {nbytes} bytes, but raw_data has {len(found)}"
            )
        return None if found is None else found.view

    @property
    def _nbytes(self) -> int:
        """Bytes that the values take as ONNX stores them."""
        packed = -(-self.spec.size * self._kind.bits // _BYTE)
        return packed if self._is_packed else self.spec.nbytes

    @property
    def _is_packed(self) -> bool:
        return self._kind.bits < _BYTE

    def read(self) -> Array:
        """Return the values.

        Raises:
            WeightsFormatError: They are too few or too many.
            BundleFormatError: The message is damaged.
        """
        if self._data is None:
            flat = self._listed()
        else:
            raw = whole(self._data, self._place)
            flat = np.frombuffer(raw, np.uint8 if self._is_packed else self.spec.dtype)
        if self._is_packed:
            flat = _unpacked(flat, self._kind)[: self.spec.size]
        if len(flat) != self.spec.size:
            raise bad(
                self._place,
                f"it is {self.spec}, so {self.spec.size} elements, but {len(flat)} are given",
            )
        return flat.reshape(self.spec.shape)

    def _listed(self) -> Array:
        dtype, field, width, _ = self._kind
        if width:
            return fixed(self._message, field, dtype, width)
        return integers(self._message, field, np.dtype("u1") if self._is_packed else dtype)


def unread(message: Message, place: str) -> str | None:
    """Say why a tensor is not read, None if it is.

    Raises:
        WeightsFormatError: It has no type.
        BundleFormatError: The message is damaged.
    """
    number = message.value(_TYPE)
    if number == _UNDEFINED:
        raise bad(place, "it has no element type")
    if number == _STRING:
        return "STRING holds no numbers"
    return None if number in _KINDS else f"type {number} of onnx.TensorProto is not read"


def _unpacked(packed: Array, kind: _Kind) -> Array:
    """Elements of less than a byte, one per byte; the first stands in the lowest bits."""
    shifts = np.arange(0, _BYTE, kind.bits, dtype=np.uint8)
    bits = (packed[:, None] >> shifts & (1 << kind.bits) - 1).reshape(-1)
    if not kind.dtype.name.startswith("int"):
        return bits.view(kind.dtype)
    spare = _BYTE - kind.bits
    signed: Array = (bits << spare).view(np.int8) >> spare
    return signed.astype(kind.dtype)


def _number(entries: dict[str, str], key: str, default: int, place: str) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise bad(place, f"the external {key} is {text!r}; a number >= 0 is right")
    return int(text)
