"""What a coordinator knows of its replicas, and how it asks them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic

from acl_bundle._base.owner import Signals
from acl_bundle._run.published import Version
from acl_bundle.fleet._coordinator.gather import Gathering, StepAnswers
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._messages.errors import ReplicaLostError
from acl_bundle.fleet._messages.messages import ReplicaDescription, Status
from acl_bundle.fleet._route.member import FleetMember, FleetMembers
from acl_bundle.fleet._store.store import Store

log = logging.getLogger("acl_bundle.fleet")


class KnownReplicas:
    """The replicas, what is committed, and where both of that is kept.

    Args:
        members: The replicas.
        record: Where decisions are written.
        store: Where the committed weights are kept.
        lease: Seconds that a replica waits for a silent coordinator; and the longest wait for
            anything after a decision.

    Attributes:
        gather: Starts a step at several replicas.
        epoch: The committed one, as far as this coordinator knows.
        version: The committed version.
        model: What the model of the replicas is; None before one was asked.
    """

    def __init__(
        self, members: FleetMembers, record: DecisionRecord, store: Store, lease: float
    ) -> None:
        self.members: FleetMembers = members
        self.record: DecisionRecord = record
        self.store: Store = store
        self.lease: float = lease
        self.gather: Gathering = Gathering()
        self.epoch: int = 0
        self.version: Version = None
        self.model: ReplicaDescription | None = None

    @property
    def limit(self) -> float:
        """When to give up what follows a decision, by `time.monotonic`."""
        return monotonic() + self.lease

    def described(
        self, members: Sequence[FleetMember], signals: Signals
    ) -> dict[str, ReplicaDescription]:
        """Ask replicas what they are; those that do not answer are closed.

        Raises:
            ValueError: One is of another model.
        """
        answers = self.gather(members, "describe", until=self.limit, signals=signals)
        for member in members:
            if member.name in answers.good:
                self._check_model(answers.good[member.name])
                member.description, member.lost = answers.good[member.name], False
            else:
                self.close(member, answers)
        return answers.good

    def _check_model(self, found: ReplicaDescription) -> None:
        if self.model is None:
            self.model = found
            return
        own, others = found.weights, self.model.weights
        if own != others:
            one = next(n for n in sorted({*own, *others}) if own.get(n) != others.get(n))
            raise ValueError(
                f"replica {found.name!r} has another model than {self.model.name!r}: weight"
                f" {one!r} is {_told(own.get(one))}, not {_told(others.get(one))}; all replicas of"
                " a fleet are of one file"
            )

    def judge(
        self, members: Sequence[FleetMember], signals: Signals | None = None
    ) -> list[FleetMember]:
        """Open the replicas that have the committed version and infer, and close the others.

        Returns:
            Those that are closed.
        """
        answers = self.gather(members, "status", until=self.limit, signals=signals)
        behind = []
        for member in members:
            status: Status | None = answers.good.get(member.name)
            if status is None:
                self.close(member, answers)
            elif status.reason:
                member.close(status.reason)
            elif status.epoch != self.epoch:
                member.close(f"it has epoch {status.epoch}, and epoch {self.epoch} is committed")
            else:
                member.open()
            if not member.is_open:
                behind.append(member)
        return behind

    def close(self, member: FleetMember, answers: StepAnswers) -> None:
        """Route nothing to a replica, for what it answered."""
        error = answers.bad[member.name]
        reason = error.reason if isinstance(error, ReplicaLostError) else str(error)
        member.close(reason, lost=answers.is_lost(member.name))

    def fill_store(self, signals: Signals) -> None:
        """Have the committed weights, of a replica that has them."""
        if self.epoch == 0 or self.store.committed is not None:
            return
        for member in self.members:
            if member.is_open:
                answers = self.gather([member], "read", until=self.limit, signals=signals)
                if member.name in answers.good:
                    self.store.put(answers.good[member.name], reuse=self.gather.idle)
                    self.store.keep()
                    return
                log.warning("replica %r cannot be read: %s", member.name, answers.bad[member.name])


def _told(weight: object) -> str:
    return "missing" if weight is None else str(weight)
