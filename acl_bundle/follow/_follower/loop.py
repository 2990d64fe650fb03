"""The follower's thread: look, apply what is new, wait; over and over.

A turn lists what the source offers and goes through what is new, oldest first;
before the first version, and with ``newest``, newest first. Each outcome says
what comes next:

- applied, refused: settled; so is everything older.
- not whole, or no version at all: it waits longer each time; newer ones may pass it by.
- failed: nothing is tried before the back-off is over.
- poisoned: an older version that is a full set is applied again, and what
  follows it after that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from acl_bundle.errors import ClosedError
from acl_bundle.follow._follower.apply import Applier, Attempt, Outcome, as_exception
from acl_bundle.follow._follower.backoff import Backoff
from acl_bundle.follow._follower.callbacks import Callbacks
from acl_bundle.follow._follower.claim import release
from acl_bundle.follow._follower.ledger import Ledger, Waiting
from acl_bundle.follow._follower.state import Staleness, State, after
from acl_bundle.follow._follower.telling import Oddities, Telling
from acl_bundle.follow._versions.rivals import Rivals, passed_by
from acl_bundle.follow._versions.source import Checkpoint, Impossible, Order, Source

LONG = 3600.0
REACH = 8
"""How many versions are looked at, newest first, for one that is whole."""


@dataclass(frozen=True)
class Rules:
    """How to follow.

    Attributes:
        newest: Whether only the newest version counts.
        backoff: How long to wait after failures.
        stale_after: Seconds without a new version until it is told; None for never.
    """

    newest: bool
    backoff: Backoff
    stale_after: float | None


class Loop:
    """What the thread runs; it refers to nothing that would keep the follower alive."""

    def __init__(
        self, applier: Applier, source: Source, ledger: Ledger, callbacks: Callbacks, rules: Rules
    ) -> None:
        self.source, self.stop = source, threading.Event()
        self._applier, self._ledger, self._rules = applier, ledger, rules
        self._telling = Telling(source, ledger, callbacks)
        self._oddities = Oddities(ledger, self._telling)
        self._staleness = Staleness(rules.stale_after, ledger, self._telling.stale)
        self._state = State.FOLLOWING
        self._failures = 0
        self._due: list[Waiting] = []
        self._told_back: Order | None = None

    def run(self) -> None:
        """Follow until `stop` is set or the bundle is closed."""
        try:
            self._attempt(self._begin)
            while not self.stop.is_set():
                self._turn()
        finally:
            self._close()
            release(self.source)
            self._ledger.end(ClosedError("it was closed"))

    def _begin(self) -> None:
        begin = getattr(self.source, "begin", None)
        if begin is not None:
            begin(self.stop)

    def _turn(self) -> None:
        before, self._failures, self._state = self._failures, 0, State.FOLLOWING
        self._attempt(self._look)
        self._staleness.look()
        if not self._failures and self._state is not State.HEALED:
            self._attempt(self._wait)
        if self._failures:
            self._failures += before
            self.stop.wait(self._staleness.at_most(self._rules.backoff.delay(self._failures)))
        else:
            self._telling.over()

    def _attempt(self, step: Callable[[], None]) -> None:
        """Do what is the source's; whatever it raises, the follower does not die in silence."""
        try:
            step()
        except ConnectionAbortedError as error:
            if not self.stop.is_set():
                self._fail(error)
        except BaseException as error:
            self._fail(as_exception(error))

    def _look(self) -> None:
        listed = self.source.versions()
        odd = [one for one in listed if isinstance(one, Impossible)]
        versions = [one for one in listed if not isinstance(one, Impossible)]
        if self._applier.signed:
            several = [one.told() for one in versions if isinstance(one, Rivals)]
            self._oddities.mention([f"{one}; the signed one counts" for one in several])
        else:
            odd += passed_by(versions)
        self._oddities.refuse(odd)
        self._offer(versions)

    def _wait(self) -> None:
        self.source.wait(self._staleness.at_most(self._until_due()), self.stop)

    def _offer(self, listed: Sequence[Checkpoint]) -> None:
        """Go through what is new."""
        if self._applier.closed:
            self._end(ClosedError("the bundle is closed"))
            return
        fresh = [one for one in listed if self._ledger.is_new(one)]
        self._due = []
        for one in self._in_turn(fresh):
            if self.stop.is_set():
                return
            if self._ledger.is_new(one) and not self._take(one):  # a source may list one twice
                return
        if self._state is State.HURT or (not fresh and self._applier.poisoned):
            self._heal([one for one in listed if not self._ledger.is_new(one)])
        elif listed and not fresh:
            self._check_back(listed[-1])

    def _in_turn(self, fresh: list[Checkpoint]) -> list[Checkpoint]:
        if self._ledger.position is None:
            return self._from_above(fresh)
        for one in fresh:
            self._ledger.see(one)
        return self._from_above(fresh) if self._rules.newest else fresh

    def _from_above(self, fresh: list[Checkpoint]) -> list[Checkpoint]:
        """The newest ones; what is known to be no version, however much of it, does not count."""
        odd = {order for order, one in self._ledger.waiting.items() if one.refused}
        likely = [one.order for one in fresh if one.order not in odd][-REACH:]
        return [one for one in reversed(fresh) if not likely or one.order >= likely[0]]

    def _take(self, one: Checkpoint) -> bool:
        """Try a version if it is due; returns whether the next one may be tried."""
        from_above = self._ledger.position is None or self._rules.newest
        waiting = self._ledger.see(one)
        if waiting.due > monotonic():
            self._due.append(waiting)
            return True
        attempt = self._applier.apply(one)
        if self.stop.is_set() and isinstance(attempt.error, ConnectionAbortedError):
            return False  # it was ended by `close`
        if attempt.outcome in (Outcome.NOT_WHOLE, Outcome.NO_VERSION):
            waiting.failures += 1
            waiting.due = monotonic() + self._rules.backoff.delay(waiting.failures)
            self._due.append(waiting)
        self._settle(one, attempt)
        if attempt.outcome in (Outcome.APPLIED, Outcome.REFUSED):
            return not from_above
        return attempt.outcome in (Outcome.NOT_WHOLE, Outcome.NO_VERSION, Outcome.POISONED)

    def _settle(self, one: Checkpoint, attempt: Attempt) -> None:
        """Note what came of an attempt, and tell it."""
        outcome, error = attempt.outcome, attempt.error
        self._state = after(self._state, outcome)
        if outcome is Outcome.APPLIED:
            self._failures = 0
            self._ledger.applied(one, attempt.lag)
            self._telling.applied(attempt.report)
            if error is not None:
                self._telling.failed(error)
        elif outcome is Outcome.REFUSED and error is not None:
            self._ledger.refused(one, error)
            self._telling.refused(one.version, error)
        elif error is not None:
            self._unsettled(one, outcome, error)
        self._telling.settled()

    def _unsettled(self, one: Checkpoint, outcome: Outcome, error: Exception) -> None:
        self._failures += outcome in (Outcome.FAILED, Outcome.POISONED)
        if outcome is not Outcome.NO_VERSION:
            self._telling.failed(error, one)
        else:
            if self._ledger.no_version(one, error):
                self._telling.refused(one.version, error)
            self._telling.counted(error)
        if outcome is Outcome.CLOSED:
            self._end(error)

    def _heal(self, older: list[Checkpoint]) -> None:
        """Apply the newest full set of what was settled; what follows it comes again."""
        self._state = State.HEALING
        for one in reversed(older):
            if self.stop.is_set():
                return
            attempt = self._applier.apply(one)
            if self.stop.is_set() and isinstance(attempt.error, ConnectionAbortedError):
                return  # it was ended by `close`
            if attempt.outcome in (Outcome.APPLIED, Outcome.FAILED, Outcome.CLOSED):
                self._settle(one, attempt)
                return

    def _check_back(self, last: Checkpoint) -> None:
        """Tell, once, when the newest of a source is older than what the bundle has."""
        if last.order in (self._ledger.position, self._told_back):
            return
        self._told_back = last.order
        self._telling.failed(
            ValueError(
                f"the newest version is {last.version!r} now, older than what was followed; it is"
                " not applied: publish it under a higher number, or start another follower"
            )
        )

    def _end(self, why: Exception) -> None:
        self._ledger.end(why)
        self.stop.set()

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        self._state = after(self._state, Outcome.FAILED)
        self._telling.failed(error)

    def _until_due(self) -> float:
        """Seconds until a version that was not whole is looked at again."""
        now = monotonic()
        return max(min((one.due for one in self._due), default=now + LONG) - now, 0.0)

    def _close(self) -> None:
        try:
            self.source.close()
        except BaseException as error:
            self._telling.failed(as_exception(error))
