"""DLPack capsules of device memory."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from acl_bundle._base import dlpack
from acl_bundle._binding.calls import make_dlpack
from acl_bundle._device.block import Use

_CODES = {
    np.dtype(getattr(ml_dtypes, name)): code
    for code, name in dlpack.FOREIGN.items()
    if hasattr(ml_dtypes, name)
}


def _code(dtype: np.dtype[Any]) -> tuple[int, int]:
    """DLPack's type code and bits of a dtype.

    Raises:
        BufferError: It has none.
    """
    found = _CODES.get(dtype)
    if found is None and dtype.kind in dlpack.CODES:
        found = dlpack.CODES[dtype.kind], 8 * dtype.itemsize
    if found is None:
        raise BufferError(f"DLPack has no type for {dtype}")
    return found


def capsule(use: Use, shape: tuple[int, ...], dtype: np.dtype[Any], *, versioned: bool) -> Any:
    """A capsule of an array; its consumer keeps `use` alive.

    Raises:
        BufferError: DLPack has no type for the dtype, or a dim is beyond its integers.
    """
    if any(dim >= 2**63 for dim in shape):
        raise BufferError(f"DLPack has no dim of 2**63 or more, as shape {shape} has")
    block = use.block
    kind, index = dlpack.EXTENSION, block.device.index
    return make_dlpack((block.pointer, kind, index, *_code(dtype), shape, use, versioned))
