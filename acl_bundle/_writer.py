"""Commits: the one place where the variables of a bundle are written.

A commit is one call into C that shuts the gate, writes, publishes and opens it
(csrc/acl_commit.c). Where it fails, everything is brought back before the gate
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

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any, Literal

from acl_bundle._api import LOWEST_EPOCH, NULL, ffi, lib, raise_failure
from acl_bundle._digest import hasher
from acl_bundle._owner import Signals
from acl_bundle._saved import Area, Saved
from acl_bundle._variables import Published, Variables, Version, Wait
from acl_bundle.errors import AclError, UnsupportedError

Rollback = Literal["auto", "device", "host", "none"]
Step = Callable[[], None]
POISONED = (
    "the variables may hold a mixture: run bundle.init(), update every weight at once,"
    " or restore a snapshot"
)


def _carry_out(result: int, what: str) -> None:
    if result:
        raise_failure(result, what, (), ())


class Writer:
    """Writes the variables of one bundle.

    Attributes:
        variables: What it writes.
        area: Their memory, where it is ours.
        init: The init graph's engine, if there is one.
        rewrite: Writes values through the update graph, the gate being shut.
        engine: Any engine of the bundle that writes.
    """

    def __init__(self, variables: Variables, area: Area | None) -> None:
        self.variables, self.area = variables, area
        self.init: Any = None
        self.engine: Any = None
        self.rewrite: Callable[[Any], None] | None = None

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

    def undo(self, names: Collection[str] | None, rollback: Rollback) -> Saved | None:
        """Save what a commit may touch; None where there is nothing to go back to.

        Raises:
            AclError: It cannot be saved. Nothing was changed.
        """
        some = self.variables.published.written or self.variables.published.initialised
        if self.area is None or rollback == "none" or self.variables.poisoned or not some:
            return None
        return self.area.undo(self.engine, names, rollback)

    def reader(self) -> Callable[[Version], None]:
        """Return a function that reads the variables back and keeps their digests.

        Raises:
            UnsupportedError: The variables are the library's, or xxhash is missing.
        """
        area, new = self.area, hasher().xxh3_128
        if area is None:
            raise UnsupportedError(
                "digest=True reads the variables' memory, which is the library's here;"
                " load with variables='owned'"
            )

        def read_back(version: Version) -> None:
            try:
                digests = area.digests(new)
            except AclError as error:
                error.where += f"; version {version!r} is in place, but was not read back"
                raise
            self.variables.annotate(replace(self.variables.published, digests=digests))

        return read_back

    def _replays(self, names: Iterable[str], rollback: Rollback) -> bool:
        """Whether weights that a commit spoils can be written again."""
        now = self.variables.published
        if self.area is not None or rollback == "none" or self.variables.poisoned or now.lost:
            return False
        return now.initialised or set(names) <= now.kept.keys()

    def commit(
        self,
        engine: Any,
        label: str,
        published: Published,
        names: Collection[str],
        *,
        undo: Saved | None = None,
        source: Saved | None = None,
        rollback: Rollback = "auto",
        wait: Wait,
        signals: Signals,
    ) -> None:
        """Run one graph, or put a saved copy in place, alone; the caller is `alone`.

        Args:
            engine: The graph's.
            label: What is done, for messages.
            published: What the variables hold once it has succeeded.
            names: The weights it may touch.
            undo: What they held.
            source: The copy, instead of the graph.
            rollback: Whether to write spoilt weights again.
            wait: How long to wait for inferences.
            signals: Delivered while waiting.

        Raises:
            BusyError: Inferences run for too long. Nothing was changed.
            AclError: A call failed; the message says what was restored.
        """
        variables = self.variables
        replays = self._replays(names, rollback)
        plan = ffi.new(
            "ab_commit_plan *",
            {"engine": engine, "source": source.pointer if source else NULL,
             "undo": undo.pointer if undo else NULL,
             "defines": variables.defined_by(published),
             "defined": variables.defined_by(variables.published), "hold": replays},
        )  # fmt: skip

        def attempt(wait_ms: int) -> int:
            plan.waitMs = wait_ms
            return int(lib.ab_commit(plan))

        before = variables.epoch
        variables.note(published)
        try:
            result = variables.shut(attempt, label, wait, signals)
            if result < LOWEST_EPOCH:
                self._failed(result, label, before, replays, plan.undone)
        finally:
            if replays:
                lib.ab_gate_retract(variables.gate)

    def commit_steps(
        self,
        steps: Iterable[Step],
        label: str,
        published: Published,
        names: Collection[str],
        *,
        undo: Saved | None = None,
        rollback: Rollback = "auto",
        wait: Wait,
        signals: Signals,
    ) -> None:
        """As `commit`, with several writes behind one shut gate.

        Args:
            steps: Each writes with `write`.
            label: What is done, for messages.
            published: What the variables hold once it has succeeded.
            names: The weights it may touch.
            undo: What they held.
            rollback: Whether to write spoilt weights again.
            wait: How long to wait for inferences.
            signals: Delivered while waiting, and between steps.
        """
        variables = self.variables
        replays = self._replays(names, rollback)

        def shut(wait_ms: int) -> int:
            return int(lib.ab_gate_shut(variables.gate, wait_ms))

        _carry_out(variables.shut(shut, label, wait, signals), label)
        try:
            for step in steps:
                step()
                signals.deliver()
            variables.note(published)
            lib.ab_gate_publish(variables.gate, variables.defined_by(published))
        except BaseException as error:
            back = self._bring_back(undo, replays) if variables.poisoned else self._as_before
            if isinstance(error, AclError):
                error.where += f"; {back}"
            raise
        finally:
            lib.ab_gate_retract(variables.gate)

    def write(self, engine: Any, label: str, source: Saved | None = None) -> None:
        """One write behind the shut gate: of a graph, or of a saved copy."""
        _carry_out(lib.ab_write(engine, source.pointer if source else NULL), label)

    def replay(self, published: Published) -> None:
        """Write what the variables held once again, from constants and kept values."""
        if published.initialised:
            self.write(self.init, "init again")
        if published.kept and self.rewrite is not None:
            self.rewrite(published.kept)

    def _bring_back(self, undo: Saved | None, replays: bool) -> str:
        """Undo a commit; the gate is shut and poisoned. Returns what came of it."""
        variables = self.variables
        try:
            if undo is not None:
                self.write(self.engine, "putting the variables back", undo)
            elif replays:
                self.replay(variables.published)
            else:
                return POISONED
        except AclError as failure:
            return f"rolling back failed too, in {failure.function} ({failure.code}), so {POISONED}"
        lib.ab_gate_revert(variables.gate, variables.defined_by(variables.published))
        return self._as_before

    @property
    def _as_before(self) -> str:
        return f"version {self.variables.version!r} is in place as before"

    def _failed(self, result: int, label: str, before: int, replays: bool, undone: int) -> None:
        variables = self.variables
        try:
            raise_failure(result, label, (), ())
        except AclError as error:
            if variables.epoch > before:
                error.where += f"; version {variables.version!r} is in place all the same"
            elif not variables.poisoned:
                error.where += f"; {self._as_before}"
            elif undone:
                error.where += f"; rolling back failed too, so {POISONED}"
            else:
                error.where += f"; {self._bring_back(None, replays)}"
            raise
