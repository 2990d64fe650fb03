"""A replica's half of the protocol, beside its model.

All steps are done one at a time (`LocalReplica`), but `infer`, `status` and `retire`, which any
thread may call meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from acl_bundle._base.wait import Wait
from acl_bundle._run.run import Outputs
from acl_bundle.errors import AclBundleError
from acl_bundle.fleet._decision.decision import Decision
from acl_bundle.fleet._messages.errors import FencedError, ReplicaClosedError
from acl_bundle.fleet._messages.messages import (
    CommitAnswer,
    Proposal,
    Status,
)
from acl_bundle.fleet._replica.describe import status
from acl_bundle.fleet._replica.preparing import PreparingReplica


class Participant(PreparingReplica):
    """A model that takes part in a fleet's updates, and infers.

    Args:
        name: The replica's.
        model: Is this object's from now on, and closed by it.
        decided: Ends an epoch (`DecisionRecord.resolve`), for a replica that has heard nothing for
            longer than its lease.
        init: Whether to run the init graph, where there is one.

    Attributes:
        lease: How long the coordinator may be silent.
    """

    def commit(self, epoch: int) -> CommitAnswer:
        """Put what is prepared in force. May be called again, also after a failure.

        Raises:
            FencedError: A newer epoch is committed here.
            ReplicaClosedError: That epoch is not prepared; or a newer one was decided without this
                replica.
            OSError: Whether one was cannot be asked.
            AclError and others: As `Staged.commit`.
            Then the replica is closed to inference, until this succeeds or `catch_up`.
        """
        if epoch == self._epoch:
            return self._answer(0.0)
        if epoch < self._epoch:
            raise FencedError(f"replica {self.name!r} has epoch {self._epoch}, not {epoch}")
        pending = self._pending
        if pending is None or pending.epoch != epoch:
            self._door.refuse("pending", f"epoch {epoch} was decided, and is not prepared here")
            raise ReplicaClosedError(self.name, str(self._door.reason))
        if self._is_left_behind(epoch, self._door.retired):
            raise ReplicaClosedError(self.name, str(self._door.reason))
        start = perf_counter()
        try:
            self._own.commit(pending)
        except Exception as error:
            self._door.refuse("poisoned", f"epoch {epoch} was decided, and not committed: {error}")
            raise
        self._pending = None
        self._arrived(epoch)
        return self._answer(perf_counter() - start)

    def _answer(self, seconds: float) -> CommitAnswer:
        if self._door.reason is not None:
            raise ReplicaClosedError(self.name, self._door.reason)
        return CommitAnswer(self._epoch, self._model.version, seconds)

    def _arrived(self, epoch: int) -> None:
        self._epoch, self._seen = epoch, max(self._seen, epoch)
        if not self._door.is_shut:
            self.lease.end()
        else:  # a coordinator that dies now leaves the gate closed
            self.lease.again()
        self._admit(epoch)

    def _admit(self, epoch: int) -> None:
        """Let inferences in, unless a newer epoch was decided without this replica.

        T2 catches up with epoch 1, T1 decides epoch 2:

        1. T2 asks for the decision: it is epoch 1
        2. T1 gives T2 up, retires it, and decides epoch 2
        3. T2 has epoch 1, sees that it was retired, asks again, and stays closed
        """
        while True:
            retired = self._door.retired
            if self._is_left_behind(epoch, retired) or self._door.admit(retired):
                return

    def _is_left_behind(self, epoch: int, retired: int) -> bool:
        """Ask whether the epoch for which this replica was retired was decided without it, or a
        newer one than its own; it is closed for that then.
        """
        if retired <= epoch:
            return False
        newest = self._decided(retired)
        if newest.epoch > epoch:
            self._left_behind(newest)
        return newest.epoch > epoch

    def abort(self, epoch: int) -> None:
        """Let go of what is prepared for an epoch, and refuse that epoch from now on. A replica
        that was closed because the fleet would go on to that epoch is open again.
        """
        self._seen = max(self._seen, epoch)
        if self._pending is not None and self._pending.epoch == epoch:
            self._drop()
        if self._door.is_retired_for(epoch):
            self._admit(self._epoch)

    def catch_up(self, proposal: Proposal) -> CommitAnswer:
        """Take the committed version, of all weights that were ever committed, and open.

        Raises:
            FencedError: A newer epoch is committed.
            ReplicaClosedError: A newer epoch was decided without it meanwhile.
            As `Bundle.stage` and `Staged.commit`; the replica is closed, and may be asked again.
        """
        epoch = proposal.epoch
        if epoch < self._epoch:
            raise FencedError(f"replica {self.name!r} has epoch {self._epoch}, not {epoch}")
        newest = self._decided(epoch).epoch
        if newest != epoch:
            raise FencedError(f"replica {self.name!r} refuses epoch {epoch}: {newest} is committed")
        start = perf_counter()
        self._door.let_go = False
        behind = epoch > self._epoch or self._door.state == "poisoned"
        if behind and self._door.reason is None:
            self._door.refuse("pending", f"it takes epoch {epoch}")
        self._drop()
        if behind:
            self._own.install(proposal)
        self._arrived(epoch)
        return self._answer(perf_counter() - start)

    def retire(self, reason: str, epoch: int = 0) -> None:
        """Close it to inference until `catch_up`: the fleet goes on without it, to an epoch."""
        self._door.retire(reason, epoch)

    def between(self) -> None:
        """What is to be done between two steps, when nobody waits for it."""
        self.expire()
        if self.untidy:
            self._own.tidy()

    @property
    def untidy(self) -> bool:
        """Whether `between` has something to free."""
        return self._own.untidy and not self._door.is_shut

    def expire(self) -> None:
        """Where the lease has run out: ask for the decision, and do what it says."""
        pending = self._pending
        if not self.lease.is_over:
            return
        if pending is None:
            self._release()
            return
        try:
            decision = self._decided(pending.epoch)
            if decision.epoch != pending.epoch and decision.epoch <= self._epoch:
                self._admit(self._epoch)
        except Exception as error:  # whatever a record of somebody else's raises
            reason = f"whether epoch {pending.epoch} was decided cannot be asked: {error}"
            self._door.refuse("pending", reason)
            self.lease.again()
            return
        if decision.epoch == pending.epoch:
            self._commit_late(pending.epoch)
        else:
            if decision.epoch > self._epoch:
                self._left_behind(decision)
            try:
                self._drop()
            except AclBundleError:  # a commit that was given up may read it still
                self.lease.again()

    def _commit_late(self, epoch: int) -> None:
        """Commit for a coordinator that does not. Where that fails, the replica is closed, with
        the reason, and tries again when one more lease has run out.
        """
        try:
            self.commit(epoch)
        except Exception:
            self.lease.again()
        self._release()

    def _left_behind(self, decision: Decision) -> None:
        self._door.refuse("pending", f"epoch {decision.epoch} was decided without it")

    def status(self, epoch: int | None = None) -> Status:
        """What it does now. Asked with the epoch that is prepared, its lease begins anew."""
        pending = self._pending
        prepared = None if pending is None else pending.epoch
        if prepared is not None and prepared == epoch:
            self.lease.again()
        return status(self._model, self._door, self._epoch, prepared)

    def read(self) -> dict[str, Any]:
        """A copy of each weight that it holds, by name; raises as `Bundle.read`."""
        return {name: self._model.read(name) for name in self._model.weights}

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """Infer, and wait for the answer; raises ReplicaClosedError, and as `Graph.run`."""
        wait = None if timeout_ms is None else Wait(timeout_ms=timeout_ms)
        self._door.enter(wait)
        try:
            left = None if wait is None else max(wait.left_ms or 1, 1)
            return self._model.infer.run(inputs, timeout_ms=left)
        finally:
            self._door.leave()

    def close(self) -> None:
        """Close the model; nothing is inferred any more."""
        self._door.refuse("closed", "it was closed")
        if not self._model.closed:
            with suppress(AclBundleError):
                self._drop()
        self._model.close()
