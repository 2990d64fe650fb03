"""Commits: the one place where the variables of a bundle are written.

A commit is one call into C that shuts the gate, writes, publishes and opens it
(csrc/update/commit.c). Where it fails, everything is brought back before the gate
opens, in one of two ways:

*owned* variables: the bytes that the commit may touch were saved before it,
and the same C call puts them back.

*library* variables: their memory cannot be reached, so the graphs write them
again: init, if it had run, then the last good value of each weight updated
since, which is kept on the host for that.

What cannot be brought back leaves the bundle poisoned: inference is refused
until init, an update of every weight or a restore has succeeded. A first
commit has nothing to be brought back to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from acl_bundle._async.timed import Timed
from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle._binding.failures import LOWEST_EPOCH, raise_failure
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._plan.unchanged import Seen
from acl_bundle._run.published import Published
from acl_bundle._run.variables import Variables
from acl_bundle._update._commit.commit import POISONED, Commit, Rollback, tell
from acl_bundle._update._commit.late import Late, LateRun
from acl_bundle._update._commit.saved import Area, Saved
from acl_bundle.errors import AclError, UnsupportedError

Step = Callable[[], None]


class EarlyUndo(NamedTuple):
    """What a commit that comes later may touch.

    Attributes:
        saved: The copy.
        epoch: How many commits had succeeded.
    """

    saved: Saved
    epoch: int


def _carry_out(result: int, what: str) -> None:
    if result:
        raise_failure(result, what, (), ())


class Writer:
    """Writes the variables of one bundle.

    Attributes:
        variables: What it writes.
        area: Their memory, where it is ours.
        seen: What the last successful updates were given.
        init: The init graph's engine, if there is one.
        rewrite: Writes values through the update graph, the gate being shut.
        engine: Any engine of the bundle that writes.
    """

    def __init__(self, variables: Variables, area: Area | None) -> None:
        self.variables: Variables = variables
        self.area: Area | None = area
        self.seen: Seen = Seen()
        self.init: Any = None
        self.engine: Any = None
        self.rewrite: Callable[[Any], None] | None = None
        self._late = Late(variables, self._roll_back)

    @property
    def quiet(self) -> bool:
        """Whether nothing that was committed is on the device still."""
        return not self._late.runs

    def check_rollback(self, rollback: Rollback) -> None:
        """Refuse what is no way to roll back, or none for these variables.

        Raises:
            ValueError: It is no way.
            UnsupportedError: It needs memory that is the library's.
        """
        if rollback not in ("auto", "device", "host", "none"):
            raise ValueError(f"rollback is 'auto', 'device', 'host' or 'none', not {rollback!r}")
        if self.area is None and rollback in ("device", "host"):
            raise UnsupportedError(
                f"rollback={rollback!r} saves the variables' memory, which is the library's here;"
                " use 'auto' (values are kept and written again), or load with variables='owned'"
            )

    def undo_early(self, names: Collection[str], rollback: Rollback) -> EarlyUndo | None:
        """As `undo`, for a commit that comes later."""
        saved = self.undo(names, rollback)
        return None if saved is None else EarlyUndo(saved, self.variables.epoch)

    def undo(
        self,
        names: Collection[str] | None,
        rollback: Rollback,
        early: EarlyUndo | None = None,
    ) -> Saved | None:
        """Save what a commit may touch; None where there is nothing to go back to.

        Args:
            names: The weights; None for all.
            rollback: Where.
            early: What was saved of them before; it is taken if it holds what they hold now.

        Raises:
            AclError: It cannot be saved. Nothing was changed.
        """
        some = self.variables.published.written or self.variables.published.initialised
        if self.area is None or rollback == "none" or self.variables.poisoned or not some:
            return None
        now = self.area.latest, self.variables.epoch
        if early is not None and early == now:
            return early.saved
        return self.area.undo(self.engine, names, rollback)

    def _replays(self, commit: Commit) -> bool:
        """Whether weights that a commit spoils can be written again."""
        now, refused = self.variables.published, commit.rollback == "none"
        if self.area is not None or refused or self.variables.poisoned or now.lost:
            return False
        return now.initialised or all(name in now.kept for name in commit.names)

    def commit(self, engine: Any, commit: Commit, source: Saved | None = None) -> None:
        """Run one graph, or put a saved copy in place, alone; the caller is `alone`.

        Args:
            engine: The graph's.
            commit: What it is.
            source: The copy, instead of the graph.

        Raises:
            BusyError: Inferences run for too long. Nothing was changed.
            AclTimeoutError: The graph was not done in time.
            AclError: A call failed; the message says what was restored.
        """
        variables, undo = self.variables, commit.undo
        replays = self._replays(commit)
        plan = ffi.new(
            "ab_commit_plan *",
            {"engine": engine, "source": source.pointer if source else NULL,
             "undo": undo.pointer if undo else NULL,
             "defines": variables.defined_by(commit.published),
             "defined": variables.defined_by(variables.published), "hold": replays},
        )  # fmt: skip

        def attempt(wait_ms: int) -> int:
            plan.waitMs = wait_ms
            return int(lib.ab_commit(plan))

        variables.note(commit.published)
        try:
            result = variables.shut(attempt, commit.label, commit.wait, commit.signals)
            if result < LOWEST_EPOCH:
                self._failed(result, commit, replays, plan.undone)
        finally:
            if replays:
                lib.ab_gate_retract(variables.gate)

    def commit_steps(self, steps: Iterable[Step], commit: Commit) -> None:
        """As `commit`, with several writes behind one shut gate.

        Args:
            steps: Each writes with `write`; signals are delivered between them.
            commit: What it is.
        """
        variables = self.variables
        replays = self._replays(commit)
        self._shut(commit.label, commit.wait, commit.signals)
        try:
            for step in steps:
                step()
                commit.signals.deliver()
            variables.note(commit.published)
            lib.ab_gate_publish(variables.gate, variables.defined_by(commit.published))
        except BaseException as error:
            back = self._as_before
            if variables.torn:
                back = self._bring_back(commit.undo, replays, commit.timed)
            tell(error, back)
            raise
        finally:
            lib.ab_gate_retract(variables.gate)

    def _shut(self, label: str, wait: Wait, signals: Signals) -> None:
        def shut(wait_ms: int) -> int:
            return int(lib.ab_gate_shut(self.variables.gate, wait_ms))

        _carry_out(self.variables.shut(shut, label, wait, signals), label)

    def write(self, engine: Any, label: str, source: Saved | None = None) -> None:
        """One write behind the shut gate: of a graph, or of a saved copy."""
        _carry_out(lib.ab_write(engine, source.pointer if source else NULL), label)

    def replay(self, published: Published) -> None:
        """Write what the variables held once again, from constants and kept values."""
        if published.initialised:
            self.write(self.init, "init again")
        if published.kept and self.rewrite is not None:
            self.rewrite(published.kept)

    def _bring_back(self, undo: Saved | None, replays: bool, timed: Timed | None = None) -> str:
        """Undo a commit; the gate is shut and poisoned. Returns what came of it."""
        variables = self.variables
        if timed is not None and not timed.drained:
            self._late.wait_for(LateRun(timed, undo, replays))
            then = f"When it is over {POISONED}"
            if undo is not None or replays:
                version = variables.version
                then = f"Inference is refused until it is over and version {version!r} was put back"
            return f"it was given up and may be on the device still. {then}"
        try:
            if undo is not None:
                self.write(self.engine, "putting the variables back", undo)
            elif replays:
                self.replay(variables.published)
            else:
                return POISONED
        except Exception as failure:
            text = (
                f"{failure.function} ({failure.code})" if isinstance(failure, AclError) else failure
            )
            return f"rolling back failed too, in {text}, so {POISONED}"
        lib.ab_gate_revert(variables.gate, variables.defined_by(variables.published))
        return self._as_before

    @property
    def _as_before(self) -> str:
        return f"version {self.variables.version!r} is in place as before"

    def _failed(self, result: int, commit: Commit, replays: bool, undone: int) -> None:
        try:
            raise_failure(result, commit.label, (), ())
        except AclError as error:
            tell(error, self._outcome(commit, replays, undone))
            raise

    def _outcome(self, commit: Commit, replays: bool, undone: int) -> str:
        """Bring back what a failed commit has spoilt. Returns what came of it."""
        if not self.variables.poisoned:
            return self._as_before
        if undone:
            return f"rolling back failed too, so {POISONED}"
        if commit.timed is not None:
            return self._give_up(commit, replays)
        return self._bring_back(None, replays)

    def _give_up(self, commit: Commit, replays: bool) -> str:
        """Bring back what a run on a stream has spoilt, now or when it is over."""
        if not replays:  # otherwise the gate is shut still
            self._shut(commit.label, Wait(), commit.signals)
        try:
            return self._bring_back(commit.undo, replays, commit.timed)
        finally:
            lib.ab_gate_retract(self.variables.gate)

    def _roll_back(self, run: LateRun, wait: Wait, signals: Signals) -> None:
        self._shut("rolling back", wait, signals)
        try:
            self._bring_back(run.undo, run.replays)
        finally:
            lib.ab_gate_retract(self.variables.gate)

    @contextmanager
    def alone(self, what: str, wait: Wait) -> Iterator[Signals]:
        """As `Variables.alone`, with nothing of an earlier commit on the device.

        Raises:
            BusyError: A commit that was given up is on the device still.
        """
        with self.variables.alone(what, wait) as signals:
            self._late.recover(wait, signals)
            self._late.check(what)
            yield signals

    @contextmanager
    def aside(self, what: str, wait: Wait) -> Iterator[Signals]:
        """As `alone`, whoever holds the bundle, for those who write nothing.

        Raises:
            BusyError: A commit that was given up is on the device still.
        """
        with self.variables.alone(what, wait, despite_hold=True) as signals:
            if self._late.runs:
                self._late.check(what)
            yield signals
