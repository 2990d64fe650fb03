"""Foreign arrays at the door: what becomes an ndarray, and what is refused.

A numpy array is taken as it is. Anything with ``__dlpack__`` on the CPU (a
torch tensor, say) is viewed without a copy; numpy has no bfloat16 of its own,
so such a tensor crosses as 16-bit integers and is viewed as ml_dtypes'.
Everything else is refused by name: a list or a scalar has no dtype to check.
"""

from __future__ import annotations

import ctypes
import operator
from contextlib import suppress
from typing import Any, SupportsIndex

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from acl_bundle.errors import WeightError
from acl_bundle.spec import TensorSpec, WeightSpec

_UINT, _BFLOAT = 1, 4
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def whole(value: object, what: str) -> int:
    """An int of what `operator.index` takes, numpy's integers say; a bool is none.

    Args:
        value: It.
        what: What it is, for the message: "depth is how many runs may be ahead, an int".

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, SupportsIndex) and not isinstance(value, bool | np.bool_):
        with suppress(TypeError):
            return operator.index(value)
    raise TypeError(f"{what}, not {value!r}")


class _DLTensor(ctypes.Structure):
    """The head of a DLManagedTensor: the DLTensor of DLPack's ABI up to its dtype."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
    )


_prototype = ctypes.PYFUNCTYPE(ctypes.POINTER(_DLTensor), ctypes.py_object, ctypes.c_char_p)
_pointer = _prototype(("PyCapsule_GetPointer", ctypes.pythonapi))


class _Capsule:
    """A DLPack capsule once taken, offered again."""

    def __init__(self, capsule: Any, device: tuple[int, int]) -> None:
        self._capsule, self._device = capsule, device

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device


def _from_dlpack(value: Any) -> NDArray[Any]:
    capsule = value.__dlpack__()
    tensor = _pointer(capsule, b"dltensor").contents
    bfloat = (tensor.code, tensor.bits) == (_BFLOAT, 16)
    if bfloat:
        tensor.code = _UINT
    array = np.from_dlpack(_Capsule(capsule, value.__dlpack_device__()))
    return array.view(BFLOAT16) if bfloat else array


def as_array(value: Any, what: str, spec: TensorSpec | WeightSpec) -> NDArray[Any]:
    """Return a value as an ndarray without copying it.

    Args:
        value: An ndarray, or an object with ``__dlpack__`` on the CPU.
        what: What it is, for the message: ``"input 'x'"``.
        spec: What would be right, for the message.

    Raises:
        TypeError: It is neither, or a masked array, whose mask would be lost.
    """
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        return value
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
        try:
            return _from_dlpack(value)
        except (BufferError, RuntimeError, ValueError, TypeError) as error:
            raise TypeError(f"{what} cannot be viewed through DLPack: {error}") from error
    raise TypeError(f"{what} is a {type(value).__name__}; give a numpy array {spec}")


def check(array: NDArray[Any], what: str, spec: TensorSpec | WeightSpec) -> None:
    """Refuse an array whose dtype, byte order or shape is not the spec's.

    Raises:
        TypeError: Another dtype or byte order; for a weight, a WeightError.
        ValueError: Another shape; for a weight, a WeightError.
    """
    weight = WeightError if isinstance(spec, WeightSpec) else None
    if array.dtype != spec.dtype:
        swapped = array.dtype.newbyteorder() == spec.dtype
        raise (weight or TypeError)(
            f"{what} has dtype {array.dtype.str if swapped else array.dtype}"
            f"{' (byte-swapped)' if swapped else ''}; it must be {spec.dtype}"
        )
    if spec.shape is not None and array.shape != spec.shape:
        raise (weight or ValueError)(f"{what} has shape {array.shape}; it must be {spec.shape}")
