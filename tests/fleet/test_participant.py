"""A replica that helps itself: what it does when its lease is over, and what it refuses whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle.fleet import (
    MemoryRecord,
    Participant,
    Proposal,
    ReplicaClosedError,
)

from .scene import MODELS, participant

pytestmark = pytest.mark.usefixtures("fake_acl")
LEASE = 100.0


class Given:
    """Weights that lie in this process."""

    def __init__(self, weights: Any) -> None:
        self._weights = weights

    @contextmanager
    def opened(self) -> Iterator[Any]:
        yield self._weights


class Silent(MemoryRecord):
    """A record that does not answer the next questions whether an epoch was decided.

    Attributes:
        answers: How many it answers before.
        silent: How many it does not answer then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers, self.silent = 0, 0

    def resolve(self, epoch: int) -> Any:
        if self.answers:
            self.answers -= 1
        elif self.silent:
            self.silent -= 1
            raise OSError("no route to host")
        return super().resolve(epoch)


@contextmanager
def prepared(mlp: Any, model: str = "owned") -> Iterator[tuple[Participant, Silent]]:
    """A replica that infers, has epoch 0, and version 1 prepared as epoch 1."""
    record = Silent()
    one = participant("r0", mlp, model, record.resolve)
    try:
        one.catch_up(proposal(mlp, 0))
        assert record.claim().claimed == 1
        one.prepare(proposal(mlp, 1))
        yield one, record
    finally:
        one.close()


def proposal(mlp: Any, epoch: int) -> Proposal:
    return Proposal(epoch, epoch, Given(mlp.random(epoch)), epoch - 1, True, LEASE)


@pytest.mark.parametrize("decided", [False, True])
def test_one_that_was_let_go_stays_closed_until_a_fleet_takes_it(mlp: Any, decided: bool) -> None:
    """Its fleet goes on without it, and what it has prepared ends later."""
    with prepared(mlp) as (one, record):
        one.retire("it was removed from its fleet")
        if decided:
            record.decide(1, 1)
        lapsed(one)
        assert one.status().prepared is None
        assert one.status().reason == "it was removed from its fleet"
        with pytest.raises(ReplicaClosedError, match="it was removed from its fleet"):
            one.infer({"x": mlp.x})
        one.catch_up(proposal(mlp, int(decided)))
        assert one.infer({"x": mlp.x}).version == int(decided)


def lapsed(one: Participant) -> None:
    """Its lease runs out."""
    one.lease.begin(1e-9)
    while not one.lease.is_over:
        pass
    one.lease._seconds = LEASE
    one.expire()


def has(one: Participant, mlp: Any) -> Any:
    """The version that it answers with."""
    return one.infer({"x": mlp.x}).version


@pytest.mark.parametrize("model", MODELS)
def test_a_decided_epoch_is_committed_when_the_lease_is_over(mlp: Any, model: str) -> None:
    with prepared(mlp, model) as (one, record):
        record.decide(1, 1)
        lapsed(one)
        assert (has(one, mlp), one.describe().epoch, one.lease.left) == (1, 1, None)


def test_a_commit_that_fails_then_is_tried_again_after_one_more_lease(mlp: Any) -> None:
    """And not at once, over and over: the thread of the replica would do nothing else."""
    with prepared(mlp) as (one, record):
        record.decide(1, 1)
        fake.fail("*", 1, 507899)
        lapsed(one)
        fake.fail("*", 0, 0)
        with pytest.raises(ReplicaClosedError, match="epoch 1 was decided, and not committed"):
            has(one, mlp)
        assert (one.status().state, one.lease.is_over) == ("poisoned", False)
        lapsed(one)
        assert (has(one, mlp), one.lease.left) == (1, None)


def test_an_epoch_that_was_not_decided_is_dropped(mlp: Any) -> None:
    with prepared(mlp) as (one, record):
        one.close_gate(1, 0.1)
        lapsed(one)
        assert (has(one, mlp), one.status().prepared, one.lease.left) == (0, None, None)
        assert record.read().fenced == 1


@pytest.mark.parametrize("decided", [True, False])
def test_it_is_closed_while_nobody_can_be_asked(mlp: Any, decided: bool) -> None:
    with prepared(mlp) as (one, record):
        if decided:
            record.decide(1, 1)
        record.silent = 2
        for _ in range(2):
            lapsed(one)
            with pytest.raises(ReplicaClosedError, match="cannot be asked: no route to host"):
                has(one, mlp)
            assert (one.status().prepared, one.lease.is_over) == (1, False)
        lapsed(one)
        assert (has(one, mlp), one.status().prepared) == (int(decided), None)


@pytest.mark.parametrize("silent", [0, 1])
def test_one_that_was_retired_asks_for_that_epoch_too(mlp: Any, silent: int) -> None:
    """Its own epoch was not decided; the next one was, without it. If the second question has no
    answer, both are asked once more.
    """
    with prepared(mlp) as (one, record):
        assert record.claim().claimed == 2
        one.retire("version 2 (epoch 2) went on without it", 2)
        record.answers, record.silent = silent, silent
        lapsed(one)
        assert (one.status().prepared is None) == (not silent)
        for _ in range(silent):
            with pytest.raises(ReplicaClosedError, match="cannot be asked: no route to host"):
                has(one, mlp)
            lapsed(one)
        assert (has(one, mlp), one.status().prepared) == (0, None)
        assert record.read().fenced == 2


def test_one_that_was_left_behind_is_closed_when_its_lease_is_over(mlp: Any) -> None:
    with prepared(mlp) as (one, record):
        assert record.claim().claimed == 2
        record.decide(2, 2)
        lapsed(one)
        with pytest.raises(ReplicaClosedError, match="epoch 2 was decided without it"):
            has(one, mlp)
        assert (one.status().prepared, one.lease.left) == (None, None)


@pytest.mark.timed
def test_what_cannot_be_let_go_yet_is_let_go_after_one_more_lease(mlp: Any) -> None:
    """A commit that was given up is on the device, and may read the set."""
    with prepared(mlp) as (one, _):
        assert one._pending is not None
        fake.latency("aclmdlExecuteAsync", 1.0)
        with pytest.raises(ab.AclTimeoutError):
            one._pending.staged.commit(timeout_ms=50)
        fake.latency("aclmdlExecuteAsync", 0)
        lapsed(one)
        assert (one.status().prepared, one.lease.is_over) == (1, False)
        end = monotonic() + 60
        while one._model.poisoned and monotonic() < end:  # type: ignore[union-attr]
            sleep(0.02)
        assert has(one, mlp) == 0
        lapsed(one)
        assert (one.status().prepared, one.lease.left) == (None, None)


@pytest.mark.parametrize("model", MODELS)
def test_a_commit_that_cannot_ask_changes_nothing(mlp: Any, model: str) -> None:
    """Epoch 2 would go on without the replica, and nobody tells whether it did."""
    with prepared(mlp, model) as (one, record):
        record.decide(1, 1)
        one.retire("version 2 (epoch 2) went on without it", 2)
        record.silent = 1
        with pytest.raises(OSError, match="no route to host"):
            one.commit(1)
        assert (one.describe().epoch, one.describe().version) == (0, 0)
        assert (one.status().state, one.status().prepared) == ("pending", 1)
        assert (one.commit(1).epoch, has(one, mlp)) == (1, 1)


def test_a_commit_of_one_that_was_left_behind_is_refused(mlp: Any) -> None:
    with prepared(mlp) as (one, record):
        record.decide(1, 1)
        record.claim()
        one.retire("version 2 (epoch 2) went on without it", 2)
        record.decide(2, 2)
        for _ in range(2):
            with pytest.raises(ReplicaClosedError, match="epoch 2 was decided without it"):
                one.commit(1)
        assert (one.describe().epoch, one.describe().version) == (0, 0)


def test_a_commit_is_not_told_as_done_by_one_that_is_closed(mlp: Any) -> None:
    """The coordinator would send inferences there."""
    with prepared(mlp) as (one, record):
        record.decide(1, 1)
        one.commit(1)
        assert one.commit(1).seconds == 0.0
        one.retire("the fleet went on without it", 2)
        with pytest.raises(ReplicaClosedError, match="the fleet went on without it"):
            one.commit(1)
        one.abort(2)
        assert (one.commit(1).version, has(one, mlp)) == (1, 1)
