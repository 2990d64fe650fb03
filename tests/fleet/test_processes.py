"""Replicas in child processes, which are killed between phases and come back."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, fake
from acl_bundle.errors import WeightError
from acl_bundle.fleet import (
    FileRecord,
    Fleet,
    FleetUpdateError,
    ReplicaClosedError,
    ReplicaLostError,
)
from acl_bundle.fleet._process.child import _Answers
from acl_bundle.fleet._process.plan import received, sendable
from acl_bundle.fleet._process.replica import _opened

from .scene import CLOSE

SECONDS = 60


class Stubborn(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__((one, two))


class Killer:
    """A handle whose child is killed before or after a step."""

    def __init__(self, replica: Any) -> None:
        self._replica = replica
        self.at, self.after = "", False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._replica, name)

    def kill(self) -> None:
        process = self._replica.process
        os.kill(process, signal.SIGKILL)
        until = time.monotonic() + SECONDS
        while self._replica.process == process and time.monotonic() < until:
            time.sleep(0.005)

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        hit = step == self.at
        if hit and not self.after:
            self.kill()
        future: Future[Any] = self._replica.start(step, *arguments)
        if hit and self.after:
            future.exception()
            self.kill()
        return future


@pytest.fixture(scope="module")
def fleet(mlp: Any) -> Iterator[Fleet]:
    with Fleet.processes(mlp.path, devices=[0, 0], initializer=fake.activate) as made:
        for member in made._members:
            member.replica = Killer(member.replica)  # type: ignore[assignment]
        yield made


def all_open(fleet: Fleet) -> None:
    """Wait until those that were killed have come back and caught up."""
    until = time.monotonic() + SECONDS
    while not all(
        row.state == "idle" and row.epoch == fleet.epoch for row in fleet.status().replicas
    ):
        assert time.monotonic() < until, fleet.status()
        time.sleep(0.02)


def check_answers(fleet: Fleet, mlp: Any) -> None:
    for _ in range(4):
        outputs = fleet.infer({"x": mlp.x}, retry=True)
        assert outputs.version == fleet.version
        right = mlp.answer(mlp.random(fleet.version) if fleet.version else None)
        np.testing.assert_allclose(outputs["y"], right, **CLOSE)


@pytest.mark.timed
def test_weights_and_answers_go_between_processes(fleet: Fleet, mlp: Any) -> None:
    all_open(fleet)
    version = int(fleet.version or 0) + 1
    report = fleet.update(mlp.random(version), version=version, consistency="strict")
    assert [one.outcome for one in report.replicas.values()] == ["committed"] * 2
    check_answers(fleet, mlp)
    with pytest.raises(FleetUpdateError) as caught:
        fleet.update({"w1": mlp.weights["w2"]})
    assert {type(one) for one in caught.value.reasons.values()} == {WeightError}
    check_answers(fleet, mlp)
    assert len({row.where for row in fleet.status().replicas}) == 2


@pytest.mark.timed
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["prepare", "close_gate", "commit", "open_gate"])
def test_a_child_is_killed(fleet: Fleet, mlp: Any, step: str, after: bool) -> None:
    all_open(fleet)
    before = int(fleet.version or 0)
    victim: Any = next(iter(fleet._members)).replica
    victim.at, victim.after = step, after
    decided = step in ("commit", "open_gate") or (step == "close_gate" and after)
    send = partial(fleet.update, mlp.random(before + 1), version=before + 1, consistency="strict")
    if decided:
        report = send()
        committed = step == "open_gate" or (step == "commit" and after)
        assert report.closed == (() if committed else (victim.name,))
    else:
        with pytest.raises(FleetUpdateError) as caught:
            send()
        assert isinstance(caught.value.reasons[victim.name], ReplicaLostError)
    assert fleet.version == before + decided
    victim.at = ""
    check_answers(fleet, mlp)
    all_open(fleet)
    check_answers(fleet, mlp)


@pytest.mark.timed
def test_those_that_are_lost_are_dropped(fleet: Fleet, mlp: Any) -> None:
    all_open(fleet)
    before = int(fleet.version or 0)
    victim: Any = next(iter(fleet._members)).replica
    victim.at, victim.after = "prepare", False
    report = fleet.update(mlp.random(before + 1), version=before + 1, on_lost="drop")
    victim.at = ""
    assert report.replicas[victim.name].outcome == "dropped"
    assert fleet.version == before + 1
    check_answers(fleet, mlp)
    all_open(fleet)


def test_what_cannot_be_loaded_is_told_and_leaves_no_child(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Fleet.processes(tmp_path / "none.om", devices=[0, 0], initializer=fake.activate)
    with pytest.raises(ReplicaLostError, match="ended with status 7 before it was loaded"):
        Fleet.processes(tmp_path / "none.om", initializer=partial(os._exit, 7))


def test_a_fleet_of_new_children_takes_a_whole_version(mlp: Any, tmp_path: Path) -> None:
    """Every process ended after a decision: nobody has its weights, so all are closed."""
    record = FileRecord(tmp_path / "decision")
    record.decide(record.claim().claimed, 1)
    with Fleet.processes(mlp.path, record=record, initializer=fake.activate) as fleet:
        assert (fleet.version, fleet.status().replicas[0].state) == (1, "pending")
        with pytest.raises(FleetUpdateError, match="nobody has the weights of epoch 1"):
            fleet.update({"w1": mlp.random(2)["w1"]})
        fleet.update(mlp.random(2), version=2, consistency="strict")
        check_answers(fleet, mlp)


def test_an_exception_that_cannot_be_sent_is_told() -> None:
    assert str(sendable(Stubborn(1, 2))) == "Stubborn: (1, 2)"
    assert pickle.loads(pickle.dumps(sendable(WeightError("w")))).args == ("w",)


class Raises(Exception):
    def __init__(self) -> None:
        super().__init__("it is made without arguments")

    def __reduce__(self) -> Any:
        raise RecursionError("and cannot be pickled")


def test_an_answer_that_cannot_be_sent_is_told() -> None:
    """In the child; and in the parent, of one that cannot be made there."""
    ours, its = multiprocessing.Pipe()
    sender = _Answers(its)
    for value, kind, text in (
        (threading.Lock(), TypeError, "cannot pickle"),
        (Raises(), RecursionError, "and cannot be pickled"),
        (Stubborn(1, 2), TypeError, "missing 1 required"),
    ):
        sender.send(7, good=True, value=value)
        number, good, made = received(ours)
        good, error = _opened(good, made)
        assert (number, good, type(error)) == (7, False, kind)
        assert text in str(error)


@pytest.mark.timed
@pytest.mark.parametrize(
    ("step", "argument", "kind", "text"),
    [
        ("status", Stubborn(1, 2), ModuleNotFoundError, "No module"),
        ("status", threading.Lock(), TypeError, "cannot pickle"),
        ("__getattribute__", "_door", TypeError, "cannot pickle"),
    ],
)
def test_what_cannot_be_sent_is_the_fault_of_one_request(
    fleet: Fleet, mlp: Any, step: str, argument: Any, kind: type[Exception], text: str
) -> None:
    all_open(fleet)
    replica: Any = next(iter(fleet._members)).replica
    process = replica.process
    with pytest.raises(kind, match=text):
        replica.start(step, argument).result(SECONDS)
    check_answers(fleet, mlp)
    assert replica.process == process


@pytest.mark.timed
def test_a_child_that_is_known_to_be_gone_has_run_nothing(fleet: Fleet, mlp: Any) -> None:
    all_open(fleet)
    members = [*fleet._members]
    victim: Any = members[0].replica
    victim.kill()
    if victim._pipe is None:  # it is started again
        with pytest.raises(ReplicaClosedError, match=r"its process \d+ (has )?ended"):
            victim.infer({"x": mlp.x})
    assert fleet.infer({"x": mlp.x}).version == fleet.version
    assert fleet.infer({"x": mlp.x}).version == fleet.version
    all_open(fleet)


def test_a_child_that_cannot_be_started(mlp: Any) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        Fleet.processes(mlp.path, initializer=lambda: None)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = x * w, of more bytes than a pipe holds."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1024, 512]) for n in "xy"]
    weights = [numpy_helper.from_array(np.full(512, 2, np.float32), "w")]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])], "wide", ends[:1], ends[1:], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("wide") / "wide.om"
    build.from_onnx(model, weights=["w"]).save(path)
    return path


def test_large_messages_both_ways_and_interrupts_between(wide: Path) -> None:
    """Neither end waits for the other to read first, and no message is cut."""
    x = np.ones((1024, 512), np.float32)
    ended = threading.Event()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    with Fleet.processes(wide, initializer=fake.activate) as one, ThreadPoolExecutor(3) as pool:
        (process,) = (member.replica.process for member in one._members)  # type: ignore[attr-defined]

        def ask() -> None:
            while not ended.is_set():
                one.status()

        polled = pool.submit(ask)
        try:
            for delay in range(1, 41):
                others = [pool.submit(one.infer, {"x": x}) for _ in range(2)]
                with suppress(KeyboardInterrupt):
                    try:
                        signal.setitimer(signal.ITIMER_REAL, delay / 10_000)
                        one.infer({"x": x})
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                for other in others:
                    assert (other.result(SECONDS)["y"] == 2).all()
        finally:
            ended.set()
            signal.signal(signal.SIGALRM, before)
        polled.result(SECONDS)
        assert [member.replica.process for member in one._members] == [process]  # type: ignore[attr-defined]
