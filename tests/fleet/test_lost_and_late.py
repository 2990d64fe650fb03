"""Replicas that hang, come late, have another model or another history; and where inferences go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle.fleet import (
    Fleet,
    FleetUpdateError,
    LocalReplica,
    MemoryRecord,
    Participant,
    Proposal,
    ReplicaClosedError,
    ReplicaLostError,
)

from .scene import CLOSE, Direct, answers, fleet_of, participant, replicas

pytestmark = pytest.mark.usefixtures("fake_acl")


class Hanging(LocalReplica):
    """Stands still in a step until it is let go."""

    def __init__(self, participant: Participant, step: str) -> None:
        super().__init__(participant)
        self._step, self.go, self.done = step, threading.Event(), threading.Event()

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        if step != self._step:
            return super().start(step, *arguments)
        participant = self._participant

        def hang(*given: Any) -> Any:
            self.go.wait(60)
            try:
                return getattr(type(participant), step)(participant, *given)
            finally:
                self.done.set()

        setattr(participant, step, hang)
        try:
            return super().start(step, *arguments)
        finally:
            delattr(participant, step)


def local_fleet(mlp: Any, step: str) -> tuple[Fleet, Hanging]:
    record = MemoryRecord()
    one = LocalReplica(participant("r0", mlp, "owned", record.resolve))
    two = Hanging(participant("r1", mlp, "owned", record.resolve), "")
    fleet = Fleet([one, two], record=record, lease=0.5)
    two._step = step
    return fleet, two


def test_one_that_hangs_ends_the_update_in_time(mlp: Any) -> None:
    fleet, slow = local_fleet(mlp, "prepare")
    with fleet:
        with pytest.raises(FleetUpdateError, match="'r1' has not ended 'prepare' within") as caught:
            fleet.update(mlp.random(1), version=1, timeout=0.05)
        assert set(caught.value.reasons) == {"r1"}
        assert fleet.infer({"x": mlp.x}).version == 0
        slow._step = ""
        slow.go.set()
        assert slow.done.wait(60)
        fleet.update(mlp.random(2), version=2)
        assert {fleet.infer({"x": mlp.x}).version for _ in range(4)} == {2}


def test_one_that_hangs_is_dropped_and_comes_back(mlp: Any) -> None:
    fleet, slow = local_fleet(mlp, "prepare")
    with fleet:
        report = fleet.update(mlp.random(1), version=1, timeout=0.05, on_lost="drop")
        assert report.closed == ("r1",)
        with pytest.raises(ReplicaClosedError, match="went on without it"):
            slow.infer({"x": mlp.x})
        slow._step = ""
        slow.go.set()
        assert slow.done.wait(60)
        fleet.update(mlp.random(2), version=2)
        assert {fleet.infer({"x": mlp.x}).version for _ in range(4)} == {2}


def test_one_that_hangs_in_its_commit_is_closed(mlp: Any) -> None:
    fleet, slow = local_fleet(mlp, "commit")
    with fleet:
        report = fleet.update(mlp.random(1), version=1, consistency="strict")
        assert report.closed == ("r1",)
        assert {fleet.infer({"x": mlp.x}).version for _ in range(4)} == {1}
        slow._step = ""
        slow.go.set()
        assert slow.done.wait(60)
        fleet.catch_up()
        assert slow.infer({"x": mlp.x}).version == 1


@pytest.mark.timed
def test_a_gate_that_cannot_close_ends_the_update(mlp: Any) -> None:
    with Fleet.local(mlp.path, devices=[0, 0]) as fleet, ThreadPoolExecutor(1) as pool:
        fake.latency("aclmdlExecute", 0.5)
        running = pool.submit(fleet.infer, {"x": mlp.x})
        while not any(one.load for one in fleet._members):
            pass
        with pytest.raises(FleetUpdateError, match="cannot close its gate: 1 inferences run"):
            fleet.update(mlp.random(1), version=1, consistency="strict", timeout=0.2)
        assert running.result().version == 0
        assert fleet.infer({"x": mlp.x}).version == 0
        fake.latency("aclmdlExecute", 0)
        fleet.update(mlp.random(1), version=1, consistency="strict")
        assert fleet.infer({"x": mlp.x}).version == 1


def test_a_lease_is_kept_while_the_coordinator_lives(mlp: Any) -> None:
    fleet, slow = local_fleet(mlp, "prepare")
    with fleet, ThreadPoolExecutor(1) as pool:
        update = pool.submit(fleet.update, mlp.random(1), version=1)
        assert not slow.done.wait(1.5)  # three leases
        slow.go.set()
        assert update.result().closed == ()


def test_a_late_one_catches_up(mlp: Any) -> None:
    with fleet_of(mlp) as (fleet, ones):
        fleet.update({"w1": mlp.random(1)["w1"]}, version=1)
        fleet.update({"b1": mlp.random(2)["b1"]}, version=2)
        right = mlp.answer({"w1": mlp.random(1)["w1"], "b1": mlp.random(2)["b1"]})
        late = Direct(participant("late", mlp, "pair", fleet._coordinator.record.resolve))
        with pytest.raises(ReplicaClosedError, match="it waits for its fleet"):
            late.infer({"x": mlp.x})
        fleet.add(late)
        outputs = late.infer({"x": mlp.x})
        assert outputs.version == 2
        np.testing.assert_allclose(outputs["y"], right, **CLOSE)
        assert len(fleet.status().replicas) == 4
        assert fleet.remove("late") is late
        with pytest.raises(ReplicaClosedError, match="removed from its fleet"):
            late.infer({"x": mlp.x})
        late.close()
        assert len(ones) == 3


def test_a_new_fleet_has_the_weights_of_a_replica(mlp: Any) -> None:
    """The store ended with the old coordinator."""
    with replicas(mlp) as (ones, record):
        Fleet(ones, record=record).update({"w1": mlp.random(1)["w1"]}, version=1)
        late = Direct(participant("late", mlp, "owned", record.resolve))
        fleet = Fleet([*ones, late], record=record)
        outputs = late.infer({"x": mlp.x})
        assert (fleet.version, outputs.version) == (1, 1)
        right = mlp.answer({"w1": mlp.random(1)["w1"]})
        np.testing.assert_allclose(outputs["y"], right, **CLOSE)
        late.close()


def test_a_restarted_one_is_closed_to_an_old_coordinator(mlp: Any) -> None:
    with replicas(mlp, count=2) as (ones, record):
        old = Fleet(ones, record=record)
        old.update(mlp.random(1), version=1)
        Fleet(ones, record=record).update(mlp.random(2), version=2)
        late = Direct(participant("late", mlp, "owned", record.resolve))
        with pytest.raises(ab.UpdateError, match="another coordinator has taken over"):
            old.add(late)
        answer = late.start("catch_up", _committed(old))
        with pytest.raises(ab.UpdateError, match="refuses epoch 1: 2 is committed"):
            answer.result()
        assert answers([late], mlp) == {"late": None}
        late.close()


def _committed(fleet: Fleet) -> Any:
    from acl_bundle.fleet import Proposal  # noqa: PLC0415

    of = fleet._coordinator
    return Proposal(of.epoch, of.version, of.store.committed, of.epoch, False, 1.0)


def test_other_models_and_histories_are_refused(mlp: Any, tmp_path: Path) -> None:
    x = {"x": ("float32", (1,))}
    other = tmp_path / "other.om"
    build.null(x, {"y": x["x"]}, weights={"w1": np.zeros((2, 2), np.float32)}).save(other)
    with replicas(mlp, count=2) as (ones, record):
        strange = Direct(Participant("s", ab.Bundle.load(other), record.resolve))
        with pytest.raises(ValueError, match="'s' has another model than 'r0': weight 'b1' is"):
            Fleet([*ones, strange], record=record)
        strange.close()
        ones[1].participant._model.update(mlp.random(4), version=4)
        with pytest.raises(ValueError, match="'r1' has version 4, and 'r0' has 0"):
            Fleet(ones, record=record)
        ones[1].participant._model.update(mlp.weights, version=0)
        Fleet(ones, record=record).update(mlp.random(1), version=1)
        with pytest.raises(ValueError, match="it is another fleet's record"):
            Fleet(ones, record=MemoryRecord())
        with pytest.raises(ValueError, match="the fleet has a replica 'r0' already"):
            Fleet([*ones, ones[0]], record=record)


class Ending(Direct):
    """Is lost in an inference."""

    def infer(self, inputs: Any, timeout_ms: int | None = None) -> Any:
        raise ReplicaLostError(self.name, "gone")


def test_an_inference_is_tried_once_more_where_that_is_allowed(mlp: Any) -> None:
    record = MemoryRecord()
    ones: list[Any] = [
        kind(participant(f"r{n}", mlp, "owned", record.resolve))
        for n, kind in enumerate((Ending, Ending, Direct))
    ]
    with Fleet(ones, record=record) as fleet:
        with pytest.raises(ReplicaLostError, match="'r0' is lost"):
            fleet.infer({"x": mlp.x})
        assert fleet.infer({"x": mlp.x}, retry=True).version == 0  # r1, then r2
        assert [one.lost for one in fleet._members] == [True, True, False]


@pytest.mark.timed
def test_the_one_with_the_least_to_do_infers(mlp: Any) -> None:
    with Fleet.local(mlp.path, devices=[0, 0, 0]) as fleet, ThreadPoolExecutor(6) as pool:
        fake.latency("aclmdlExecute", 0.05)
        for one in [pool.submit(fleet.infer, {"x": mlp.x}) for _ in range(6)]:
            one.result()
        fake.latency("aclmdlExecute", 0)
        assert [one.turns for one in fleet._members] == [2, 2, 2]


def test_what_was_seen_before_it_opened_does_not_close_it(mlp: Any) -> None:
    """An answer of a closed replica arrives when the fleet has opened it already."""
    with fleet_of(mlp, count=1) as (fleet, ones):
        infer, asked = ones[0].infer, []

        def late(inputs: Any, timeout_ms: int | None = None) -> Any:
            if asked:
                return infer(inputs, timeout_ms)
            asked.append(ones[0].participant.retire("for a test"))
            try:
                return infer(inputs, timeout_ms)
            finally:
                fleet.catch_up()

        ones[0].infer = late  # type: ignore[method-assign]
        assert fleet.infer({"x": mlp.x}).version == 0


def test_it_joins_or_it_does_not(mlp: Any) -> None:
    with fleet_of(mlp, count=2) as (fleet, ones):
        last = fleet.remove("r1")
        with pytest.raises(ValueError, match="no replica 'r1'; it has 'r0'"):
            fleet.remove("r1")
        read = fleet._coordinator.record.read
        fleet._coordinator.record.read = lambda: 1 / 0  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError):
            fleet.add(last)
        fleet._coordinator.record.read = read  # type: ignore[method-assign]
        assert len(fleet.status().replicas) == 1
        fleet.add(last)
        assert set(answers(ones, mlp).values()) == {0}


class Slow:
    """A reference to weights that come when they are let."""

    def __init__(self, weights: Any) -> None:
        self._weights, self.asked, self.go = weights, threading.Event(), threading.Event()

    @contextmanager
    def opened(self) -> Iterator[Any]:
        self.asked.set()
        assert self.go.wait(60)
        yield self._weights


@pytest.mark.parametrize("decides", [True, False])
def test_a_replica_that_catches_up_while_the_fleet_goes_on_without_it(
    mlp: Any, decides: bool
) -> None:
    record = MemoryRecord()
    replica = LocalReplica(participant("r", mlp, "owned", record.resolve))
    first, weights = record.claim(0).claimed, Slow(mlp.weights)
    record.decide(first, 1)
    late = replica.start("catch_up", Proposal(first, 1, weights, first, False, 5.0, {}))
    assert weights.asked.wait(60)
    second = record.claim(first).claimed
    replica.start("retire", "version 2 goes on without it", second).result()
    if decides:
        record.decide(second, 2)
    weights.go.set()
    if decides:
        with pytest.raises(ReplicaClosedError, match=f"epoch {second} was decided without it"):
            late.result(60)
        with pytest.raises(ReplicaClosedError):
            replica.infer({"x": mlp.x})
    else:
        assert late.result(60).epoch == first
        assert replica.infer({"x": mlp.x}).version == 1
    replica.close()
