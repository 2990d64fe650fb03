"""Other libraries' arrays on a device, through DLPack."""

from __future__ import annotations

import sys
from typing import Any

import ml_dtypes
import numpy as np

from acl_bundle import dtypes
from acl_bundle._base import dlpack
from acl_bundle._device.array import DeviceArray

_NAMES = {(code, bits): name for code, bits, name in (
    (code, 8 * size, f"{kind}{size}") for kind, code in dlpack.CODES.items()
    for size in (1, 2, 4, 8, 16)
)}  # fmt: skip


def from_dlpack(array: Any) -> DeviceArray:
    """View another library's array on an Ascend device, torch_npu's say. Nothing is copied.

    Whatever writes it on a stream is to be synchronised first, or to give an event. The other
    array is kept until this one is freed and nothing uses it.

    Args:
        array: Anything with ``__dlpack__`` whose device is kDLExtDev, in C order without gaps. A
            tensor of torch on "npu" whose ``__dlpack_device__`` raises is asked for its address.

    Raises:
        TypeError: It has no ``__dlpack__``, or lies on the host or on another kind of device.
        ValueError: It is not contiguous, of a dtype that ACL lacks, or of no DLPack that is known.
        AclError: The device cannot be had.
    """
    if not hasattr(array, "__dlpack__"):
        raise TypeError(f"a {type(array).__name__} has no __dlpack__; to_device() copies arrays")
    found = as_device(array, "the array")
    if found is None:
        kind = array.__dlpack_device__()[0]
        where = "in host memory" if kind == dlpack.CPU else f"on a device of DLPack's kind {kind}"
        raise TypeError(f"the array lies {where}; to_device() copies what is on the host")
    return found


def as_device(value: Any, what: str) -> DeviceArray | None:
    """A value as an array on a device; None where it is on none.

    Args:
        value: Whatever was given for an array.
        what: What it is, for the message: ``"input 'x'"``.

    Raises:
        ValueError: It is on a device, and cannot be taken from there.
    """
    if isinstance(value, DeviceArray):
        return value
    if isinstance(value, np.ndarray | type) or not hasattr(value, "__dlpack__"):
        return None
    try:
        kind, _ = value.__dlpack_device__()
    except ValueError:  # torch's, of a backend that was renamed "npu"
        return _from_torch(value, what) if _is_npu(value) else None
    except (AttributeError, BufferError, RuntimeError, TypeError):
        return None  # whoever takes it for a host array tells
    if kind != dlpack.EXTENSION:
        return None
    _check_format(value, what)
    try:
        return _from_capsule(_capsule_of(value), what)
    except (BufferError, RuntimeError, TypeError) as error:
        raise ValueError(f"{what} cannot be viewed through DLPack: {error}") from error


def _capsule_of(value: Any) -> Any:
    """Its capsule, versioned where it makes them."""
    value = value.detach() if hasattr(value, "detach") else value
    try:
        return value.__dlpack__(max_version=(1, 0))
    except TypeError:  # made before DLPack 1
        return value.__dlpack__()


def _from_capsule(capsule: Any, what: str) -> DeviceArray:
    tensor, readonly = dlpack.tensor_of(capsule)
    key = tensor.code, tensor.bits
    name = dlpack.FOREIGN.get(key)
    kind = getattr(ml_dtypes, name, None) if name else _NAMES.get(key)
    if kind is None or tensor.lanes != 1:
        raise ValueError(f"{what} has DLPack's type {key}, {tensor.lanes} lanes, which ACL lacks")
    shape = tuple(tensor.shape[: tensor.ndim]) if tensor.ndim else ()
    strides = tuple(tensor.strides[: tensor.ndim]) if tensor.ndim and tensor.strides else None
    _check_strides(shape, strides, what)
    address = (tensor.data or 0) + tensor.byte_offset
    made = DeviceArray.from_pointer(address, shape, kind, device=tensor.device_id, owner=capsule)
    made.readonly = readonly
    return made


def _check_strides(shape: tuple[int, ...], strides: tuple[int, ...] | None, what: str) -> None:
    """Refuse an array with gaps, or in another order. The stride of a dim of 1 counts nothing."""
    if strides is None or 0 in shape:
        return
    step = 1
    for dim, stride in zip(reversed(shape), reversed(strides), strict=True):
        if dim != 1 and stride != step:
            raise ValueError(
                f"{what} has strides {strides} and shape {shape}; it must be C-contiguous: give"
                " .contiguous() of it"
            )
        step *= dim


def _is_npu(value: Any) -> bool:
    of_torch = type(value).__module__.partition(".")[0] in ("torch", "torch_npu")
    return of_torch and value.device.type == "npu"


def _from_torch(value: Any, what: str) -> DeviceArray:
    """A tensor of torch on "npu", by its address: its own DLPack does not know its device."""
    _check_format(value, what)
    name = str(value.dtype).removeprefix("torch.")
    shape = tuple(value.shape)
    _check_strides(shape, tuple(value.stride()), what)
    try:
        kind = np.dtype(getattr(ml_dtypes, name, name))
    except TypeError as error:
        raise ValueError(f"{what} has dtype {value.dtype}, which ACL lacks") from error
    index = value.device.index or 0
    return DeviceArray.from_pointer(value.data_ptr(), shape, kind, device=index, owner=value)


def _check_format(value: Any, what: str) -> None:
    """Refuse a tensor that torch_npu keeps in an order of the chip's own, FRACTAL_NZ say."""
    asked = getattr(sys.modules.get("torch_npu"), "get_npu_format", None)
    if asked is None or type(value).__module__.partition(".")[0] not in ("torch", "torch_npu"):
        return
    number = asked(value)
    if number not in dtypes.PLAIN_FORMATS:
        raise ValueError(
            f"{what} is kept as {dtypes.format_name(number)}; give"
            f" torch_npu.npu_format_cast(t, {dtypes.FORMAT_ND}) of it"
        )
