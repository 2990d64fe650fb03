"""The coordinator: what it knows, and how it comes to know it.

Its state is small: the committed epoch, and whether an epoch is in doubt, because the record
could not be asked whether it was decided. Everything else is asked anew: a coordinator that
begins over replicas of an older one finishes what that one has decided, and ends what it has not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

from acl_bundle._base.owner import Signals
from acl_bundle._run.published import Version
from acl_bundle.errors import UpdateError
from acl_bundle.fleet._coordinator.gather import Gathering, StepAnswers
from acl_bundle.fleet._decision.decision import Decision, DecisionRecord
from acl_bundle.fleet._messages.errors import FencedError, ReplicaLostError
from acl_bundle.fleet._messages.messages import Proposal, ReplicaDescription, Status
from acl_bundle.fleet._route.member import FleetMember, FleetMembers
from acl_bundle.fleet._store.store import Store

log = logging.getLogger("acl_bundle.fleet")
CATCHING_UP = {"cast": "same_kind"}
"""What was committed was accepted with the options of its update."""


class Coordinator:
    """What the two phases and the recovery stand on.

    Args:
        members: The replicas.
        record: Where decisions are written.
        store: Where the committed weights are kept.
        lease: Seconds that a replica waits for a silent coordinator; and the longest wait for
            anything after a decision.

    Attributes:
        epoch: The committed one, as far as this coordinator knows.
        version: The committed version.
        known: What the model of the replicas is; None before one was asked.
    """

    def __init__(
        self, members: FleetMembers, record: DecisionRecord, store: Store, lease: float
    ) -> None:
        self.members, self.record, self.store, self.lease = members, record, store, lease
        self.gather: Gathering = Gathering()
        self.epoch: int = 0
        self.version: Version = None
        self.known: ReplicaDescription | None = None
        self.in_doubt: tuple[int, int | str] | None = None

    @property
    def limit(self) -> float:
        """When to give up what follows a decision, by `time.monotonic`."""
        return monotonic() + self.lease

    def take_over(self, signals: Signals) -> None:
        """Begin: learn what is committed, finish or end what another coordinator has left.

        Raises:
            ValueError: The replicas are not of one model, or the record is another fleet's.
            OSError: The record cannot be reached.
        """
        decision = self.record.read()
        members = [*self.members]
        found = self._described(members, signals)
        if not found:
            raise _nobody(members)
        for member in members:
            if member.name in found:
                decision = self._finished(member, signals, decision)
        there = [one for one in members if one.name in found]
        self.gather(there, "open_gate", decision.epoch, until=self.limit, signals=signals)
        described = self._described(there, signals)
        decision = self.record.read()  # after them: nobody commits what is not written there yet
        self._learn(decision, described)
        for member in members:
            self._judge(member)
        self._fill_store(signals)
        self.settle(signals)

    def check_joins(self, member: FleetMember, signals: Signals) -> None:
        """Look at a replica that would join.

        Raises:
            ValueError: It is of another model, or has a version that is none of this fleet's.
            ReplicaLostError: It does not answer.
        """
        described = self._described([member], signals)
        if not described:
            raise _nobody([member])
        found = described[member.name]
        if found.epoch > self.epoch or (self.epoch == 0 and found.version != self.version):
            raise ValueError(
                f"replica {member.name!r} has epoch {found.epoch}, version {found.version!r}; this"
                f" fleet has epoch {self.epoch}, version {self.version!r}"
            )

    def _described(
        self, members: Sequence[FleetMember], signals: Signals
    ) -> dict[str, ReplicaDescription]:
        answers = self.gather(members, "describe", until=self.limit, signals=signals)
        for member in members:
            if member.name in answers.good:
                self._check_model(answers.good[member.name])
                member.description = answers.good[member.name]
                if member.reason is not None:
                    member.close("it has not the committed version yet")
            else:
                self._closed(member, answers)
        return answers.good

    def _check_model(self, found: ReplicaDescription) -> None:
        known = self.known
        if known is None:
            self.known = found
        elif found.weights != known.weights:
            names = {*found.weights, *known.weights}
            one = next(n for n in sorted(names) if found.weights.get(n) != known.weights.get(n))
            raise ValueError(
                f"replica {found.name!r} has another model than {known.name!r}: weight {one!r} is"
                f" {_told(found.weights.get(one))}, not {_told(known.weights.get(one))}; all"
                " replicas of a fleet are of one file"
            )

    def _finished(self, member: FleetMember, signals: Signals, decision: Decision) -> Decision:
        """Finish or end what is prepared at a replica."""
        answers = self.gather([member], "status", until=self.limit, signals=signals)
        status: Status | None = answers.good.get(member.name)
        if status is None or status.prepared is None:
            return decision
        decision = self.record.resolve(status.prepared)
        step = "commit" if decision.epoch == status.prepared else "abort"
        done = self.gather([member], step, status.prepared, until=self.limit, signals=signals)
        if member.name in done.bad:
            self._closed(member, done)
        return decision

    def _learn(self, decision: Decision, described: Mapping[str, ReplicaDescription]) -> None:
        versions = {one.version: one for one in described.values() if one.epoch == 0}
        ahead = [one for one in described.values() if one.epoch > decision.epoch]
        if ahead:
            raise ValueError(
                f"replica {ahead[0].name!r} has epoch {ahead[0].epoch}, and {self.record.where}"
                f" knows {decision.epoch}: it is another fleet's record"
            )
        if decision.epoch == 0 and len(versions) > 1:
            first, second, *_ = versions.values()
            raise ValueError(
                f"replica {second.name!r} has version {second.version!r}, and {first.name!r} has"
                f" {first.version!r}: a fleet begins with one version, and nothing is decided in"
                f" {self.record.where}"
            )
        self.epoch, self.version = decision.epoch, decision.version
        if decision.epoch == 0:
            self.version = next(iter(versions), None)

    def _judge(self, member: FleetMember) -> None:
        """Open a replica that has the committed version and infers."""
        if member.description is None or member.lost:
            return
        status: Status | None = self.ask(member)
        if status is None:
            return
        if status.reason:
            member.close(status.reason)
        elif status.epoch != self.epoch:
            member.close(f"it has epoch {status.epoch}, and epoch {self.epoch} is committed")
        else:
            member.open()

    def ask(self, member: FleetMember) -> Status | None:
        """The status of a replica; None of one that does not answer, which is closed then."""
        answers = self.gather([member], "status", until=self.limit)
        if member.name in answers.bad:
            self._closed(member, answers)
        status: Status | None = answers.good.get(member.name)
        return status

    def _fill_store(self, signals: Signals) -> None:
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

    def settle(self, signals: Signals) -> None:
        """End what is in doubt, and let closed replicas catch up.

        Raises:
            FencedError: Another coordinator has committed since.
            OSError: The record cannot be reached.
        """
        self._out_of_doubt(signals)
        behind = []
        busy = self.gather.busy
        for member in self.members:
            if not member.is_open and member.name not in busy:
                self._judge_again(member, signals)
                if not (member.is_open or member.lost):
                    behind.append(member)
        if behind:
            self._fill_store(signals)
            self.catch_up(behind, signals)

    def _judge_again(self, member: FleetMember, signals: Signals) -> None:
        """A replica that is closed may have been restarted, or have helped itself."""
        if self._described([member], signals):
            member.lost = False
            self._judge(member)

    def _out_of_doubt(self, signals: Signals) -> None:
        if self.in_doubt is None:
            return
        epoch, version = self.in_doubt
        decision = self.record.resolve(epoch)
        self.in_doubt = None
        if decision.epoch == epoch:
            self.decided(epoch, version)
            self.gather([*self.members], "commit", epoch, until=self.limit, signals=signals)
            self.gather([*self.members], "open_gate", epoch, until=self.limit, signals=signals)
        else:
            self.store.drop()
            self.gather([*self.members], "abort", epoch, until=self.limit, signals=signals)
        for member in self.members:
            self._judge(member)

    def decided(self, epoch: int, version: int | str) -> None:
        """An epoch is committed."""
        self.epoch, self.version = epoch, version
        self.store.keep()

    def catch_up(
        self, members: Sequence[FleetMember], signals: Signals | None = None
    ) -> StepAnswers:
        """Bring the committed version to replicas that have not got it; those that take it open."""
        proposal = Proposal(
            self.epoch, self.version, self.store.committed, self.epoch, False, self.lease,
            CATCHING_UP,
        )  # fmt: skip
        answers = self.gather(members, "catch_up", proposal, until=self.limit, signals=signals)
        for member in members:
            if member.name in answers.good:
                member.open()
            else:
                self._closed(member, answers)
                log.warning("%s", answers.bad[member.name])
        return answers

    def _closed(self, member: FleetMember, answers: StepAnswers) -> None:
        error = answers.bad[member.name]
        reason = error.reason if isinstance(error, ReplicaLostError) else str(error)
        member.close(reason, lost=answers.is_lost(member.name))

    def retire(self, members: Sequence[FleetMember], reason: str) -> None:
        """Go on without replicas."""
        for member in members:
            member.close(reason, lost=member.lost)
            with suppress(Exception):
                member.replica.start("retire", reason)

    def claim(self, version: int | str) -> int:
        """Take a new epoch for a version.

        Raises:
            FencedError: Another coordinator has committed since.
            UpdateError: The version is in force.
            OSError: The record cannot be reached.
        """
        if version == self.version:
            raise UpdateError(
                f"version {version!r} is in force already: an answer would not tell which weights"
                " it is of; give another version; nothing was changed"
            )
        decision = self.record.claim(self.epoch)
        if decision.epoch != self.epoch:
            raise FencedError(
                f"{self.record.where} says that epoch {decision.epoch} (version"
                f" {decision.version!r}) is committed, and this fleet knows {self.epoch}: another"
                " coordinator has taken over; make a new Fleet; nothing was changed"
            )
        return decision.claimed


def _told(weight: object) -> str:
    return "missing" if weight is None else str(weight)


def _nobody(members: Sequence[FleetMember]) -> ReplicaLostError:
    reasons = "; ".join(f"{one.name!r}: {one.reason}" for one in members)
    return ReplicaLostError(members[0].name, f"no replica of the fleet answers ({reasons})")
