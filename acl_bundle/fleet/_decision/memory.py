"""A record in this process's memory: it lasts as long as replicas that lie there too."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from acl_bundle._base.owner import OfProcess
from acl_bundle.fleet._decision.decision import Decision


class MemoryRecord(OfProcess):
    """A decision record in memory, for replicas of one process; it ends as they do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = Decision()

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"memory of process {os.getpid()}"

    def read(self) -> Decision:
        """See `DecisionRecord`."""
        return self._now

    def claim(self, at_least: int = 0) -> Decision:
        """See `DecisionRecord`."""
        return self._change(lambda now: now.next_claimed(at_least))

    def decide(self, epoch: int, version: int | str) -> None:
        """See `DecisionRecord`."""
        self._change(lambda now: now.decided(epoch, version))

    def resolve(self, epoch: int) -> Decision:
        """See `DecisionRecord`."""
        return self._change(lambda now: now.resolved(epoch))

    def _change(self, change: Callable[[Decision], Decision]) -> Decision:
        with self._lock:
            self._now = change(self._now)
            return self._now
