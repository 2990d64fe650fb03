"""Giving the variables their first values: the init graph, a commit as an update is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import SupportsIndex

from acl_bundle._async.second_ids import SecondIds
from acl_bundle._async.timed import Stopwatch, engine_for
from acl_bundle._base.wait import Wait, WhenBusy
from acl_bundle._run.engine import dataset, new_engine
from acl_bundle._update._commit.commit import Commit, Rollback
from acl_bundle._update._commit.writer import Writer
from acl_bundle.device import Device
from acl_bundle.graph import Graph


class InitGraph(Graph):
    """The weight-init graph: writes every variable from constants in the file."""

    def open(
        self, stack: ExitStack, model_id: int, device: Device, writer: Writer, second_ids: SecondIds
    ) -> None:
        """Make the engine of a loaded model; the stack owns its datasets."""
        self._writer = writer
        given, taken = dataset(stack, []), dataset(stack, [])
        self._timed = Stopwatch(second_ids, self.index, self.label, given)
        gate = writer.variables.gate
        self._engine = new_engine(gate, False, model_id, device, given, taken)
        writer.init = self._engine
        writer.engine = writer.engine or self._engine

    def __call__(  # type: ignore[override]
        self,
        *,
        rollback: Rollback = "auto",
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
    ) -> None:
        """Give every variable its initial value; the version becomes 0.

        Waits for running inferences and keeps later ones waiting until it is done.

        Args:
            rollback: As for an update.
            when_busy: As for an update.
            timeout_ms: As for an update.

        Raises:
            ClosedError: The bundle is closed, or was loaded before a fork.
            BusyError: Others were busy for too long. Nothing was changed.
            AclTimeoutError: The device was not done in time. It may be writing
                still: inference is refused until it is over and the weights are
                put back, which happens by itself. Of the first commit, or with
                ``rollback="none"``, the bundle is poisoned.
            AclError: A call failed; the message says whether the weights are as
                before, as they are after every failure but that of the first
                commit or of the rollback itself.
        """
        writer, wait = self._writer, Wait(when_busy, timeout_ms)
        writer.check_rollback(rollback)
        with writer.alone(self.label, wait) as signals:
            names = writer.variables.names
            writer.seen.forget()
            published = writer.variables.published.initial()
            undo, timed = writer.undo(None, rollback), self._timed(wait)
            signals.deliver()
            commit = Commit(self.label, published, names, wait, signals, undo, rollback, timed)
            writer.commit(engine_for(self._engine, timed, wait), commit)
