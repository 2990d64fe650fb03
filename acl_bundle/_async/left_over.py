"""What bundles held that were closed while the device used it: given back when that is over.

A thread asks the device for each of them. What is not over when the process ends goes with it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from acl_bundle._binding.library import when_forgotten
from acl_bundle.device import Activated
from acl_bundle.errors import AclError

log = logging.getLogger("acl_bundle")
POLL_S = 0.02


class LeftOver:
    """The rest of one bundle.

    Args:
        stack: Gives it back.
        activated: Makes the context of its device the thread's for a while.
        hangs: Whether the device uses it still.
    """

    def __init__(self, stack: ExitStack, activated: Activated, hangs: Callable[[], bool]) -> None:
        self._stack, self._activated, self._hangs = stack, activated, hangs
        self._forgotten = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="acl_bundle left over", daemon=True)
        _all.append(self)
        with suppress(RuntimeError):  # there are too many: it is kept to the end of the process
            self._thread.start()

    def _wait(self) -> None:
        while self._hangs():
            if self._forgotten.wait(POLL_S):
                return
        try:
            _all.remove(self)
        except ValueError:  # it was forgotten just now
            return
        try:
            with self._activated():
                self._stack.close()
        except AclError as error:
            log.warning("what a closed bundle had left on the device: %s", error)

    def forget(self) -> None:
        """Ask for nothing any more, and give nothing back."""
        self._forgotten.set()
        if self._thread.is_alive():
            self._thread.join()
        _kept.append(self._stack)


_all: list[LeftOver] = []
_kept: list[ExitStack] = []


def _forget_all() -> None:
    while _all:
        _all.pop().forget()


when_forgotten(_forget_all)
