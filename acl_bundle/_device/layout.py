"""What an array on a device can be: its shape, its dtype, its device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from acl_bundle import dtypes
from acl_bundle._base.arrays import whole
from acl_bundle.device import Device
from acl_bundle.errors import ClosedError

Shape = tuple[int, ...]


def shape_of(shape: SupportsIndex | Sequence[SupportsIndex]) -> Shape:
    """A shape as a tuple of ints; one int is one dim.

    Raises:
        TypeError: A dim is no int.
        ValueError: A dim is below 0.
    """
    if isinstance(shape, str | bytes | bytearray | memoryview):
        raise TypeError(f"shape is {shape!r}; give an int, or a sequence of ints")
    rows = shape if isinstance(shape, Sequence) else [shape]
    made = tuple(whole(dim, "shape has ints") for dim in rows)
    if min(made, default=0) < 0:
        raise ValueError(f"shape {made} has a dim below 0")
    return made


def dtype_of(dtype: DTypeLike) -> np.dtype[Any]:
    """A dtype that the device has.

    Raises:
        TypeError: It is no dtype.
        ValueError: ACL has no type for it.
    """
    try:
        made: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(f"dtype is {dtype!r}; give one of numpy's, or its name") from error
    dtypes.from_numpy(made)
    return made


def index_of(device: SupportsIndex | Device) -> int:
    """The number of a device.

    Raises:
        ClosedError: It is a Device that was closed.
        TypeError: It is neither an int nor a Device.
        ValueError: No device can have that number.
    """
    if not isinstance(device, Device):
        index = whole(device, "device is an index, an int, or a Device")
        if not 0 <= index < 2**31:
            raise ValueError(f"device {index} is beyond what ACL can name; indices start at 0")
        return index
    if device.closed:
        raise ClosedError(f"this {device!r} is closed; give its index, or one that is open")
    return device.index


def size_of(shape: Shape, dtype: np.dtype[Any]) -> int:
    """The bytes of an array.

    Raises:
        ValueError: They are more than any device can address.
    """
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes >= 2**63:
        raise ValueError(f"an array {dtype}{list(shape)} has {nbytes} bytes, too many for a device")
    return nbytes


class _Placed(Protocol):
    """As much of a DeviceArray as `check_device` reads."""

    device: int

    @property
    def freed(self) -> bool: ...


def check_device(array: _Placed, what: str, device: int) -> None:
    """Refuse an array that is no more, or on another device than the bundle.

    Raises:
        ClosedError: It was freed.
        ValueError: It is on another device.
    """
    if array.freed:
        raise ClosedError(f"{what} is {array!r}; give an array that is there")
    if array.device != device:
        raise ValueError(
            f"{what} is on device {array.device}, the bundle on {device}; copy it:"
            f" to_device(array.to_host(), device={device})"
        )
