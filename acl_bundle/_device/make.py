"""Device arrays made: new ones, and copies of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from acl_bundle import dtypes
from acl_bundle._base.arrays import as_array
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.block import Block
from acl_bundle._device.foreign import as_device
from acl_bundle._device.layout import dtype_of, index_of, shape_of, size_of
from acl_bundle._names.given import host_copy
from acl_bundle.device import Device


def empty(
    shape: SupportsIndex | Sequence[SupportsIndex],
    dtype: DTypeLike,
    device: SupportsIndex | Device = 0,
) -> DeviceArray:
    """Make an array on a device (aclrtMalloc). Its contents are undefined.

    Args:
        shape: Dimensions in elements; one int is one dim. An array without elements takes a byte.
        dtype: What `numpy.dtype` takes, of those that ACL has.
        device: The number of the device, or a Device.

    Raises:
        ClosedError: The Device was closed.
        TypeError: The shape, the dtype or the device is none.
        ValueError: A dim is below 0, ACL lacks the dtype, or there are too many elements.
        AclError: 207001 when the device has no such block left.
    """
    made, kind, index = shape_of(shape), dtype_of(dtype), index_of(device)
    return DeviceArray(Block(index, size_of(made, kind)), made, kind)


def copy_of(value: Any, what: str) -> Any:
    """A copy of a tensor that may be written again: on its device, or on the host.

    Raises:
        TypeError: It is no array.
        ValueError: It is on a device, and cannot be taken from there.
        AclError: The memory could not be had, or the copy failed.
    """
    found = None if isinstance(value, np.ndarray) else as_device(value, what)
    return host_copy(value, what) if found is None else to_device(found)


def to_device(
    array: Any, *, device: SupportsIndex | Device | None = None, out: DeviceArray | None = None
) -> DeviceArray:
    """Copy an array to a device (aclrtMemcpy). Blocks until that is done.

    Args:
        array: A numpy array, or anything with ``__dlpack__`` on the CPU or with ``__array__``; not
            contiguous, it is copied on the host first. Or an array on the same device.
        device: The number of the device, or a Device; None for that of `out` or of the array, or 0.
        out: The array to write, of the same shape and dtype; None for a new one. A graph that runs
            beside must not use it.

    Raises:
        ClosedError: An array was freed, or the Device was closed.
        TypeError: It is no array, or `out` is of another dtype.
        ValueError: ACL lacks the dtype, `out` is of another shape, or something is on another
            device.
        AclError: The memory could not be had, or the copy failed.
    """
    source: Any = as_device(array, "the array")
    if source is None:
        source = np.asarray(as_array(array, "the array"), order="C")
        dtypes.from_numpy(source.dtype)
    index = _index(device, out, source)
    target = empty(source.shape, source.dtype, index) if out is None else out
    _check_pair(target, source, index)
    try:
        _copy(target, source)
    except BaseException:
        if out is None:
            target.free()
        raise
    return target


def _index(device: SupportsIndex | Device | None, *arrays: Any) -> int:
    if device is not None:
        return index_of(device)
    return next((one.device for one in arrays if isinstance(one, DeviceArray)), 0)


def _check_pair(target: Any, source: Any, index: int) -> None:
    if not isinstance(target, DeviceArray):
        raise TypeError(f"out is a {type(target).__name__}; give a DeviceArray")
    if target.dtype != source.dtype:
        raise TypeError(f"out has dtype {target.dtype}; it must be {source.dtype}")
    if target.shape != source.shape:
        raise ValueError(f"out has shape {target.shape}; it must be {source.shape}")
    if target.readonly:
        raise ValueError("out is read-only; give an array made by empty()")
    for what, one in (("out", target), ("the array", source)):
        if isinstance(one, DeviceArray) and one.device != index:
            raise ValueError(
                f"{what} is on device {one.device}, not on {index}; copy it by way of .to_host()"
            )


def _copy(target: DeviceArray, source: Any) -> None:
    into = target.use().block
    if not target.nbytes:
        return
    kind, held = lib.ACL_MEMCPY_DEVICE_TO_DEVICE, None
    if isinstance(source, DeviceArray):
        held = source.use()
        data = ffi.cast("void *", held.block.pointer)
    else:
        data = ffi.from_buffer(source.reshape(-1).view(np.uint8))
        kind = lib.ACL_MEMCPY_HOST_TO_DEVICE if into.device.on_host else kind
    with into.device.activated():
        room = ffi.cast("void *", into.pointer)
        acl.aclrtMemcpy(room, target.nbytes, data, target.nbytes, kind)
