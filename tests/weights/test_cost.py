"""What a hostile safetensors header costs: ten times its bytes, or a refusal."""

from __future__ import annotations

import struct
import tracemalloc

import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError

SIZE = 1 << 21
ENTRY = b'{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'


def _file(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def _repeated(piece: bytes) -> bytes:
    return piece * (SIZE // len(piece))


HOSTILE = {
    "lists": b'{"a":[' + _repeated(b"[],") + b"[]]}",
    "objects": b'{"a":[' + _repeated(b"{},") + b"{}]}",
    "strings": b'{"a":[' + _repeated(b'"ab",') + b'"ab"]}',
    "nesting": b'{"a":' + b"[" * SIZE,
    "members": b'{"a":{' + b",".join(b'"%x":0' % i for i in range(SIZE // 9)) + b"}}",
    "metadata": b'{"__metadata__":{'
    + b",".join(b'"%x":"ab"' % i for i in range(SIZE // 12))
    + b"}}",
    "tensors": b"{" + b",".join(b'"%x":%s' % (i, ENTRY) for i in range(SIZE // 56)) + b"}",
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE)
def test_a_header_takes_at_most_ten_times_its_bytes(header: bytes) -> None:
    file = _file(header)
    tracemalloc.start()
    try:
        weights.Safetensors(file)
    except WeightsFormatError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10 * len(file)


def test_more_tensors_than_the_header_pays_for_are_refused() -> None:
    header = b"{" + b",".join(b'"%x":%s' % (i, ENTRY) for i in range(60_000)) + b"}"
    with pytest.raises(WeightsFormatError, match=r"has more than \d+ tensors"):
        weights.Safetensors(_file(header))


def test_twenty_thousand_tensors_are_read() -> None:
    header = b"{" + b",".join(b'"w%d":%s' % (i, ENTRY) for i in range(20_000)) + b"}"
    assert len(weights.Safetensors(_file(header))) == 20_000
