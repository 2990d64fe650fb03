"""What C makes of many places of a file by one call: texts, and lists of numbers.

The functions are those of csrc/wire/ab_objects.h.
"""

from __future__ import annotations

from ctypes import PYFUNCTYPE, c_size_t, c_uint32, c_uint64, c_void_p, py_object
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle._acl import ffi, lib

Indices = NDArray[np.uint32]

_MANY: Final = PYFUNCTYPE(py_object, c_void_p, c_void_p, c_void_p, c_size_t)
_texts: Final = _MANY(lib.ab_objects_texts())
_lists: Final = _MANY(lib.ab_objects_lists())
weights: Final = PYFUNCTYPE(py_object, c_void_p, c_void_p, c_uint32, c_uint32)(
    lib.ab_objects_weights()
)
"""What the nodes of one kind say of weights."""
ends: Final = PYFUNCTYPE(py_object, py_object, c_void_p, c_uint64, c_uint64, c_uint64, c_uint64)(
    lib.ab_objects_ends()
)
"""Tensors of MODEL_INOUT_INFO."""
placed: Final = PYFUNCTYPE(py_object, py_object, py_object, py_object, c_uint64)(
    lib.ab_objects_placed()
)
"""Tuples of columns, and whether what they describe lies one behind another."""


def address(pointer: Any) -> int:
    """Return where a pointer of cffi's points to."""
    return int(ffi.cast("uintptr_t", pointer))


def texts(data: Any, at: Indices, size: Indices) -> list[str]:
    """Decode texts.

    Args:
        data: The buffer.
        at: Where each starts.
        size: Bytes of each; all must lie in the buffer.

    Raises:
        UnicodeDecodeError: A text of more than 65,536 bytes is not UTF-8.
    """
    found: list[str] = _each(_texts, data, at, size)
    return found


def lists(numbers: NDArray[np.int64], at: Indices, count: Indices) -> list[tuple[int, ...]]:
    """Return lists of numbers, as many as count from the places at on."""
    found: list[tuple[int, ...]] = _each(_lists, numbers, at, count)
    return found


def _each(call: Any, data: Any, at: Indices, size: Indices) -> Any:
    if not len(at):
        return []
    kept = [ffi.from_buffer(one) for one in (data, *map(np.ascontiguousarray, (at, size)))]
    return call(*map(address, kept), len(at))
