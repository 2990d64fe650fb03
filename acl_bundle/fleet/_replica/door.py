"""Who may infer at a replica: everybody, nobody yet, or nobody.

T1 infers, T2 commits:

1. T1 finds the door open, and is counted inside
2. T2 shuts the door, and drains: it waits until nobody is inside
3. T1 leaves; T3 would infer, and waits outside
4. T2 commits and opens the door: T3 is let in, and reads the new version

A replica that cannot commit is closed for a reason. T3 gets that as an error then; it does not
wait, and never reads the old version.
"""

from __future__ import annotations

import threading
from time import monotonic, perf_counter
from typing import Literal

from acl_bundle._base.wait import Wait
from acl_bundle.errors import BusyError
from acl_bundle.fleet._messages.errors import ReplicaClosedError

Closed = Literal["pending", "poisoned", "closed"]


class Door:
    """The way in to inferences.

    Args:
        name: The replica's, for messages.

    Attributes:
        inside: How many inferences are under way.
        reason: Why nobody is let in; None: everybody is, or waits for the door to open.
        state: What the replica is while there is a reason.
        retired: The newest epoch that a fleet wanted to decide without the replica.
        let_go: Whether a fleet goes on without it for good, until one takes it again.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition(threading.Lock())
        self._shut_at: float | None = None
        self._empty_at = 0.0
        self.inside: int = 0
        self.retired: int = 0
        self.let_go: bool = False
        self._reason_epoch: int | None = None
        self.reason: str | None = None
        self.state: Closed = "pending"

    def enter(self, wait: Wait | None = None) -> None:
        """Go in; `leave` must follow.

        Raises:
            ReplicaClosedError: Nobody is let in.
            BusyError: The door was shut for longer than `wait` allows.
        """
        with self._changed:
            while self.is_shut and self.reason is None:
                if wait is not None and wait.left_ms == 0:
                    raise BusyError(
                        f"an inference at replica {self._name!r} was given up ({wait.text}): an"
                        " update of the fleet is under way; nothing was run"
                    )
                self._changed.wait(0.1 if wait is None else wait.step_ms / 1000)
            if self.reason is not None:
                raise ReplicaClosedError(self._name, self.reason)
            self.inside += 1

    def leave(self) -> None:
        """Go out."""
        with self._changed:
            self.inside -= 1
            if self.is_shut and not self.inside:
                self._empty_at = perf_counter()
                self._changed.notify_all()

    @property
    def is_shut(self) -> bool:
        """Whether nobody is let in for now."""
        return self._shut_at is not None

    def shut(self) -> bool:
        """Let nobody in from now on; returns whether nobody is inside."""
        with self._changed:
            if self._shut_at is None:
                self._shut_at = self._empty_at = perf_counter()
            return not self.inside

    def drain(self, seconds: float) -> float:
        """Wait until nobody is inside of the door, which is shut.

        Returns:
            For how many seconds somebody was, after it had been shut.

        Raises:
            BusyError: Somebody is for too long; the door is open again.
        """
        until = monotonic() + seconds
        with self._changed:
            while self.inside:
                left = until - monotonic()
                if left <= 0:
                    self._opened()
                    raise BusyError(
                        f"replica {self._name!r} cannot close its gate: {self.inside} inferences"
                        f" run longer than {seconds:.3g} s; nothing was changed"
                    )
                self._changed.wait(min(left, 0.1))
            return 0.0 if self._shut_at is None else self._empty_at - self._shut_at

    def open(self) -> None:
        """Let in who waits, unless there is a reason against it."""
        with self._changed:
            self._opened()

    def _opened(self) -> None:
        self._shut_at = None
        self._changed.notify_all()

    def refuse(self, state: Closed, reason: str) -> None:
        """Let nobody in, and send away who waits."""
        with self._changed:
            if self.state == "closed" and self.reason is not None:
                return  # it does not open again
            self._reason_epoch = None
            self.state, self.reason = state, reason
            self._changed.notify_all()

    def retire(self, reason: str, epoch: int) -> None:
        """Let nobody in, as an epoch may be decided without the replica; 0: as all are."""
        with self._changed:
            self.retired = max(self.retired, epoch)
            self.let_go = self.let_go or not epoch
            if self.reason is None:
                self.state, self.reason, self._reason_epoch = "pending", reason, epoch
                self._changed.notify_all()

    def is_retired_for(self, epoch: int) -> bool:
        """Whether it is for that epoch, and for nothing else, that nobody is let in."""
        with self._changed:
            return self.reason is not None and epoch == self._reason_epoch

    def admit(self, retired: int) -> bool:
        """There is no reason any more, unless it was let go. False: it was retired since `retired`
        was read."""
        with self._changed:
            if self.retired == retired and self.state != "closed" and not self.let_go:
                self.reason = None
            return self.retired == retired
