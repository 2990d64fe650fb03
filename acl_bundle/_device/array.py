"""Arrays in device memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import TracebackType
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from acl_bundle._base import dlpack
from acl_bundle._base.arrays import whole
from acl_bundle._base.owner import OfProcess
from acl_bundle._binding.calls import acl
from acl_bundle._binding.library import has
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._device.block import Block, OpenDevice, Use
from acl_bundle._device.export import capsule
from acl_bundle._device.layout import Shape, dtype_of, index_of, shape_of, size_of
from acl_bundle.device import Device
from acl_bundle.errors import ClosedError

ALIGNMENT = 64
"""What aclrtMalloc aligns to (facts 1.5), and so all that runs on the device may count on."""


class DeviceArray(OfProcess):
    """An array in device memory, in C order without gaps.

    Made by `empty`, `to_device`, `from_dlpack` or `from_pointer`. It is taken where a host array
    is: by graphs as an input or in ``out=``, and by updates.

    The memory is given back by `free`, at the end of a ``with`` block, or when the array is
    collected; while a run, a binding or a DLPack consumer uses it, at the end of that. The array
    keeps its device open until then, whoever else closes it.

    Attributes:
        shape: Dimensions in elements.
        dtype: numpy's dtype (bfloat16 and float8 are ml_dtypes').
        device: The number of its device.
        nbytes: Bytes of all elements.
        readonly: Whether it is taken as an input alone: its DLPack producer asked for that.
    """

    def __init__(self, block: Block, shape: Shape, dtype: np.dtype[Any]) -> None:
        self._block: Block | None = block
        self._use: Use | None = None
        self.shape: Shape = shape
        self.dtype: np.dtype[Any] = dtype
        self.device: int = block.device.index
        self.nbytes: int = size_of(shape, dtype)
        self.readonly: bool = False

    @classmethod
    def from_pointer(
        cls,
        pointer: SupportsIndex,
        shape: SupportsIndex | Sequence[SupportsIndex],
        dtype: DTypeLike,
        *,
        device: SupportsIndex | Device = 0,
        owner: Any = None,
    ) -> DeviceArray:
        """Make an array of memory that is somebody else's. Nothing is copied.

        Args:
            pointer: The address of the first element, on the device. Graphs take multiples of 64,
                as aclrtMalloc makes; updates copy what starts elsewhere.
            shape: Dimensions in elements; they lie there in C order, without gaps.
            dtype: What `numpy.dtype` takes.
            device: The number of the device, or a Device.
            owner: Whatever keeps the memory allocated. It is kept until the array is freed and
                nothing uses it. A DeviceArray as the owner is used until then: freeing it takes
                its memory back afterwards. Without one the caller keeps the memory.

        Raises:
            ClosedError: The owner is an array that was freed, or the device was closed.
            TypeError: The pointer, the shape or the device is none, or the dtype.
            ValueError: ACL lacks the dtype, the pointer is NULL or cuts elements in two, or the
                library says that there is no memory of that device (aclrtPointerGetAttributes).
            AclError: The device cannot be had.
        """
        address, index = whole(pointer, "a pointer is an int"), index_of(device)
        made, kind = shape_of(shape), dtype_of(dtype)
        what = f"an array {kind}{list(made)} at 0x{address:x}"
        nbytes = size_of(made, kind)
        if not 0 <= address < 2**64 - nbytes or (nbytes and not address):
            raise ValueError(f"{what}: that is no address of a device")
        if address % kind.alignment:
            raise ValueError(
                f"{what}: the address is no multiple of {kind.alignment}, an element's alignment"
            )
        kept = owner.use() if isinstance(owner, DeviceArray) else None
        block = Block(index, nbytes, address, (owner, kept))
        try:
            if nbytes:
                _check_memory(block.device, address, what)
        except BaseException:
            block.close()
            raise
        return cls(block, made, kind)

    @property
    def ndim(self) -> int:
        """How many dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    @property
    def freed(self) -> bool:
        """Whether `free` was called."""
        return self._block is None

    @property
    def pointer(self) -> int:
        """The address of the first element, on the device.

        Raises:
            ClosedError: The array was freed, or belongs to the parent process.
        """
        return self._used().pointer

    @property
    def owner(self) -> Any:
        """What `from_pointer` was given; None for memory of this package's own, and once freed."""
        kept = None if self._block is None else self._block.owner
        return None if kept is None else kept[0]

    def _used(self) -> Block:
        block = self._block
        if block is None:
            raise ClosedError(f"this DeviceArray {self._told} was freed")
        block.check(self)
        return block

    def use(self) -> Use:
        """Use the memory until what this returns is collected, whatever becomes of the array.

        Raises:
            ClosedError: The array was freed, or belongs to the parent process.
        """
        return self._used().use()

    def held(self) -> DeviceArray:
        """The same array, whatever becomes of this one: its memory stays until it is collected.

        Raises:
            ClosedError: The array was freed, or belongs to the parent process.
        """
        use = self.use()
        twin = DeviceArray(use.block, self.shape, self.dtype)
        twin.readonly, twin._use = self.readonly, use
        return twin

    def to_host(self, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Copy the array to the host (aclrtMemcpy). Blocks until that is done.

        Whoever writes the array on a stream is to be waited for before.

        Args:
            out: The array to write, of this shape and dtype, C-contiguous and writable; None for a
                new one.

        Raises:
            ClosedError: The array was freed, or belongs to the parent process.
            TypeError: `out` is no numpy array, or of another dtype.
            ValueError: `out` is of another shape, not C-contiguous or read-only.
            AclError: The copy failed; `out` holds part of it.
        """
        target = np.empty(self.shape, self.dtype) if out is None else out
        _check_target(target, self)
        use = self.use()
        held = use.block.device
        kind = lib.ACL_MEMCPY_DEVICE_TO_HOST if held.on_host else lib.ACL_MEMCPY_DEVICE_TO_DEVICE
        if self.nbytes:
            with held.activated():
                copied = ffi.from_buffer(target.reshape(-1).view(np.uint8))
                source = ffi.cast("void *", use.block.pointer)
                acl.aclrtMemcpy(copied, self.nbytes, source, self.nbytes, kind)
        return target

    def free(self) -> None:
        """Free the memory (aclrtFree), or let its owner go. A second call does nothing.

        Where a run, a binding, a DLPack consumer or an array made of this one uses the memory, it
        is freed at the end of that. This array is over at once.

        Raises:
            AclError: The memory could not be given back.
        """
        block, self._block = self._block, None
        if block is not None:
            block.let_go()

    def __enter__(self) -> DeviceArray:
        self._used()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.free()

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule of this memory, which stays until the consumer lets go.

        Args:
            stream: Taken and not looked at: what this package wrote is written.
            max_version: (1, 0) or later gives a versioned capsule.
            dl_device: None, or this array's own.
            copy: None or False: nothing is copied.

        Raises:
            BufferError: The array would have to be copied, or DLPack has no code for its dtype.
            TypeError: `max_version` or `dl_device` is no pair of ints.
            ClosedError: The array was freed, or belongs to the parent process.
        """
        is_here = dl_device is None or _pair_of(dl_device, "dl_device") == self.__dlpack_device__()
        if copy or not is_here:
            raise BufferError(
                f"this DeviceArray {self._told} is not copied by __dlpack__; take .to_host(), or"
                " to_device() of it"
            )
        newest = (0, 0) if max_version is None else _pair_of(max_version, "max_version")
        return capsule(self.use(), self.shape, self.dtype, versioned=newest >= (1, 0))

    def __dlpack_device__(self) -> tuple[int, int]:
        """kDLExtDev, which is torch_npu's too, and the number of the device."""
        return dlpack.EXTENSION, self.device

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        raise TypeError(f"this DeviceArray {self._told} is on a device; copy it with .to_host()")

    @property
    def _told(self) -> str:
        return f"{self.dtype}{list(self.shape)}"

    def __repr__(self) -> str:
        block = self._block
        where = "freed" if block is None else f"at 0x{block.pointer:x} on device {self.device}"
        return f"<DeviceArray {self._told} {where}>"


def _check_target(target: Any, array: DeviceArray) -> None:
    if not isinstance(target, np.ndarray):
        raise TypeError(f"out is a {type(target).__name__}; give a numpy array {array._told}")
    if target.dtype != array.dtype:
        raise TypeError(f"out has dtype {target.dtype}; it must be {array.dtype}")
    if target.shape != array.shape:
        raise ValueError(f"out has shape {target.shape}; it must be {array.shape}")
    if not target.flags.c_contiguous or not target.flags.writeable:
        raise ValueError("out is read-only or not C-contiguous; give numpy.empty")


def _pair_of(value: Any, name: str) -> tuple[int, int]:
    """A pair of numbers of DLPack's."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} is {value!r}; it is a tuple of two ints, or None")
    return whole(value[0], f"{name} has two ints"), whole(value[1], f"{name} has two ints")


def _check_memory(device: OpenDevice, address: int, what: str) -> None:
    """Refuse what the library says is no memory of a device. Older ones do not say."""
    if not has("aclrtPointerGetAttributes"):
        return
    told = ffi.new("aclrtPtrAttributes *")
    with device.activated():
        acl.aclrtPointerGetAttributes(ffi.cast("void *", address), told)
    location = told.location
    if location.type != lib.ACL_MEM_LOCATION_TYPE_DEVICE:
        raise ValueError(f"{what}: the memory there is no device's; to_device() copies an array")
    if location.id != device.index:
        raise ValueError(
            f"{what}: the memory there is of device {location.id}, not of {device.index}"
        )
