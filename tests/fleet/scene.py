"""Replicas whose steps run in the caller's thread, so that the calls of each can be counted.

Version ``n`` of the model has the weights ``mlp.random(n)``; 0 is what it was built with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle.fleet import (
    DecisionRecord,
    Fleet,
    MemoryRecord,
    Participant,
    ReplicaClosedError,
)

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
GIVES_BACK = re.compile("aclrtFree|acl.*Destroy").match
"""What these fail to give back is lost, as the fake says; no program can mend that."""
MODELS = ("owned", "library", "pair")


class Direct:
    """A handle whose steps run at once, in the thread that starts them.

    Attributes:
        fails: By step, which call of the library fails in it, each time.
        refuses: Steps that fail, whatever the library does.
        calls: By step, the numbers of the calls that it made when it was done last, but for those
            that give back; while `counting`.
    """

    counting = False

    def __init__(self, participant: Participant) -> None:
        self.participant = participant
        self.fails: dict[str, int] = {}
        self.refuses: set[str] = set()
        self.calls: dict[str, list[int]] = {}

    @property
    def name(self) -> str:
        return self.participant.name

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        before = len(fake.trace()) if self.counting else 0
        if step in self.fails:
            fake.fail("*", self.fails[step], 507899)
        try:
            if step in self.refuses:
                raise RuntimeError(f"{step} is refused here")
            future.set_result(getattr(self.participant, step)(*arguments))
        except Exception as error:
            future.set_exception(error)
        finally:
            fake.fail("*", 0, 0)
            if self.counting:
                made = [row["function"] for row in fake.trace()[before:]]
                self.calls[step] = [n for n, name in enumerate(made, 1) if not GIVES_BACK(name)]
        return future

    def infer(self, inputs: Any, timeout_ms: int | None = None) -> Any:
        return self.participant.infer(inputs, timeout_ms)

    def close(self) -> None:
        self.participant.close()


def participant(
    name: str, mlp: Any, model: str, resolve: Callable[[int], Any], device: int = 0
) -> Participant:
    if model == "pair":
        return Participant(name, ab.Pair.load(mlp.path, device=device), resolve)
    return Participant(name, ab.Bundle.load(mlp.path, device=device, variables=model), resolve)


@contextmanager
def replicas(
    mlp: Any, model: str = "owned", count: int = 3, record: DecisionRecord | None = None
) -> Iterator[tuple[list[Direct], DecisionRecord]]:
    """Some replicas, which are closed in the end, and the record that they ask."""
    record = MemoryRecord() if record is None else record
    made = []
    try:
        for number in range(count):
            made.append(Direct(participant(f"r{number}", mlp, model, record.resolve)))
        yield made, record
    finally:
        for one in made:
            one.close()


@contextmanager
def fleet_of(
    mlp: Any, model: str = "owned", count: int = 3, **options: Any
) -> Iterator[tuple[Fleet, list[Direct]]]:
    with (
        replicas(mlp, model, count) as (made, record),
        Fleet(made, record=record, **options) as one,
    ):
        yield one, made


def counted(mlp: Any, model: str, consistency: Any, *, first: bool = False) -> dict[str, list[int]]:
    """The numbers of the calls of the library that each step of an update makes at one replica.

    `first`: of the fleet's first update, else of the second one.
    """
    with fake.settings(trace="on"), fleet_of(mlp, model, 1) as (fleet, ones):
        for version in (1, 2):
            ones[0].counting = version == 2 - first
            fleet.update(mlp.random(version), version=version, consistency=consistency)
        return ones[0].calls


def answers(ones: Sequence[Direct], mlp: Any) -> dict[str, int | None]:
    """The version that each replica answers with, whose numbers are right; None of a closed one.

    One whose gate is shut would let the caller wait; it does not answer either.
    """
    found: dict[str, int | None] = {}
    for one in ones:
        found[one.name] = None
        with suppress(ReplicaClosedError):
            if one.participant._door.is_shut and one.participant._door.reason is None:
                continue
            outputs = one.infer({"x": mlp.x})
            values = mlp.random(outputs.version) if outputs.version else mlp.weights
            np.testing.assert_allclose(outputs["y"], mlp.answer(values), **CLOSE)
            found[one.name] = outputs.version
    return found


def lapse(ones: Sequence[Direct]) -> None:
    """Let every lease run out, and the replicas help themselves."""
    for one in ones:
        if one.participant.lease.left is not None:
            one.participant.lease.begin(1e-9)
        one.participant.expire()
