"""The steps of a replica in process: whoever does one, their order is that of their start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import pytest

from acl_bundle.fleet import LocalReplica, MemoryRecord, Proposal

from .scene import participant
from .test_participant import Given

pytestmark = pytest.mark.usefixtures("fake_acl")


def test_a_step_that_was_taken_and_not_begun_is_not_overtaken(mlp: Any) -> None:
    """The queue is empty then, and yet the gate must not open before the commit."""
    with LocalReplica(participant("r", mlp, "owned", MemoryRecord().resolve)) as replica:
        turn, end = replica._turn, monotonic() + 60
        with turn.lock:
            first = replica.start("describe")
            while turn.jobs.qsize() and monotonic() < end:
                sleep(0.001)
            assert not turn.is_idle
        assert first.result(60).epoch == 0
        with turn.lock:
            assert turn.is_idle


def test_gates_beside_other_steps_keep_their_order(mlp: Any) -> None:
    """An update's steps are started without waiting for any, by several threads at once."""
    record = MemoryRecord()
    with LocalReplica(participant("r", mlp, "owned", record.resolve)) as replica:
        replica.start("catch_up", Proposal(0, 0, Given(mlp.random(0)), 0, True, 60.0)).result(60)

        def update(epoch: int) -> list[Any]:
            weights = Given(mlp.random(epoch))
            steps = [
                replica.start("prepare", Proposal(epoch, epoch, weights, epoch - 1, True, 60.0)),
                replica.start("close_gate", epoch, 30.0),
                replica.start("commit", epoch),
                replica.start("open_gate", epoch),
            ]
            return [one.result(60) for one in steps]

        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(replica.start, "describe") for _ in range(200)]
            for epoch in range(1, 21):
                assert record.claim().claimed == epoch
                record.decide(epoch, epoch)
                update(epoch)
                assert replica.infer({"x": mlp.x}).version == epoch
            assert all(one.result().result(60) for one in asked)
        with replica._turn.lock:
            assert replica._turn.is_idle
