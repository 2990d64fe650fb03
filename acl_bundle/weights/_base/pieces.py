"""Arrays as bytes, and by the number of an element."""

from __future__ import annotations

import numpy as np

from acl_bundle.weights._base.spec import Array

# Elements: in float64 small enough for the cache, and for an allocator that maps
# larger arrays anew each time.
PIECE = 1 << 13


def raw(array: Array) -> memoryview:
    """Return an array's bytes in C order and native byte order, copied if they lie otherwise."""
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return ordered.reshape(-1).view(np.uint8).data


def place(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the coordinates of an element by its number in C order."""
    return tuple(int(one) for one in np.unravel_index(index, shape))
