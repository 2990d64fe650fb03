"""A replica up to the decision: what is prepared there, and its gate.

All steps are done one at a time (`LocalReplica`).
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from acl_bundle.bundle import Bundle
from acl_bundle.fleet._decision.decision import Decision
from acl_bundle.fleet._messages.errors import FencedError, ReplicaClosedError
from acl_bundle.fleet._messages.messages import (
    PrepareAnswer,
    Proposal,
    ReplicaDescription,
)
from acl_bundle.fleet._replica.describe import described
from acl_bundle.fleet._replica.door import Door
from acl_bundle.fleet._replica.lease import CoordinatorLease
from acl_bundle.fleet._replica.model import ReplicaModel
from acl_bundle.fleet._replica.pending import Pending
from acl_bundle.pair import Pair


class PreparingReplica:
    """A model, the version that is prepared for it, and the gate in front; see `Participant`."""

    def __init__(
        self,
        name: str,
        model: Bundle | Pair,
        decided: Callable[[int], Decision],
        *,
        init: bool = True,
    ) -> None:
        self.name: str = name
        self._model, self._decided = model, decided
        self._own = ReplicaModel(name, model)
        self._door = Door(name)
        self._epoch = self._seen = 0
        self._pending: Pending | None = None
        self.lease: CoordinatorLease = CoordinatorLease()
        self._door.refuse("pending", "it waits for its fleet")
        if init:
            self._own.init()

    def describe(self) -> ReplicaDescription:
        """What it is."""
        return described(self.name, self._model, self._epoch)

    def prepare(self, proposal: Proposal) -> PrepareAnswer:
        """Check a version and bring it to the device; inferences see nothing of it.

        Raises:
            FencedError: A newer epoch was seen, or the version stands on another one than this
                replica has.
            ReplicaClosedError: It has not the committed version, and is not given every weight.
            WeightError, AclError and others: As `Bundle.stage`; nothing was changed.
        """
        self._check_new(proposal)
        self._drop()
        self._seen = proposal.epoch
        start = perf_counter()
        staged = self._own.stage(proposal)
        self._pending = Pending(proposal.epoch, proposal.version, staged)
        self.lease.begin(proposal.lease)
        return PrepareAnswer(staged.nbytes, perf_counter() - start)

    def _check_new(self, proposal: Proposal) -> None:
        if proposal.epoch <= self._seen:
            raise FencedError(
                f"replica {self.name!r} refuses epoch {proposal.epoch}: epoch {self._seen} was"
                " seen; nothing was changed"
            )
        if proposal.whole:
            return
        if self._door.reason is not None:
            raise ReplicaClosedError(self.name, self._door.reason)
        if proposal.after != self._epoch:
            raise FencedError(
                f"replica {self.name!r} has epoch {self._epoch}, and epoch {proposal.epoch} changes"
                f" epoch {proposal.after}; nothing was changed"
            )

    def shut_gate(self, epoch: int) -> bool:
        """Let no inference begin until `open_gate`; returns whether none runs. Never blocks.

        Raises:
            FencedError: That epoch is not prepared.
        """
        found = None if self._pending is None else self._pending.epoch
        if found != epoch:
            raise FencedError(
                f"replica {self.name!r} cannot close the gate for epoch {epoch}: epoch {found} is"
                " prepared"
            )
        return self._door.shut()

    def close_gate(self, epoch: int, seconds: float) -> float:
        """Let no inference begin until `open_gate`, and wait for those that run.

        Returns:
            For how many seconds one ran still.

        Raises:
            FencedError: That epoch is not prepared.
            BusyError: Inferences run for longer; the gate is open.
        """
        self.shut_gate(epoch)
        return self._door.drain(seconds)

    def open_gate(self, epoch: int) -> None:
        """Let inferences in, unless the replica has not the committed version."""
        if self._pending is None or self._pending.epoch == epoch:
            self._release()

    def _release(self) -> None:
        self._door.open()
        if self._pending is None:
            self.lease.end()

    def _drop(self) -> None:
        try:
            if self._pending is not None:
                self._pending.staged.discard()
                self._pending = None
        finally:
            self._release()
