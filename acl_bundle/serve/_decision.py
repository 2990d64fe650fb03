"""A decision record that decides when those that an update goes on without are closed."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

from acl_bundle.fleet import DecisionRecord
from acl_bundle.fleet._decision.decision import Decision

PAUSE_S = 0.02
"""Between two looks whether a replica has said that it is closed."""


class DecisionAfterLeases:
    """A decision record of a fleet whose replicas infer by a lease; see `_lease`.

    Args:
        record: Where decisions are kept.
        closed_by: When, by the clock, all replicas that the fleet goes on without have surely
            closed themselves; None where all are known to be closed.
        beat: Called while `decide` waits, with the epoch: the others must hear from their
            coordinator, or they would end that epoch.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        record: DecisionRecord,
        closed_by: Callable[[], float | None],
        beat: Callable[[int], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._record, self._closed_by, self._beat = record, closed_by, beat
        self._clock = clock

    @property
    def where(self) -> str:
        """See `DecisionRecord`."""
        return self._record.where

    def read(self) -> Decision:
        """See `DecisionRecord`."""
        return self._record.read()

    def claim(self, at_least: int = 0) -> Decision:
        """See `DecisionRecord`."""
        return self._record.claim(at_least)

    def decide(self, epoch: int, version: int | str) -> None:
        """See `DecisionRecord`; waits for leases first."""
        while (until := self._closed_by()) is not None and (left := until - self._clock()) > 0:
            self._beat(epoch)
            sleep(min(left, PAUSE_S))
        self._record.decide(epoch, version)

    def resolve(self, epoch: int) -> Decision:
        """See `DecisionRecord`."""
        return self._record.resolve(epoch)
