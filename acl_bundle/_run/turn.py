"""One thread at a time: who commits, and who stages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle.errors import BusyError


class Keeper(Protocol):
    """A thread that keeps others out beyond its turns; as text what it does."""

    begun: bool
    ended: threading.Event
    how: str | None

    @property
    def is_own(self) -> bool:
        """Whether it is this thread."""

    def end(self, how: str) -> None:
        """Let others in."""


class Held(Protocol):
    """What a thread may keep others out of.

    Attributes:
        hold: The thread that does; None: there is none.
    """

    hold: Keeper | None


class Turn:
    """A lock that a thread waits for in short steps, and cannot take twice.

    Args:
        within: What this thread does, for the message, when it asks again.
        other: What another thread does when it is waited for in vain.

    Attributes:
        hold: The thread that keeps others out beyond its turns; None: there is none.
    """

    def __init__(self, within: str, other: str) -> None:
        self._within, self._other = within, other
        self._lock = threading.Lock()
        self._inside: int | None = None
        self.hold: Keeper | None = None

    @property
    def is_held(self) -> bool:
        """Whether this thread keeps others out now; while it does, nobody is let in."""
        hold = self.hold
        return hold is not None and hold.how is None and hold.is_own

    @contextmanager
    def taken(
        self, what: str, wait: Wait, signals: Signals, *, despite_hold: bool = False
    ) -> Iterator[None]:
        """Have it; signals, which are held back, are delivered while waiting. `despite_hold`:
        wait for turns alone.

        Raises:
            BusyError: Others have it for longer than `wait` allows, or this thread has.
        """
        self.check_outside(what)
        while not self._acquired(wait.step_ms / 1000, despite_hold):
            signals.deliver()
            if wait.left_ms == 0:
                other = self._other if self.hold is None else str(self.hold)
                raise BusyError(f"{what} was given up ({wait.text}): {other}")
        self._inside = threading.get_ident()
        try:
            yield
        finally:
            self._inside = None
            self._lock.release()

    def _acquired(self, seconds: float, despite_hold: bool) -> bool:
        """Take the lock, within some time, unless another thread holds the bundle."""
        if not self._lock.acquire(timeout=seconds):
            return False
        hold = self.hold
        if hold is None or hold.is_own or despite_hold:
            return True
        self._lock.release()
        hold.ended.wait(seconds)
        return False

    def check_outside(self, what: str) -> None:
        """Refuse what this thread would wait for in vain.

        Raises:
            BusyError: A signal handler, or the mapping of an update's weights, called it.
        """
        if self._inside == threading.get_ident():
            raise BusyError(
                f"{what} is refused: it was called from within {self._within} of the same bundle,"
                " for which it would wait"
            )
