"""The gate of a replica: its door, and a hold of its model for whoever infers there directly."""

from __future__ import annotations

from contextlib import suppress

from acl_bundle._run.hold import Hold
from acl_bundle.bundle import Bundle
from acl_bundle.errors import AclBundleError
from acl_bundle.fleet._replica.door import Door
from acl_bundle.pair import Pair

HELD_MS = 2**31 - 1
"""A gate is closed until it is opened, or the coordinator's lease has run out."""


class Gate:
    """Keeps inferences out of a model while a strict update is under way.

    One thread closes and opens it, for a hold belongs to a thread.

    Args:
        model: Whose it is.
        door: The way in through the replica.
    """

    def __init__(self, model: Bundle | Pair, door: Door) -> None:
        self._model, self._door = model, door
        self._hold: Hold | None = None
        self._untidy = False

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._hold is not None

    def close(self, seconds: float) -> None:
        """Let no inference begin, and wait for those that run.

        Raises:
            BusyError: They run for longer; the gate is open.
        """
        self._door.shut(seconds)
        try:
            self._hold = self._model.hold(HELD_MS, timeout_ms=max(int(seconds * 1000), 1))
        except BaseException:
            self._door.open()
            raise

    def open(self) -> None:
        """Let inferences in, unless the door has a reason against it."""
        hold, self._hold = self._hold, None
        if hold is not None:
            self._untidy = True
            with suppress(AclBundleError):  # its thread ended, or the model is closed
                hold.release()
        self._door.open()

    def tidy(self) -> None:
        """Free what a commit behind the closed gate has left, when nobody waits for it."""
        if self._hold is None and self._untidy:
            self._untidy = False
            if isinstance(self._model, Pair) and not self._model.closed:
                with suppress(AclBundleError):  # the next update does it
                    self._model._tidy()
