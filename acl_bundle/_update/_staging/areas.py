"""Device memory of staged sets, each of which has an area of its own until it is committed."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack

from acl_bundle._base.owner import uninterrupted
from acl_bundle._device.memory import DeviceBuffer, lend_idle
from acl_bundle.device import Device


class Areas:
    """Hands out areas; those that came back are kept for the next sets.

    Args:
        stack: Gives back what is left.
        device: Whose memory it is.

    Attributes:
        quiet: Whether nothing that was committed is on the device still.
    """

    def __init__(self, stack: ExitStack, device: Device) -> None:
        self._device, self._lock = device, threading.Lock()
        self._free: list[DeviceBuffer] = []
        self._taken: set[DeviceBuffer] = set()
        self._forgotten: deque[DeviceBuffer] = deque()
        self.quiet: Callable[[], bool] = lambda: True
        self._process, self._dropping = os.getpid(), threading.RLock()
        stack.callback(self._close)
        stack.callback(lend_idle(self._drop))

    def take(self, nbytes: int) -> DeviceBuffer:
        """An area of at least so many bytes, more than 0: the least that fits, or a new one.

        Raises:
            AclError: The device has no room for it.
        """
        self._collect_if_quiet()
        with self._lock:
            fitting = [one for one in self._free if one.nbytes >= nbytes]
            if fitting:
                area = min(fitting, key=lambda one: one.nbytes)
                self._free.remove(area)
                self._taken.add(area)
                return area
        self._drop()
        with self._device.activated():
            area = DeviceBuffer(nbytes)
        with self._lock:
            self._taken.add(area)
        return area

    def give(self, area: DeviceBuffer) -> None:
        """Take an area back, once, which nothing on the device reads. It cannot fail."""
        with self._lock:
            if area in self._taken:
                self._taken.discard(area)
                self._free.append(area)

    def forget(self, area: DeviceBuffer) -> None:
        """As `give`, with the next `collect`: whoever had it was collected, on whatever thread."""
        self._forgotten.append(area)

    def collect(self) -> None:
        """Take back what was forgotten, when nothing that was committed is on the device still."""
        while self._forgotten:
            self.give(self._forgotten.popleft())

    def _collect_if_quiet(self) -> None:
        if self._forgotten and self.quiet():
            self.collect()

    def _drop(self) -> bool:
        """Free what no set has, for somebody who needs the room; whether there was any.

        Nobody waits for `take` meanwhile, so that two bundles may ask each other; closing waits.

        Raises:
            AclError: Some could not be freed.
        """
        if os.getpid() != self._process:
            return False
        with uninterrupted(), self._dropping:
            self._collect_if_quiet()
            with self._lock:
                areas, self._free = self._free, []
            if areas:
                with self._device.activated(), ExitStack() as stack:
                    for area in areas:
                        stack.callback(area.close)
            return bool(areas)

    def _close(self) -> None:
        with self._dropping, self._lock:
            areas, self._free = [*self._taken, *self._free], []
            self._taken.clear()
        with ExitStack() as stack:
            for area in areas:
                stack.callback(area.close)
