"""How a follower stands within a turn, and what each outcome makes of that."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from time import monotonic

from acl_bundle.follow._follower.apply import Outcome
from acl_bundle.follow._follower.ledger import Ledger


class State(Enum):
    """How the follower stands; each turn begins with FOLLOWING."""

    FOLLOWING = auto()  # nothing is wrong: wait for what the source offers next
    RETRYING = auto()  # the device or the source failed: wait as the back-off says
    HURT = auto()  # a commit left the bundle without whole weights: it needs a full set
    HEALING = auto()  # full sets of before are tried, newest first
    HEALED = auto()  # one was applied: look at once at what follows it


_AFTER: dict[Outcome, dict[State, State]] = {
    Outcome.APPLIED: {
        State.RETRYING: State.FOLLOWING,
        State.HURT: State.FOLLOWING,
        State.HEALING: State.HEALED,
    },
    Outcome.FAILED: {
        State.FOLLOWING: State.RETRYING,
        State.HEALING: State.RETRYING,
        State.HEALED: State.RETRYING,
    },
    Outcome.POISONED: {
        State.FOLLOWING: State.HURT,
        State.RETRYING: State.HURT,
    },
}


def after(state: State, outcome: Outcome) -> State:
    """The state that follows an outcome; what the table does not list stays as it is."""
    return _AFTER.get(outcome, {}).get(state, state)


class Staleness:
    """Tells once when no version was applied for long; an applied one begins anew.

    Args:
        limit: After how many seconds; None for never.
        ledger: Knows when a version was applied last.
        tell: Called with the seconds since then.
    """

    def __init__(
        self, limit: float | None, ledger: Ledger, tell: Callable[[float], object]
    ) -> None:
        self._limit, self._ledger, self._tell = limit, ledger, tell
        self._told_at: float | None = None

    @property
    def _left(self) -> float | None:
        """Seconds until it is to be told; None when it never is, or was."""
        since = self._ledger.applied_at
        if self._limit is None or self._told_at == since:
            return None
        return since + self._limit - monotonic()

    def look(self) -> None:
        """Tell if it is time."""
        left = self._left
        if left is not None and left <= 0:
            self._told_at = self._ledger.applied_at
            self._tell(monotonic() - self._told_at)

    def at_most(self, seconds: float) -> float:
        """So many seconds, but no longer than until it is to be told."""
        left = self._left
        return seconds if left is None else min(seconds, max(left, 0.0))
