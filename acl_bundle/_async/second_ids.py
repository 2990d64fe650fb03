"""The second ids of a bundle's graphs: loading them, and the end of them all.

A loaded id keeps for life to the way it was first executed (facts 1.11), so
what may be given up has an id of its own, loaded when the first of it comes: a
`Runner` for runs in the background, a `Timed` engine for those that write.

What they hold belongs to the bundle. A bundle that closes while something that
was given up is still on the device gives nothing back before that is over: the
device may yet read and write all of it (`left_over`).
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from acl_bundle._async.left_over import LeftOver
from acl_bundle._base.owner import uninterrupted
from acl_bundle._base.wait import POLL_MS
from acl_bundle._binding.library import need
from acl_bundle._run.variables import Variables
from acl_bundle.device import Device
from acl_bundle.errors import ClosedError

NEEDS = (
    "aclmdlExecuteAsync",
    "aclrtCreateStream",
    "aclrtCreateEvent",
    "aclrtMallocHost",
    "aclrtMemcpyAsync",
    "aclrtRecordEvent",
    "aclrtStreamQuery",
    "aclrtStreamWaitEvent",
    "aclrtSynchronizeStreamWithTimeout",
)
Stop = Callable[[], Callable[[float], bool] | None]
"""Begins the end of something; returns what waits for it, seconds at most: is it over?"""


def need_streams(label: str) -> None:
    """Refuse a library that cannot run a graph behind its callers.

    Raises:
        UnsupportedError: It lacks one of `NEEDS`.
    """
    need(label, NEEDS)


class SecondIds:
    """The second ids of one bundle.

    Args:
        stack: The bundle's.
        again: Loads a graph of it once more; see `_load.flows`.
        device: Its device.
        variables: Its variables.
        keep: What is kept from being collected while runs wait: the bundle.

    Attributes:
        stack: Gives back what they hold.
    """

    def __init__(
        self,
        stack: ExitStack,
        again: Callable[[ExitStack, int], int],
        device: Device,
        variables: Variables,
        keep: weakref.ref[Any],
    ) -> None:
        self.stack: ExitStack = ExitStack()
        self.device: Device = device
        self.variables: Variables = variables
        self.keep: weakref.ref[Any] = keep
        self._again, self._all = again, stack
        self._watched: list[tuple[str, Callable[[], bool]]] = []
        self._stops: list[Stop] = []
        self._stopped = False
        self._lock = threading.Lock()
        stack.callback(self.stack.close)

    @contextmanager
    def opening(self, label: str) -> Iterator[None]:
        """Be the only one to open something, of a bundle that stays open meanwhile.

        Updates go on: nothing of them is touched.

        Raises:
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        self.variables.check(label)
        kept = self.keep()
        with self._lock, uninterrupted():
            if self._stopped or kept is None:
                raise ClosedError(f"the bundle of {label} was closed, or collected: keep it")
            yield

    def load(self, stack: ExitStack, index: int) -> int:
        """Load a graph of the bundle once more; the context is current.

        Returns:
            The model's id.

        Raises:
            SourceChangedError: The file is not what was loaded.
            AclError: The device has no room.
        """
        return self._again(stack, index)

    def watch(self, label: str, hung: Callable[[], bool]) -> None:
        """Have something asked at the close whether the device still uses what it holds."""
        self._watched.append((label, hung))

    def on_stop(self, stop: Stop) -> None:
        """Have something called when the bundle begins to close, by whoever closes it.

        So it may be called twice, and at once. What it returns is then waited for.
        """
        self._stops.append(stop)
        if self._stopped:
            self.stop()

    def stop(self, deliver: Callable[[], None] = lambda: None) -> None:
        """Begin nothing new, and see the end of what has begun. May be called twice.

        Everybody who closes waits here, a future's callback too. Nobody waits
        before all has been told to stop.

        Args:
            deliver: Called while it waits; raises where it shall not any more.
        """
        with self._lock:
            self._stopped = True
        waits = [stop() for stop in list(self._stops)]
        for over in waits:
            while over is not None and not over(POLL_MS / 1000):
                deliver()
        self._stops.clear()

    def leave_what_hangs(self) -> None:
        """Give nothing of the bundle back if the device still uses it; the gate is closed."""
        hung = [label for label, is_hung in self._watched if is_hung()]
        if not hung:
            return
        watched = list(self._watched)
        LeftOver(
            self._all.pop_all(),
            self.device.activated,
            lambda: any(is_hung() for _, is_hung in watched),
        )
        warnings.warn(
            f"{', '.join(hung)} was given up and is still on the device: what the bundle holds"
            " there, and its count of the device, are given back when that is over",
            ResourceWarning,
            stacklevel=2,
        )
