"""Arrays of other libraries on an Ascend device, as DLPack's ABI has them."""

from __future__ import annotations

import ctypes
from typing import Any

from acl_bundle import DeviceArray

EXTENSION = 12
Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
Destructor = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


class DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    )  # fmt: skip


class DLManagedTensor(ctypes.Structure):
    _fields_ = (("tensor", DLTensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class DLManagedTensorVersioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", DLTensor),
    )  # fmt: skip


_capsule = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
)(("PyCapsule_New", ctypes.pythonapi))  # fmt: skip


class Tensor:
    """A tensor of some library, over the memory of a device array.

    Attributes:
        asked: The arguments of each call of ``__dlpack__``.
    """

    def __init__(
        self, of: DeviceArray, strides: tuple[int, ...] | None = None, *, code: int = 2,
        bits: int = 32, lanes: int = 1, version: int | None = None, readonly: bool = False,
        kind: int = EXTENSION, offset: int = 0,
    ) -> None:  # fmt: skip
        self.asked: list[dict[str, Any]] = []
        self._of, self._version, self._kind = of, version, kind
        self._shape = (ctypes.c_int64 * len(of.shape))(*of.shape)
        self._strides = None if strides is None else (ctypes.c_int64 * len(strides))(*strides)
        tensor = DLTensor(
            of.pointer - offset, kind, of.device, len(of.shape), code, bits, lanes,
            ctypes.addressof(self._shape),
            None if self._strides is None else ctypes.addressof(self._strides), offset,
        )  # fmt: skip
        self._managed: Any = (
            DLManagedTensor(tensor)
            if version is None
            else DLManagedTensorVersioned(version, 0, None, None, int(readonly), tensor)
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._kind, self._of.device

    def __dlpack__(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self._version is None and "max_version" in asked:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        name = b"dltensor" if self._version is None else b"dltensor_versioned"
        return _capsule(ctypes.addressof(self._managed), name, None)
