"""What a follower has settled, what waits, and the numbers of it.

`position` is the order up to which everything is settled: applied, refused, or
passed by. It only goes back to heal a poisoned bundle.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from acl_bundle.follow._follower.metrics import Metrics
from acl_bundle.follow._versions.source import Checkpoint, Order

REMEMBERED = 64


@dataclass
class Waiting:
    """A version that could not be read yet: failures so far, and when it is due again.

    It may have been refused meanwhile, for what may be another thing when it is due.
    """

    failures: int = 0
    due: float = 0.0
    refused: bool = False


class Ledger:
    """Written by the follower's thread, read by any.

    Attributes:
        changed: Notified after every change.
        metrics: The numbers as they are now.
        position: Everything up to here is settled; None before the first version.
        refusals: The errors of the last refused versions, by order.
        waiting: Versions that were seen and are not settled.
        reached: The order applied last, or followed after; None before the first.
        applied_at: When a version was applied last, or the follower started,
            on the monotonic clock.
        ended: Why the follower has ended, None while it goes on.
    """

    def __init__(self, position: Order | None) -> None:
        self.changed = threading.Condition()
        self.metrics = Metrics()
        self.position = self.reached = position
        self.refusals: dict[Order, Exception] = {}
        self.waiting: dict[Order, Waiting] = {}
        self.applied_at = monotonic()
        self.ended: BaseException | None = None
        self._highest = position

    def is_new(self, checkpoint: Checkpoint) -> bool:
        """Say whether a version is beyond all that is settled."""
        return self.position is None or checkpoint.order > self.position

    def see(self, checkpoint: Checkpoint) -> Waiting:
        """Note that a version is there, and return what is known of it."""
        known = self.waiting.get(checkpoint.order)
        if known is None:
            known = self.waiting[checkpoint.order] = Waiting()
            if self._is_first_time(checkpoint.order):
                self._count(seen=1)
        return known

    def applied(self, checkpoint: Checkpoint, lag: float | None) -> None:
        """Note that the bundle took a version."""
        first = self._is_first_time(checkpoint.order)
        with self.changed:  # who sees `reached` sees the metrics of it
            self.applied_at = monotonic()
            self.reached = checkpoint.order
            self._settle(
                checkpoint.order,
                version=checkpoint.version,
                lag=lag,
                **({"applied": 1} if first else {"healed": 1}),
            )

    def refused(self, checkpoint: Checkpoint, error: Exception) -> None:
        """Note that a version will not be asked again."""
        self._refuse(checkpoint.order, error)
        self._settle(checkpoint.order, last_error=error, refused=1)

    def no_version(self, checkpoint: Checkpoint, error: Exception) -> bool:
        """Note that what has a version's name is none; returns False when that is known.

        It settles nothing: whoever can make a file of that name cannot stop
        the versions that come before it, nor the one that it is put in place of.
        """
        waiting = self.see(checkpoint)
        if waiting.refused:
            return False
        waiting.refused = True
        with self.changed:
            self._refuse(checkpoint.order, error)
            self._count(last_error=error, refused=1)
            self.changed.notify_all()
        return True

    def impossible(self, error: Exception) -> None:
        """Note something that has no place in any order."""
        with self.changed:
            self._count(last_error=error, seen=1, refused=1)

    def _refuse(self, order: Order, error: Exception) -> None:
        self.refusals[order] = error
        if len(self.refusals) > REMEMBERED:
            del self.refusals[next(iter(self.refusals))]

    def failed(self, error: Exception) -> None:
        """Note a failure that will be tried again."""
        with self.changed:
            self._count(last_error=error, errors=1)
            self.changed.notify_all()

    def callback_failed(self) -> None:
        """Note that a callback raised."""
        with self.changed:
            self._count(callback_errors=1)

    def end(self, why: BaseException) -> None:
        """Note that nothing will come any more."""
        with self.changed:
            self.ended = self.ended or why
            self.changed.notify_all()

    def _is_first_time(self, order: Order) -> bool:
        return self._highest is None or order > self._highest

    def _is_passed(self, order: Order) -> bool:
        return self._is_first_time(order) and not self.waiting[order].refused

    def _settle(self, order: Order, **changes: Any) -> None:
        with self.changed:
            done = [one for one in self.waiting if one <= order]
            passed = [one for one in done if one != order and self._is_passed(one)]
            if order in done and self.waiting[order].refused:  # it was counted, and has come true
                self.refusals.pop(order, None)
                self._count(refused=-1)
            for one in done:
                del self.waiting[one]
            self._count(passed=len(passed), **changes)
            self._highest = max(order, self._highest or order)
            self.position = order
            self.changed.notify_all()

    def _count(self, **changes: Any) -> None:
        """Add to the counts, and replace the rest."""
        now = self.metrics
        counted = {
            name: getattr(now, name) + value if name in _COUNTS else value
            for name, value in changes.items()
        }
        self.metrics = replace(now, **counted)


_COUNTS = {
    "seen", "applied", "refused", "passed", "healed", "errors", "callback_errors",
}  # fmt: skip
