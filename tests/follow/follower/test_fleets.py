"""A fleet that follows: what is wrong with its coordinator is no fault of a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import follow
from acl_bundle.fleet import FencedError, Fleet, MemoryRecord, UndecidedError
from acl_bundle.follow._follower.apply import Applier, Outcome
from acl_bundle.follow._versions.source import Checkpoint
from acl_bundle.testing import FakeAcl

from .. import policy
from ..following import following, publish, until

PART = {"b": np.full(policy.COLUMNS, 1, np.float32)}


class Unreachable(MemoryRecord):
    """A record that cannot be reached once, when an epoch is to be decided.

    Attributes:
        calls: What is not answered any more, and how often.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = {"decide": 0, "resolve": 0}

    def _check(self, what: str) -> None:
        if self.calls[what]:
            self.calls[what] -= 1
            raise OSError("no route to host")

    def decide(self, epoch: int, version: int | str) -> None:
        self._check("decide")
        super().decide(epoch, version)

    def resolve(self, epoch: int) -> Any:
        self._check("resolve")
        return super().resolve(epoch)


class Decided(Unreachable):
    """Each call arrives; what is not answered was done."""

    def decide(self, epoch: int, version: int | str) -> None:
        MemoryRecord.decide(self, epoch, version)
        self._check("decide")


@pytest.mark.usefixtures("fake_acl")
def test_a_version_that_turns_out_to_be_decided_is_applied(
    policy_file: Path, tmp_path: Path
) -> None:
    """The fleet finds that out before the follower tries again: nothing is refused."""
    record, source = Decided(), follow.Directory(tmp_path)
    publish(tmp_path, 1)
    with Fleet.local(policy_file, devices=[0], record=record) as fleet:
        applier = Applier(fleet, None, {})  # type: ignore[arg-type]
        (version,) = source.versions()
        assert isinstance(version, Checkpoint)
        record.calls = {"decide": 1, "resolve": 1}
        attempt = applier.apply(version)
        assert isinstance(attempt.error, UndecidedError)
        assert attempt.outcome is Outcome.FAILED
        fleet.catch_up()
        assert fleet.version == 1
        assert applier.apply(version).outcome is Outcome.APPLIED
    source.close()


@pytest.mark.usefixtures("fake_acl")
def test_a_version_whose_decision_is_not_known_is_tried_again(
    policy_file: Path, tmp_path: Path
) -> None:
    """No older one is applied in its place, though it names one weight only."""
    record, errors, applied = Unreachable(), list[Exception](), list[Any]()
    with (
        Fleet.local(policy_file, devices=[0, 0], record=record) as fleet,
        following(
            fleet, tmp_path, on_error=errors.append,  # type: ignore[arg-type]
            on_applied=lambda report: applied.append(report.version),
        ) as follower,
    ):  # fmt: skip
        publish(tmp_path, 1)
        publish(tmp_path, 2, PART)
        until(lambda: applied[-1:] == [2])
        record.calls = {"decide": 1, "resolve": 1}
        before = len(applied)
        publish(tmp_path, 3, PART)
        follower.wait_for(3, 60)
        until(lambda: applied[-1:] == [3])
        metrics = follower.metrics
    assert applied[before:] == [3]
    assert [type(one) for one in errors] == [UndecidedError]
    assert (metrics.refused, metrics.healed) == (0, 0)


def test_a_coordinator_that_was_taken_over_from(
    policy_file: Path, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    """The version is neither refused nor taken for half a set: it keeps its turn."""
    record, source = MemoryRecord(), follow.Directory(tmp_path)
    publish(tmp_path, 2, PART)
    with Fleet.local(policy_file, devices=[0, 0], record=record) as fleet:
        second = Fleet([one.replica for one in fleet._members], record=record)
        second.update(policy.weights(1), version=1)
        applier = Applier(fleet, None, {})  # type: ignore[arg-type]
        (version,) = source.versions()
        assert isinstance(version, Checkpoint)
        attempt = applier.apply(version)
        assert isinstance(attempt.error, FencedError)
        assert attempt.outcome is Outcome.FAILED
    source.close()


def test_a_version_that_the_fleet_has_is_refused_and_the_next_one_applied(
    policy_file: Path, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    """Nothing is applied in its place: an answer would not tell which weights it is of."""
    refused, errors = list[Any](), list[Exception]()
    with Fleet.local(policy_file, devices=[0]) as fleet:
        fleet.update(policy.weights(1), version=1)
        with following(
            fleet, tmp_path, after=0, on_error=errors.append,  # type: ignore[arg-type]
            on_refused=lambda version, _: refused.append(version),
        ) as follower:  # fmt: skip
            publish(tmp_path, 1, PART)
            publish(tmp_path, 2)
            follower.wait_for(2, 60)
            until(lambda: follower.metrics.applied == 1)
        assert (refused, errors) == ([1], [])
        assert fleet.version == 2


def test_a_replica_that_closes_itself_meanwhile_is_no_fault_of_the_version(
    policy_file: Path, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    source = follow.Directory(tmp_path)
    publish(tmp_path, 2, PART)
    with Fleet.local(policy_file, devices=[0]) as fleet:
        replica: Any = next(iter(fleet._members)).replica
        start = replica.start

        def closes(step: str, *arguments: Any) -> Any:
            if step == "prepare":
                replica._participant.retire("its record is away")
            return start(step, *arguments)

        replica.start = closes
        (version,) = source.versions()
        assert isinstance(version, Checkpoint)
        attempt = Applier(fleet, None, {}).apply(version)  # type: ignore[arg-type]
        assert "closed to inference: its record is away" in str(attempt.error)
        assert attempt.outcome is Outcome.FAILED
    source.close()
