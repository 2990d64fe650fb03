"""An array of any layout as contiguous pieces, so that none is copied whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pieces(array: NDArray[Any], nbytes: int) -> Iterator[NDArray[Any]]:
    """Yield the elements in C order, as flat pieces of at most so many bytes.

    A piece is contiguous and holds only until the next one: it may be a view
    of the array, or a buffer that the next piece reuses.

    Args:
        array: Any layout and dtype.
        nbytes: The size of a piece.
    """
    size = max(1, nbytes // array.itemsize)
    with np.nditer(  # type: ignore[call-overload]  # the stubs lack contig
        [array],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly", "contig"]],
        order="C",
        buffersize=size,
    ) as iterator:
        yield from iterator
