"""Many pieces of a buffer at once: texts, and lists of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._acl import ffi, lib

Piece = NDArray[np.uint32]
EIGHT = np.uint32(8)


def gathered(data: Any, at: Piece, size: Piece) -> bytes:
    """Return pieces of a buffer, one behind another.

    Args:
        data: The buffer.
        at: Where each starts.
        size: Bytes of each; all must lie in the buffer.
    """
    starts, sizes = np.ascontiguousarray(at), np.ascontiguousarray(size)
    joined = bytearray(int(sizes.sum(dtype=np.int64)))
    if joined:
        lib.ab_wire_gather(
            ffi.from_buffer("uint8_t[]", data), ffi.from_buffer("uint32_t[]", starts),
            ffi.from_buffer("uint32_t[]", sizes), len(starts), ffi.from_buffer(joined),
        )  # fmt: skip
    return bytes(joined)


def texts(joined: bytes, size: Piece) -> list[str] | None:
    """Cut ASCII texts of so many bytes from what was gathered; None: it is not ASCII."""
    if not joined.isascii():
        return None
    whole, ends = joined.decode("ascii"), np.cumsum(size, dtype=np.int64).tolist()
    return [whole[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def lists(joined: bytes, count: Piece) -> list[tuple[int, ...]]:
    """Cut lists of so many numbers of 8 bytes from what was gathered."""
    flat, ends = np.frombuffer(joined, "<i8").tolist(), np.cumsum(count, dtype=np.int64).tolist()
    return [tuple(flat[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
