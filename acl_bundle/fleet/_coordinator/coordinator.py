"""The coordinator: it knows what is committed, and brings that to replicas that are behind.

Its state is small: the committed epoch, and whether an epoch is in doubt, because the record
could not be asked whether it was decided. Everything else is asked anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from acl_bundle._base.owner import Signals
from acl_bundle.errors import VersionError
from acl_bundle.fleet._coordinator.gather import StepAnswers
from acl_bundle.fleet._coordinator.known import KnownReplicas, log
from acl_bundle.fleet._decision.decision import Decision
from acl_bundle.fleet._messages.errors import FencedError
from acl_bundle.fleet._messages.messages import Proposal
from acl_bundle.fleet._route.member import FleetMember

CATCHING_UP = {"cast": "same_kind"}
"""What was committed was accepted with the options of its update."""


class Coordinator(KnownReplicas):
    """What the two phases stand on.

    Attributes:
        in_doubt: The epoch and version of which it is not known whether they were decided.
    """

    in_doubt: tuple[int, int | str] | None = None

    def settle(self, signals: Signals) -> None:
        """End what is in doubt, and let replicas catch up that are closed or were restarted.

        Raises:
            FencedError: Another coordinator has committed since.
            OSError: The record cannot be reached.
        """
        self._out_of_doubt(signals)
        self._check_newest(self.record.read())
        busy = self.gather.busy
        behind = self.judge([one for one in self.members if one.name not in busy], signals)
        if behind:
            found = self.described(behind, signals)
            self.fill_store(signals)
            self.catch_up([one for one in behind if one.name in found], signals)

    def _check_newest(self, decision: Decision) -> None:
        if decision.epoch != self.epoch:
            raise FencedError(
                f"{self.record.where} says that epoch {decision.epoch} (version"
                f" {decision.version!r}) is committed, and this fleet knows {self.epoch}: another"
                " coordinator has taken over; make a new Fleet; nothing was changed"
            )

    def _out_of_doubt(self, signals: Signals) -> None:
        if self.in_doubt is None:
            return
        epoch, version = self.in_doubt
        decision = self.record.resolve(epoch)
        members = [*self.members]
        if decision.epoch == epoch:
            self.decided(epoch, version)
            self.gather(members, "commit", epoch, until=self.limit, signals=signals)
            self.gather(members, "open_gate", epoch, until=self.limit, signals=signals)
        else:
            self.store.drop()
            self.gather(members, "abort", epoch, until=self.limit, signals=signals)
        self.in_doubt = None

    def decided(self, epoch: int, version: int | str) -> None:
        """An epoch is committed."""
        if self.epoch != epoch:
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
                self.close(member, answers)
                log.warning("%s", answers.bad[member.name])
        return answers

    def retire(self, members: Sequence[FleetMember], reason: str, epoch: int = 0) -> None:
        """Go on without replicas, to an epoch that is to be decided."""
        for member in members:
            member.close(reason, lost=member.lost)
            with suppress(Exception):
                member.replica.start("retire", reason, epoch)

    def claim(self, version: int | str) -> int:
        """Take a new epoch for a version.

        Raises:
            FencedError: Another coordinator has committed since.
            VersionError: The version is in force.
            OSError: The record cannot be reached.
        """
        if version == self.version:
            raise VersionError(
                f"version {version!r} is in force already: an answer would not tell which weights"
                " it is of; give another version; nothing was changed"
            )
        decision = self.record.claim(self.epoch)
        self._check_newest(decision)
        return decision.claimed
