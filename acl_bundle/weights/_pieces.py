"""Going through an array in pieces, so that work on it needs little memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from acl_bundle.weights._spec import Array

# Elements: in float64 small enough for the cache, and for an allocator that maps
# larger arrays anew each time.
PIECE = 1 << 13


def pieces(array: Array) -> Iterator[tuple[int, Array]]:
    """Yield where each piece starts and its values, flat and in C order.

    A piece of an array that is not contiguous is only valid until the next.
    """
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
        for at in range(0, flat.size, PIECE):
            yield at, flat[at : at + PIECE]
        return
    at = 0
    flags = ("external_loop", "buffered", "zerosize_ok")
    for piece in np.nditer(array, flags=flags, order="C", buffersize=PIECE):  # type: ignore[call-overload]
        yield at, piece
        at += piece.size


def raw(array: Array) -> memoryview:
    """Return an array's bytes in C order and native byte order, copied if they lie otherwise."""
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return ordered.reshape(-1).view(np.uint8).data


def place(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the coordinates of an element by its number in C order."""
    return tuple(int(one) for one in np.unravel_index(index, shape))
