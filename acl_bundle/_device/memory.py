"""Memory of the device, and host memory that the device can reach directly.

A buffer belongs to whoever made it: the maker puts ``close`` on its stack. All
calls need the device's context current on the thread.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from acl_bundle._binding.calls import acl, pointed
from acl_bundle._binding.shim import ffi, lib
from acl_bundle.errors import AclError, AclResourceError

_idle: dict[int, Callable[[], bool]] = {}


def lend_idle(drop: Callable[[], bool]) -> Callable[[], None]:
    """Have idle memory given up where an allocation finds no room.

    Args:
        drop: Frees it, from any thread, and says whether there was any.

    Returns:
        What ends that.
    """
    number = id(drop)
    _idle[number] = drop

    def end() -> None:
        _idle.pop(number, None)

    return end


def made_room() -> bool:
    """Free all idle memory; whether there was any."""
    some = False
    for drop in list(_idle.values()):
        with suppress(AclError):
            some |= drop()
    return some


class DeviceBuffer:
    """A block of device memory (aclrtMalloc); its contents start undefined.

    Args:
        nbytes: How many bytes, at least 1.
        taken: A block that somebody else allocated, to be this one's; None to allocate it.

    Raises:
        AclError: 207001 when the device has no such block left, nor idle memory that was kept
            for the next staged set: that is freed before.
    """

    def __init__(self, nbytes: int, taken: Any = None) -> None:
        self.pointer: Any = self._allocated(nbytes) if taken is None else taken
        self.nbytes: int = nbytes

    def _allocated(self, nbytes: int) -> Any:
        pointer = ffi.new("void **")
        try:
            acl.aclrtMalloc(pointer, nbytes, lib.ACL_MEM_MALLOC_HUGE_FIRST)
        except AclResourceError:
            if not made_room():
                raise
            acl.aclrtMalloc(pointer, nbytes, lib.ACL_MEM_MALLOC_HUGE_FIRST)
        return pointed("aclrtMalloc", pointer[0])

    def read(self, offset: int, target: Any, nbytes: int, on_host: bool) -> None:
        """Copy a part of the block to the host (aclrtMemcpy).

        Args:
            offset: Where the part starts, in bytes.
            target: Where it goes.
            nbytes: How much of it.
            on_host: Whether the program runs beside the device.
        """
        kind = lib.ACL_MEMCPY_DEVICE_TO_HOST if on_host else lib.ACL_MEMCPY_DEVICE_TO_DEVICE
        source = ffi.cast("char *", self.pointer) + offset
        acl.aclrtMemcpy(target, nbytes, source, nbytes, kind)

    def close(self) -> None:
        """Free the block (aclrtFree). A second call does nothing."""
        pointer, self.pointer, self.nbytes = self.pointer, None, 0
        if pointer is not None:
            acl.aclrtFree(pointer)


class HostBuffer:
    """A block of page-locked host memory (aclrtMallocHost).

    Args:
        nbytes: How many bytes, at least 1.

    Raises:
        AclError: The block could not be had.
    """

    def __init__(self, nbytes: int) -> None:
        pointer = ffi.new("void **")
        acl.aclrtMallocHost(pointer, nbytes)
        self.pointer: Any = pointed("aclrtMallocHost", pointer[0])
        self.nbytes: int = nbytes

    def close(self) -> None:
        """Free the block (aclrtFreeHost). A second call does nothing."""
        pointer, self.pointer, self.nbytes = self.pointer, None, 0
        if pointer is not None:
            acl.aclrtFreeHost(pointer)
