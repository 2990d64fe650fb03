"""What a DLPack capsule holds, read with ctypes; nothing of it is taken over.

A capsule that nobody takes over frees its tensor when it is collected. So whoever keeps the capsule
keeps the tensor.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

CPU: Final = 1
EXTENSION: Final = 12
"""kDLExtDev, under which torch_npu exports, as all private backends of torch do."""

UINT: Final = 1
CODES: Final = {"i": 0, "u": UINT, "f": 2, "c": 5, "b": 6}
"""DLPack's type codes by numpy's kind."""

FOREIGN: Final = {
    (4, 16): "bfloat16",
    (7, 8): "float8_e3m4",
    (8, 8): "float8_e4m3",
    (9, 8): "float8_e4m3b11fnuz",
    (10, 8): "float8_e4m3fn",
    (11, 8): "float8_e4m3fnuz",
    (12, 8): "float8_e5m2",
    (13, 8): "float8_e5m2fnuz",
    (14, 8): "float8_e8m0fnu",
}
"""Type codes and bits of DLPack 1.1 that numpy lacks, with ml_dtypes' names."""


class DLTensor(ctypes.Structure):
    """DLTensor of DLPack's ABI."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Versioned(ctypes.Structure):
    """DLManagedTensorVersioned of DLPack 1."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", DLTensor),
    )


_PLAIN_NAME, _VERSIONED_NAME = b"dltensor", b"dltensor_versioned"
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def tensor_of(capsule: Any) -> tuple[DLTensor, bool]:
    """The tensor in a capsule, versioned or not, and whether it may only be read.

    Raises:
        ValueError: It is none, was taken over already, or is of a later major version.
    """
    if _is_valid(capsule, _PLAIN_NAME):
        return DLTensor.from_address(_pointer(capsule, _PLAIN_NAME)), False
    if not _is_valid(capsule, _VERSIONED_NAME):
        raise ValueError(f"{capsule!r} is no DLPack capsule, or somebody has taken it over")
    managed = _Versioned.from_address(_pointer(capsule, _VERSIONED_NAME))
    if managed.major != 1:
        raise ValueError(f"its capsule is of DLPack {managed.major}; 1 is the latest known here")
    return managed.tensor, bool(managed.flags & 1)
