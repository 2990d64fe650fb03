"""The gears in MODEL_INOUT_INFO, as a compiler writes them and damaged (facts 5.4)."""

from __future__ import annotations

import struct

import pytest

from acl_bundle.errors import BundleFormatError
from acl_bundle.om import Gears
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import inout


def block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body


def texts(*raw: bytes) -> bytes:
    return struct.pack(f"<I{len(raw)}I", len(raw), *map(len, raw)) + b"".join(raw)


def read(data: bytes) -> Gears | None:
    return inout.read_gears(inout.blocks(Span(memoryview(data), "file.om")))


def test_batches() -> None:
    assert read(block(2, struct.pack("<I2Q", 2, 1, 8))) == Gears("batch", ((1,), (8,)))


def test_resolutions() -> None:
    body = struct.pack("<I2I4Q", 2, 2, 2, 224, 224, 448, 320)
    assert read(block(3, body)) == Gears("hw", ((224, 224), (448, 320)))


def test_dims_shapes_and_order() -> None:
    shapes = block(5, texts(b"0:0:1,3", b"-1:1:", b"1,0,2,3"))
    data = block(4, struct.pack("<I2I3Q", 2, 1, 2, 7, 8, 9)) + shapes + block(6, texts(b"x", b"y"))
    found = read(data)
    assert found is not None
    assert found.values == ((7,), (8, 9))
    assert found.order == ("x", "y")
    assert [found.output_dims(1, 0), found.output_dims(0, 0)] == [(2, 3), (1, 3)]
    assert [found.output_dims(1, 1), found.output_dims(0, 2)] == [(), None]


def test_no_gears() -> None:
    assert read(b"") is None
    assert read(block(5, texts(b"0:0:1"))) is None


@pytest.mark.parametrize(
    "data",
    [
        block(2, struct.pack("<IQ", 2, 1)),
        block(2, b"\1"),
        block(3, struct.pack("<II", 0xFFFFFFFF, 2)),
        block(4, struct.pack("<III", 1, 0xFFFFFFFF, 2)),
        block(2, struct.pack("<I", 0)) + block(5, texts(b"7")),
        block(2, struct.pack("<I", 0)) + block(6, struct.pack("<II", 1, 9)),
        block(7, b""),
    ],
)
def test_damaged(data: bytes) -> None:
    with pytest.raises(BundleFormatError, match=r"file\.om"):
        read(data)
