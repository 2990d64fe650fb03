"""The header of a safetensors file: a length, a JSON header, and the bytes behind it.

::

    u64 n | n bytes of JSON | data
    {"__metadata__": {...}, "<name>": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}

Offsets count from the start of the data. As in the format's reference, the
tensors must cover the data without holes and without overlaps, and the header
is at most 100 MB.
"""

from __future__ import annotations

import math
import reprlib
import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import ml_dtypes
import numpy as np

from acl_bundle.weights._base.file import bad
from acl_bundle.weights._base.spec import SHAPE_RULE, Spec, is_shape
from acl_bundle.weights._sources.safetensors.members import Members

HEADER_MAX: Final = 100_000_000
COUNT_MAX: Final = 1 << 15
BYTES_MIN: Final = 128
"""A header may have so many tensors, and one more for each so many bytes of it."""
METADATA: Final = "__metadata__"
_LENGTH: Final = struct.Struct("<Q")
_KEYS: Final = {"dtype", "shape", "data_offsets"}

_FROM_ML: Final = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "BOOL": np.dtype(bool),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("u2"),
    "I16": np.dtype("i2"),
    "F16": np.dtype("f2"),
    "U32": np.dtype("u4"),
    "I32": np.dtype("i4"),
    "F32": np.dtype("f4"),
    "U64": np.dtype("u8"),
    "I64": np.dtype("i8"),
    "F64": np.dtype("f8"),
    "C64": np.dtype("c8"),
    **{
        key: np.dtype(getattr(ml_dtypes, name))
        for key, name in _FROM_ML.items()
        if hasattr(ml_dtypes, name)
    },
}
# Those of which several make up a byte, with their bits; and those that this ml_dtypes lacks.
PACKED: Final = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6} | {
    key: 8 for key in _FROM_ML if key not in DTYPES and key != "BF16"
}


class HeaderEntry(NamedTuple):
    """One entry of a header.

    Attributes:
        start: Where it starts, in bytes from the start of the file.
        end: Where its bytes end.
        spec: Its shape and dtype; of one that no array can be, its bytes.
        skipped: Why no array can be it, None for one that can.
    """

    start: int
    end: int
    spec: Spec
    skipped: str | None = None


def parse(data: memoryview, file: str) -> tuple[dict[str, HeaderEntry], dict[str, str]]:
    """Return the tensors of a file by name, in the order of their bytes, and its metadata.

    Raises:
        WeightsFormatError: Something is wrong with the header.
    """
    text, start = _header(data, file)
    tensors, metadata = _entries(Members(text, file, _LENGTH.size), start, file)
    ordered = {name: tensors[name] for name in sorted(tensors, key=lambda one: tensors[one][:2])}
    _check_cover(ordered, start, len(data), file)
    return ordered, metadata


def _entries(
    members: Members, start: int, file: str
) -> tuple[dict[str, HeaderEntry], dict[str, str]]:
    tensors: dict[str, HeaderEntry] = {}
    metadata: dict[str, str] = {}
    most = COUNT_MAX + start // BYTES_MIN
    for name in members.names():
        if name == METADATA:
            metadata = members.strings()
            continue
        tensors[name] = _tensor(name, members.value(), start, file)
        if len(tensors) > most:
            raise bad(file, f"the header of {start} bytes has more than {most} tensors")
    members.end()
    return tensors, metadata


def _header(data: memoryview, file: str) -> tuple[str, int]:
    if len(data) < _LENGTH.size:
        raise bad(
            file, f"it has {len(data)} bytes; a safetensors file starts with a length of 8 bytes"
        )
    if bytes(data[:4]) == b"PK\x03\x04":
        raise bad(
            file, "it is a ZIP archive, as torch and numpy write; a safetensors file is right"
        )
    (size,) = _LENGTH.unpack_from(data)
    if size > HEADER_MAX:
        raise bad(file, f"at byte 0: the header's length is {size}; {HEADER_MAX} is the most")
    if size > len(data) - _LENGTH.size:
        left = len(data) - _LENGTH.size
        raise bad(file, f"at byte 0: the header's length is {size}, but {left} bytes follow")
    raw = data[_LENGTH.size : _LENGTH.size + size]
    if bytes(raw[:1]) != b"{":
        raise bad(
            file, f"at byte 8: the header starts with {bytes(raw[:1])!r}, where '{{' is right"
        )
    try:
        return str(raw, "utf-8"), _LENGTH.size + size
    except UnicodeDecodeError as error:
        at = _LENGTH.size + error.start
        raise bad(file, f"at byte {at}: the header is not UTF-8") from None


def _tensor(name: str, entry: object, start: int, file: str) -> HeaderEntry:
    if not is_text(name):
        raise bad(file, f"a tensor is called {name!r}, which is no Unicode text")
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise bad(
            file, f"tensor {name!r} is {_short(entry)}; dtype, shape and data_offsets are right"
        )
    begin, end = _offsets(name, entry["data_offsets"], file)
    shape, bits = _shape(name, entry["shape"], file), _packed(entry["dtype"])
    if bits:
        said = f"{entry['dtype']} packs elements of {bits} bits, {list(shape)} of them"
        if math.prod(shape) * bits != (end - begin) * 8:
            raise bad(file, f"tensor {name!r}: {said}, but data_offsets [{begin}, {end}] are not")
        return HeaderEntry(start + begin, start + end, Spec((end - begin,), DTYPES["U8"]), said)
    dtype = _dtype(name, entry["dtype"], file)
    spec = Spec(shape, dtype)
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise bad(
            file,
            f"tensor {name!r} is {spec}, which takes {spec.nbytes} bytes,"
            f" but data_offsets [{begin}, {end}] are {end - begin}",
        )
    return HeaderEntry(start + begin, start + end, spec)


def is_text(value: object) -> bool:
    """Say whether JSON in UTF-8 can hold it: lone surrogates cannot."""
    if not isinstance(value, str):
        return False
    return value.isascii() or value.encode("utf-8", "replace").decode() == value


def _packed(value: object) -> int:
    """The bits of an element that no array has, 0 of one that some has, or that nobody knows."""
    return PACKED.get(value, 0) if isinstance(value, str) else 0


def _dtype(name: str, value: object, file: str) -> np.dtype[Any]:
    dtype = DTYPES.get(value) if isinstance(value, str) else None
    if dtype is None:
        raise bad(
            file, f"tensor {name!r} has dtype {_short(value)}; {', '.join(DTYPES)} can be read"
        )
    return dtype


def _shape(name: str, value: object, file: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not is_shape(value):
        raise bad(
            file,
            f"tensor {name!r} has shape {_short(value)}; {SHAPE_RULE}",
        )
    return tuple(value)


def _offsets(name: str, value: object, file: str) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        begin, end = value
        if type(begin) is type(end) is int and 0 <= begin <= end < 1 << 48:
            return begin, end
    raise bad(
        file,
        f"tensor {name!r} has data_offsets {_short(value)}; [begin, end] with"
        " 0 <= begin <= end is right",
    )


def _check_cover(tensors: Mapping[str, HeaderEntry], start: int, total: int, file: str) -> None:
    """Refuse holes, overlaps, and tensors beyond the end; they come sorted by offset."""
    at, before = start, ""
    for name, one in tensors.items():
        if one.start != at:
            what = "overlaps" if one.start < at else "leaves a hole behind"
            raise bad(
                file,
                f"tensor {name!r} starts at byte {one.start} and {what} {_said(before)}, which ends"
                f" at byte {at}",
            )
        at, before = one.end, name
        if at > total:
            raise bad(
                file,
                f"tensor {name!r} ends at byte {at}, but the file has {total}: it is cut short",
            )
    if at != total:
        raise bad(
            file, f"{total - at} bytes follow {_said(before)}, which ends at byte {at}; none may"
        )


def _said(before: str) -> str:
    return repr(before) if before else "the header"


def _short(value: object) -> str:
    text = reprlib.repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
