"""Blocks of device memory behind arrays: who uses them, and when they are given back.

A block is given back once: when its array was freed, or collected, and nothing that was begun with
it (a run, a binding, a DLPack capsule, a part of it) uses it any more.

    T1: a run has taken the block and reads it
    T2: array.free(): the array is freed, the block stays
    T1: the run is over; the block is given back
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from acl_bundle._base.owner import Owner, check_process, uninterrupted
from acl_bundle._binding.shim import ffi
from acl_bundle._device.memory import DeviceBuffer
from acl_bundle.device import Activated, Device
from acl_bundle.errors import AclError, ClosedError


@dataclass(frozen=True)
class OpenDevice:
    """A device that this process's blocks keep open.

    Attributes:
        index: Its number.
        activated: Makes its context the thread's for a while.
        on_host: Whether the program runs beside it.
    """

    index: int
    activated: Activated
    on_host: bool


_lock = threading.RLock()
_open: dict[tuple[int, int], tuple[Device, OpenDevice, list[None]]] = {}
"""By process and index: a device, and a place for each block on it."""


def hold(index: int) -> OpenDevice:
    """Keep a device open until `drop`; the first call of an index opens it.

    Raises:
        AclError: The device cannot be had; 107001 means that there is none.
    """
    key = os.getpid(), index
    with _lock:
        if key not in _open:
            device = Device(index)
            try:
                held = OpenDevice(device.index, device.activated, device.on_host)
            except BaseException:
                device.close()
                raise
            _open[key] = device, held, []
        _, held, blocks = _open[key]
        blocks.append(None)
        return held


def drop(index: int) -> None:
    """End a `hold`; the last one closes the device."""
    key = os.getpid(), index
    with _lock:
        device, _, blocks = _open[key]
        blocks.pop()
        if not blocks:
            del _open[key]
            device.close()


def _held(index: int, memory: DeviceBuffer | None) -> OpenDevice:
    """`hold`, which gives memory back where it fails."""
    try:
        return hold(index)
    except BaseException:
        if memory is not None:
            with suppress(AclError):
                memory.close()
        raise


class Use:
    """Somebody's use of a block, from `Block.use` until it is collected.

    Attributes:
        block: The block.
    """

    __slots__ = ("__weakref__", "block")

    def __init__(self, block: Block) -> None:
        self.block: Block = block


class _Uses:
    """Those uses of a block that are not collected. Nothing runs when one is."""

    def __init__(self) -> None:
        self._all: list[weakref.ref[Use]] = []
        self._many = 16

    def add(self, use: Use) -> None:
        """Count one in; from time to time those that are over are left out."""
        if len(self._all) >= self._many:
            self._all = [one for one in self._all if one() is not None]
            self._many = 2 * len(self._all) + 16
        self._all.append(weakref.ref(use))

    def __bool__(self) -> bool:
        return any(one() is not None for one in self._all)


class Block(Owner):
    """Device memory, and those who use it.

    It is closed when it is let go and nobody uses it; else with the last use, which keeps it from
    being collected.

    Args:
        device: The index of its device.
        nbytes: How many bytes to allocate; 0 takes one.
        address: Where it lies; None to allocate it.
        owner: What keeps memory that is not ours alive.
        taken: Memory of the device that is ours from now on (aclrtFree).

    Attributes:
        device: The device, which is open for as long as the block is not given back.
        pointer: Its address; 0 where there is none.

    Raises:
        AclError: 207001 when the device has no such block left.
    """

    def __init__(
        self,
        device: int,
        nbytes: int,
        address: int | None = None,
        owner: Any = None,
        *,
        taken: Any = None,
    ) -> None:
        self._uses, self._lock = _Uses(), threading.RLock()
        memory = None if taken is None else DeviceBuffer(max(nbytes, 1), taken)
        with uninterrupted():
            self.device: OpenDevice = _held(device, memory)
            super().__init__(self.device.activated, warns=False)
            self._stack.callback(drop, device)
            with self._closed_on_failure():
                self.pointer: int = self._own(nbytes, memory) if address is None else address
        kept = [owner]
        self._stack.callback(kept.clear)
        self._kept = kept

    def _own(self, nbytes: int, memory: DeviceBuffer | None) -> int:
        if memory is None:
            with self.device.activated():
                memory = DeviceBuffer(max(nbytes, 1))
        self._stack.callback(memory.close)
        return int(ffi.cast("uintptr_t", memory.pointer))

    @property
    def owner(self) -> Any:
        """What keeps memory that is not ours alive."""
        return self._kept[0] if self._kept else None

    def check(self, used: object) -> None:
        """Refuse a block that was given back, or belongs to the parent process.

        Args:
            used: What of it is about to be used, for the message.

        Raises:
            ClosedError: It is one.
        """
        check_process(used, self._process)
        if self.closed:
            raise ClosedError(f"this {type(used).__name__} is closed")

    def use(self) -> Use:
        """Use the block until what this returns is collected.

        Raises:
            ClosedError: It was let go, or belongs to the parent process.
        """
        with self._lock:
            self.check(self)
            use = Use(self)
            self._uses.add(use)
            return use

    def let_go(self) -> None:
        """Give the block back, now or, where it is used, when it is collected with the last use."""
        with self._lock:
            over = not self._uses
        if over:
            self.close()
