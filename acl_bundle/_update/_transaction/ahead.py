"""What was staged ahead: it waits on the device for its commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle._plan.derive import Keep
from acl_bundle._plan.options import Options
from acl_bundle._run.published import Version
from acl_bundle._update._commit.commit import Rollback
from acl_bundle._update._commit.writer import EarlyUndo, Writer
from acl_bundle._update._transaction.assign import Assignment, PreparedUpdate
from acl_bundle._update._transaction.planning import Planning
from acl_bundle._update.reports import Clock, UpdateReport, update_report
from acl_bundle.errors import VersionError

ANY: Final = ...
"""Stands for a version that nobody expects; None is the one before the first commit."""


class Order(NamedTuple):
    """What a caller wants of an update, its arguments checked.

    Attributes:
        weights: What was given, by name.
        version: What to call it; None for one more.
        options: How to treat what was given.
        rollback: Where to save the old bytes.
        keep: Whether to keep what later updates need.
        read_back: Reads the variables back afterwards; None where that is not wanted.
    """

    weights: Mapping[str, Any]
    version: int | str | None
    options: Options
    rollback: Rollback
    keep: Keep
    read_back: Callable[[Version], None] | None


def check_expected(what: str, version: Version, expect: object) -> None:
    """Refuse another version than the caller counts on.

    Raises:
        VersionError: It is another.
    """
    if expect is not ANY and (type(expect) is not type(version) or expect != version):
        raise VersionError(
            f"{what} is refused: the version is {version!r}, where {expect!r} is expected; nothing"
            " was changed"
        )


class Ahead:
    """One staged set.

    Attributes:
        version: What it will be called; None for one more than the version before it.
        nbytes: Device memory that it takes, in bytes.
    """

    def __init__(
        self,
        writer: Writer,
        planning: Planning,
        assign: Assignment,
        prepared: PreparedUpdate,
        order: Order,
        expect: object,
        clock: Clock,
    ) -> None:
        self._writer, self._planning, self._assign = writer, planning, assign
        self._prepared, self._expect, self._clock = prepared, expect, clock
        self._read_back, self.version = order.read_back, order.version
        self.nbytes: int = 0 if prepared.area is None else prepared.area.nbytes
        self._undo: EarlyUndo | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The weights that the commit changes."""
        return self._prepared.planned.given.names

    @property
    def epoch(self) -> int:
        """How many commits have succeeded."""
        return self._writer.variables.epoch

    @property
    def now(self) -> Version:
        """The version that is in force."""
        return self._writer.variables.version

    def save(self) -> None:
        """Save what it will overwrite; the caller is `Writer.alone`."""
        self._undo = self._writer.undo_early(
            self._prepared.planned.plan.names, self._prepared.rollback
        )

    def commit(self, wait: Wait, signals: Signals) -> UpdateReport:
        """Write it; the caller is `Writer.alone`."""
        variables, planned = self._writer.variables, self._prepared.planned
        check_expected("commit", variables.version, self._expect)
        self._assign.check_current(self._prepared)
        if variables.poisoned:
            self._planning.check_whole(planned)
        label = variables.next_version() if self.version is None else self.version
        self._clock.resume()
        prepared = self._prepared.named(label)
        self._assign.commit(prepared, wait, signals, self._clock, self._undo)
        if self._read_back is not None:
            self._read_back(label)
        self._clock.lap("publish")
        return update_report(planned.given, planned.plan.nbytes, label, self._clock)

    def give_back(self) -> None:
        """Let go of what it takes; nothing on the device reads it."""
        self._assign.give_back(self._prepared.area)
        self._assign.area.areas.collect()

    def forget(self) -> bool:
        """As `give_back`, from wherever a collection comes; whether it took anything."""
        area = self._prepared.area
        if area is None or area.pointer is None:
            return False
        self._assign.area.areas.forget(area)
        return True
