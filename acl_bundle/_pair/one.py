"""Who changes a pair: one thread at a time, and none but the one that holds it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from acl_bundle._base.owner import Signals, uninterrupted
from acl_bundle._base.wait import Wait
from acl_bundle._pair.active import Turns
from acl_bundle._run.hold import check_lapsed
from acl_bundle.errors import BusyError, ClosedError


class OneAtATime:
    """The lock over a pair's changes.

    Args:
        turns: Where the sides stand, and who holds the pair.

    Attributes:
        closed: Whether the pair is, so that nothing is changed any more.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.closed: bool = False
        self._lock = threading.Lock()
        self._holder: int | None = None

    def check_open(self) -> None:
        """Refuse a pair that is closed."""
        if self.closed:
            raise ClosedError("this Pair is closed")

    @contextmanager
    def held(
        self, wait: Wait, *, despite_hold: bool = False, closing: bool = False
    ) -> Iterator[None]:
        """Have the lock. `despite_hold`: though another thread holds the pair.

        Raises:
            BusyError: Somebody has it for too long; or this thread has, in a probe; or its hold
                has ended.
        """
        if self._holder == threading.get_ident():
            raise BusyError("this is within an update of this Pair, a probe of it say: wait for it")
        if not (despite_hold or closing):
            check_lapsed("a change of this Pair", self._turns)
        taken = False
        try:
            while True:
                with uninterrupted():
                    taken = self._acquired(wait.step_ms / 1000, despite_hold)
                if taken:
                    break
                if wait.left_ms == 0:
                    other = self._turns.hold or "another update of this Pair goes on"
                    raise BusyError(f"given up ({wait.text}): {other}")
            self._holder = threading.get_ident()
            yield
        finally:
            if taken:
                self._holder = None
                self._lock.release()

    def _acquired(self, seconds: float, despite_hold: bool) -> bool:
        """Take the lock, within some time, unless another thread holds the pair."""
        if not self._lock.acquire(timeout=seconds):
            return False
        hold = self._turns.hold
        if hold is None or hold.is_own or despite_hold:
            return True
        self._lock.release()
        hold.ended.wait(seconds)
        return False

    @contextmanager
    def alone(self, wait: Wait) -> Iterator[None]:
        """Be the only one to change anything, with nobody at the shadow."""
        with self.held(wait):
            self.check_open()
            self._turns.clear(wait, "the update", self._turns.sides.shadow)
            yield

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """As `alone`, without waiting.

        Raises:
            BusyError: An update is under way, or another thread holds the pair.
        """
        check_lapsed("a change of this Pair", self._turns)
        taken = False
        try:
            with uninterrupted():
                taken = self._lock.acquire(blocking=False)
            if not taken:
                raise BusyError("an update of this Pair is under way and writes its other side")
            self.check_open()
            hold = self._turns.hold
            if hold is not None and not hold.is_own:
                raise BusyError(f"{hold}, and changes it alone")
            yield
        finally:
            if taken:
                self._lock.release()

    @contextmanager
    def at_a_time(
        self,
        what: str,  # noqa: ARG002  see `Staged`
        wait: Wait,
        *,
        despite_hold: bool = False,
    ) -> Iterator[Signals]:
        """As `held`, with signals held back."""
        with uninterrupted() as signals, self.held(wait, despite_hold=despite_hold):
            self.check_open()
            yield signals
