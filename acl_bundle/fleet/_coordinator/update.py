"""An update of a fleet, in two phases.

Up to the decision nothing has changed anywhere, and whatever fails ends it everywhere:

1. claim an epoch, by which an older coordinator is fenced
2. put the weights where all replicas read them, once
3. prepare everywhere: checked, staged on the device, and saved what the commit overwrites
4. strict: shut every gate, then wait until no inference runs behind any

5. the decision is written: this is the one point at which the update happens

From then on it is finished, by this coordinator, by the next one, or by the replicas themselves
when their lease has run out and they ask the record:

6. commit everywhere; once more where that failed; what still fails is closed, and catches up
7. strict: open every gate
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import monotonic, perf_counter
from typing import Any

from acl_bundle._base.owner import Signals
from acl_bundle._update._transaction.ahead import check_expected
from acl_bundle.fleet._coordinator.coordinator import Coordinator
from acl_bundle.fleet._coordinator.gather import StepAnswers
from acl_bundle.fleet._coordinator.request import UpdateRequest
from acl_bundle.fleet._messages.errors import (
    FencedError,
    FleetUpdateError,
    ReplicaLostError,
    UndecidedError,
)
from acl_bundle.fleet._messages.messages import PrepareAnswer, Proposal
from acl_bundle.fleet._report.reports import FleetReport, ReplicaReport
from acl_bundle.fleet._route.member import FleetMember
from acl_bundle.fleet._store.store import host_array

log = logging.getLogger("acl_bundle.fleet")
BEATS = 3
"""How often within a lease the replicas hear from the coordinator."""
ABORT_S = 1.0
"""Seconds to wait for those that drop what they prepared; slower ones do it later."""
GATE = 0.9
"""The part of what is left that a replica has to close its gate, so that its answer is in time."""


class FleetUpdate:
    """One update, while it is under way.

    Args:
        coordinator: Whose it is.
        request: What was asked for.
        version: What the weights will be called.
    """

    def __init__(
        self, coordinator: Coordinator, request: UpdateRequest, version: int | str
    ) -> None:
        self._of, self._request, self._version = coordinator, request, version
        self._until = None if request.timeout is None else monotonic() + request.timeout
        self._seconds: dict[str, float] = {}
        self._lap = perf_counter()
        self._epoch = 0
        self._drain = 0.0
        self._step = "claim"
        self._next_beat = 0.0
        self._taking: list[FleetMember] = []
        self._dropped: dict[str, BaseException] = {}
        self._prepared: dict[str, PrepareAnswer] = {}

    def run(self, weights: Mapping[str, Any], *, whole: bool, signals: Signals) -> FleetReport:
        """Carry it out; the caller is the only one to do so.

        Args:
            weights: By the model's names.
            whole: Whether they are all of the model's.
            signals: Delivered before the decision; afterwards they are held back.
        """
        of = self._of
        check_expected("update", of.version, self._request.expect)
        self._epoch = of.claim(self._version)
        self._timed("claim")
        try:
            self._prepare(weights, whole, signals)
            signals.deliver()
            passed = [one for one in of.members if one not in self._taking]
            of.retire(passed, self._passed_over, self._epoch)
            of.in_doubt = self._epoch, self._version
            of.record.decide(self._epoch, self._version)
        except BaseException as error:
            if not self._was_decided(error):
                self._abort()
                raise
            self._finish()
            raise
        return self._finish()

    @property
    def _passed_over(self) -> str:
        return f"version {self._version!r} (epoch {self._epoch}) went on without it"

    def _timed(self, step: str) -> None:
        now = perf_counter()
        self._seconds[step], self._lap = now - self._lap, now

    def _prepare(self, weights: Mapping[str, Any], whole: bool, signals: Signals) -> None:
        of = self._of
        self._taking = self._who(whole)
        arrays = {name: host_array(one, f"weight {name!r}") for name, one in weights.items()}
        self._nbytes = sum(one.nbytes for one in arrays.values())
        reference = of.store.put(arrays, reuse=of.gather.idle)
        self._timed("put")
        proposal = Proposal(
            self._epoch, self._version, reference, of.epoch, whole, of.lease,
            self._request.options,
        )  # fmt: skip
        self._prepared = self._everywhere("prepare", proposal, signals=signals)
        self._timed("prepare")
        if self._request.strict:
            left = of.lease if self._until is None else GATE * max(self._until - monotonic(), 0.01)
            drains = self._everywhere("close_gate", self._epoch, left, signals=signals)
            self._drain = max(drains.values())
            self._timed("close")

    def _who(self, whole: bool) -> list[FleetMember]:
        """The replicas that take part: those that are open, or can be brought any whole version."""
        members = [*self._of.members]
        taking = [one for one in members if one.is_open or (whole and not one.lost)]
        for one in members:
            if one not in taking:
                self._dropped[one.name] = ReplicaLostError(one.name, str(one.reason))
        self._check_dropped("begin", taking)
        return taking

    def _everywhere(self, step: str, *arguments: Any, signals: Signals) -> dict[str, Any]:
        """A step at all that take part; those that are lost are dropped, if that was asked for."""
        self._step = step
        answers = self._of.gather(
            self._taking, step, *arguments, until=self._until, signals=signals, beat=self._beat
        )
        self._dropped |= {n: e for n, e in answers.bad.items() if answers.is_lost(n)}
        failed = {n: e for n, e in answers.bad.items() if not answers.is_lost(n)}
        if failed:
            raise FleetUpdateError(self._epoch, self._version, step, answers.bad)
        taking = [one for one in self._taking if one.name in answers.good]
        self._check_dropped(step, taking)
        self._taking = taking
        return answers.good

    def _check_dropped(self, step: str, left: Sequence[FleetMember]) -> None:
        if self._dropped and not (self._request.drop and left):
            raise FleetUpdateError(self._epoch, self._version, step, self._dropped)

    def _beat(self) -> None:
        """Tell those that have prepared that this coordinator lives."""
        if monotonic() >= self._next_beat:
            self._next_beat = monotonic() + self._of.lease / BEATS
            for member in self._taking:
                member.replica.start("status", self._epoch)

    def _was_decided(self, error: BaseException) -> bool:
        """Whether the decision was written; where it was not, it will not be any more.

        Raises:
            UndecidedError: The record cannot be asked: replicas ask it when their lease is over.
        """
        of = self._of
        if of.in_doubt is None or isinstance(error, FencedError):
            return False
        try:
            return of.record.resolve(self._epoch).epoch == self._epoch
        except OSError as unknown:
            raise UndecidedError(
                f"whether version {self._version!r} (epoch {self._epoch}) was decided is not known:"
                f" {of.record.where} cannot be reached ({unknown}). The replicas ask it themselves"
                f" when their lease of {of.lease:.3g} s is over, as does the next update"
            ) from error

    def _abort(self) -> None:
        of = self._of
        of.in_doubt = None
        of.store.drop()
        until = monotonic() + min(of.lease, ABORT_S)
        closed = [one for one in of.members if not (one.is_open or one.lost)]
        ended = of.gather([*of.members], "abort", self._epoch, until=until)
        of.judge([one for one in closed if one.name in ended.good])

    def _finish(self) -> FleetReport:
        of = self._of
        of.decided(self._epoch, self._version)
        of.in_doubt = None
        self._timed("decide")
        commits = self._committed()
        self._timed("commit")
        if self._request.strict:
            of.gather(self._taking, "open_gate", self._epoch, until=of.limit)
            self._timed("open")
        return self._reported(commits, self._caught_up(commits))

    def _committed(self) -> StepAnswers:
        of = self._of
        commits = of.gather(self._taking, "commit", self._epoch, until=of.limit)
        again = [
            one for one in self._taking if one.name in commits.bad and not commits.is_lost(one.name)
        ]
        for member in self._taking:
            if member.name in commits.bad:
                member.close(str(commits.bad[member.name]), lost=commits.is_lost(member.name))
        if again:
            second = of.gather(again, "commit", self._epoch, until=of.limit)
            commits.good |= second.good
            commits.bad = {n: e for n, e in {**commits.bad, **second.bad}.items()
                           if n not in second.good}  # fmt: skip
        for member in self._taking:
            if member.name in commits.good:
                member.open()
        return commits

    def _caught_up(self, commits: StepAnswers) -> StepAnswers:
        """Those that could not commit take the version from where it is kept, at once."""
        left = [n for n in commits.bad if not commits.is_lost(n)]
        members = [one for one in self._taking if one.name in left]
        return self._of.catch_up(members) if members else StepAnswers()

    def _reported(self, commits: StepAnswers, late: StepAnswers) -> FleetReport:
        rows: dict[str, ReplicaReport] = {}
        for name, prepared in self._prepared.items():
            if name not in commits.good and name not in commits.bad:
                continue
            done = commits.good.get(name)
            outcome: Any = "committed" if done else "caught up" if name in late.good else "closed"
            reason = "" if done else str(commits.bad[name])
            seconds = 0.0 if done is None else done.seconds
            rows[name] = ReplicaReport(outcome, prepared.seconds, seconds, prepared.nbytes, reason)
            if outcome == "closed":
                log.warning("after the decision of epoch %d: %s", self._epoch, reason)
        for name, error in self._dropped.items():
            rows[name] = ReplicaReport("dropped", reason=str(error))
        return FleetReport(
            self._epoch, self._version, "strict" if self._request.strict else "rolling",
            self._nbytes, self._seconds, rows, self._of.record.where, self._drain,
        )  # fmt: skip
