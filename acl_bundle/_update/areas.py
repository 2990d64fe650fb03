"""Device memory of staged sets, each of which has an area of its own until it is committed."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import ExitStack

from acl_bundle._device.memory import DeviceBuffer
from acl_bundle.device import Device


class Areas:
    """Hands out areas; those that came back are kept for the next sets.

    Args:
        stack: Gives back what is left.
        device: Whose memory it is.
    """

    def __init__(self, stack: ExitStack, device: Device) -> None:
        self._device, self._lock = device, threading.Lock()
        self._free: list[DeviceBuffer] = []
        self._taken: set[DeviceBuffer] = set()
        self._forgotten: deque[DeviceBuffer] = deque()
        stack.callback(self._close)

    def take(self, nbytes: int) -> DeviceBuffer:
        """An area of at least so many bytes, more than 0: the least that fits, or a new one.

        Raises:
            AclError: The device has no room for it.
        """
        with self._lock:
            fitting = [one for one in self._free if one.nbytes >= nbytes]
            if fitting:
                area = min(fitting, key=lambda one: one.nbytes)
                self._free.remove(area)
            else:
                self._empty()
                with self._device.activated():
                    area = DeviceBuffer(nbytes)
            self._taken.add(area)
            return area

    def give(self, area: DeviceBuffer) -> None:
        """Take an area back, which nothing on the device reads. No call, so it cannot fail."""
        with self._lock:
            self._taken.discard(area)
            self._free.append(area)

    def forget(self, area: DeviceBuffer) -> None:
        """As `give`, with the next `collect`: whoever had it was collected, on whatever thread."""
        self._forgotten.append(area)

    def collect(self) -> None:
        """Take back what was forgotten, when nothing that was committed is on the device still."""
        while self._forgotten:
            self.give(self._forgotten.popleft())

    def drop(self) -> bool:
        """Free what no set has, for somebody who needs the room; whether there was any.

        Raises:
            AclError: Some could not be freed.
        """
        self.collect()
        with self._lock:
            some = bool(self._free)
            self._empty()
            return some

    def _empty(self) -> None:
        areas, self._free = self._free, []
        with self._device.activated(), ExitStack() as stack:
            for area in areas:
                stack.callback(area.close)

    def _close(self) -> None:
        areas, self._free = [*self._taken, *self._free], []
        self._taken.clear()
        with ExitStack() as stack:
            for area in areas:
                stack.callback(area.close)
