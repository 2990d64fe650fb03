"""What a follower tells, and to whom: the numbers, the callbacks, the log.

The log (``acl_bundle.follow``) is what is left without any callback: a refused
version, a failure and a stale trainer are warnings there, which Python prints
on stderr unless logging is configured otherwise. A failure that comes again and
again is told once, and how often it came when it is over.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from acl_bundle.follow._follower.callbacks import Callbacks, log
from acl_bundle.follow._follower.ledger import Ledger
from acl_bundle.follow._versions.source import Checkpoint, Impossible, Order, Source, Version

if TYPE_CHECKING:
    from acl_bundle._update.reports import UpdateReport

DISTINCT = 16
"""Texts of one failure that are told before it is over; the others are counted."""


class Telling:
    """Tells what happens. Only the follower's thread calls it.

    Args:
        source: What the texts name.
        ledger: Keeps the numbers.
        callbacks: The caller's.
    """

    def __init__(self, source: Source, ledger: Ledger, callbacks: Callbacks) -> None:
        self._source, self._ledger, self._callbacks = source, ledger, callbacks
        self._going_on: dict[Order | None, Counter[str]] = {}

    def applied(self, report: UpdateReport | None) -> None:
        """Tell that a version was applied."""
        if report is not None:
            self._call("on_applied", report)

    def refused(self, version: Version, error: Exception) -> None:
        """Tell that a version is refused, which comes once for each."""
        self._warn(f"version {version!r} is refused: {error}")
        self._call("on_refused", version, error)

    def failed(self, error: Exception, one: Checkpoint | None = None) -> None:
        """Tell of a failure that will be tried again, of a version or of the source."""
        what = f"version {one.version!r}: {error}" if one is not None else f"{error}"
        counts = self._going_on.setdefault(None if one is None else one.order, Counter())
        if what in counts or len(counts) < DISTINCT:
            counts[what] += 1
        else:
            counts[next(iter(counts))] += 1
        if counts[what] == 1:
            self._warn(f"{what}; it is tried again")
        self.counted(error)

    def counted(self, error: Exception) -> None:
        """Tell of a failure that the log has already."""
        self._ledger.failed(error)
        self._call("on_error", error)

    def stale(self, age: float) -> None:
        """Tell that nothing was applied for some seconds."""
        version = self._ledger.metrics.version
        what = "there is no version" if version is None else f"version {version!r} is stale"
        self._warn(f"{what}: nothing new for {age:.1f} seconds")
        self._call("on_stale", age)

    def over(self) -> None:
        """Tell how often the source failed, now that it does not."""
        self._end(None)

    def settled(self) -> None:
        """Tell how often versions failed that are applied, refused or passed by now."""
        for about in [one for one in self._going_on if one is not None]:
            if about not in self._ledger.waiting:
                self._end(about)

    def mention(self, text: str) -> None:
        """Tell, in the log alone, what changes nothing."""
        self._warn(text)

    def _end(self, about: Order | None) -> None:
        counts = self._going_on.pop(about, None)
        if counts is not None and counts.total() > len(counts):
            first = next(iter(counts))
            self._warn(f"over, after {counts.total()} failures: {first}")

    def _warn(self, text: str) -> None:
        log.warning("%s", printable(f"{self._source!r}: {text}"))

    def _call(self, name: str, *arguments: object) -> None:
        if not self._callbacks.call(name, *arguments):
            self._ledger.callback_failed()


class Oddities:
    """What a source lists and can put in no order: each is refused once while it is listed."""

    def __init__(self, ledger: Ledger, telling: Telling) -> None:
        self._ledger, self._telling = ledger, telling
        self._known: set[str] = set()
        self._mentioned: set[str] = set()

    def refuse(self, listed: list[Impossible]) -> None:
        """Refuse those that are new."""
        found = {one.version: one for one in listed}
        before, self._known = self._known, {*found}
        for one in found.values():
            if one.version not in before:
                self._ledger.impossible(one.error)
                self._telling.refused(one.version, one.error)

    def mention(self, texts: list[str]) -> None:
        """Tell what is odd and refuses nothing, if it is new."""
        before, self._mentioned = self._mentioned, {*texts}
        for text in texts:
            if text not in before:
                self._telling.mention(text)


def printable(text: str) -> str:
    """Return a text that cannot steer a terminal, nor pass for other lines of a log."""
    lines = text.split("\n")
    return "\n    ".join(
        "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line) for line in lines
    )
