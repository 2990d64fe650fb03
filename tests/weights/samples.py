"""Arrays of every kind that the tests write with real libraries, and ways to compare them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError

Array = NDArray[Any]
BF16 = np.dtype(ml_dtypes.bfloat16)
F8 = np.dtype(ml_dtypes.float8_e4m3fn)

PLAIN = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")


def arrays(*dtypes: Any) -> dict[str, Array]:
    """One array per dtype, a scalar, an empty one, and a larger one."""
    rng = np.random.default_rng(5)
    found = {
        f"layer.{np.dtype(one).name}": (rng.standard_normal((3, 5)) * 9).astype(one)
        for one in dtypes or PLAIN
    }
    found["scalar"] = np.array(2.5, np.float32)
    found["empty"] = np.zeros((0, 4), np.float32)
    found["large"] = rng.standard_normal((64, 33)).astype(np.float32)
    return found


def same(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> None:
    """Names, shapes, dtypes and bits are equal."""
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        array = found[name]
        assert (array.dtype, array.shape) == (value.dtype, value.shape), name
        assert array.tobytes() == value.tobytes(), name


def refused(path: Path, *parts: str, **options: Any) -> None:
    """Opening the file, or reading all of it, is refused with a message that has these parts."""
    with pytest.raises(WeightsFormatError) as caught:
        _read_all(path, **options)
    for part in (path.name, *parts):
        assert part in str(caught.value), str(caught.value)


def _read_all(path: Path, **options: Any) -> None:
    with weights.open(path, **options) as source:
        for name in source:
            source[name]


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace bytes that occur, and must."""
    assert old in data
    return data.replace(old, new, 1)


def safetensors(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """The bytes of a safetensors file with any header."""
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def graph_def() -> bytes:
    """A GraphDef with one Const of tensor_content and one of a single repeated float."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    def const(name: bytes, tensor: bytes) -> bytes:
        value = field(5, field(1, b"value") + field(2, field(8, tensor)))
        return field(1, field(1, name) + field(2, b"Const") + value)

    shape = field(2, field(2, b"\x08\x03") + field(2, b"\x08\x02"))
    content = field(4, np.arange(6, dtype="<f4").tobytes())
    listed = field(5, np.ones(1, "<f4").tobytes())
    return const(b"w", b"\x08\x01" + shape + content) + const(b"f", b"\x08\x01" + shape + listed)
