"""What Ray makes actors of, without Ray; tests/fleet/on_ray has the rest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import fake
from acl_bundle.errors import UnsupportedError
from acl_bundle.fleet import (
    FencedError,
    FileRecord,
    Fleet,
    RayRecord,
    RayReplica,
    RayStore,
    ReplicaLostError,
)
from acl_bundle.fleet._process.plan import ChildPlan
from acl_bundle.fleet._ray.actor import RecordActor, ReplicaActor
from acl_bundle.fleet._ray.answers import received

from .scene import CLOSE


@pytest.fixture
def record(tmp_path: Path) -> FileRecord:
    return FileRecord(tmp_path / "decision")


def plan(path: Any, record: FileRecord) -> ChildPlan:
    return ChildPlan("one", path, 0, False, True, record, {}, fake.activate)


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_bytes_of_a_model_do_not_outlast_their_process(record: FileRecord, buffer: Any) -> None:
    """Ray could not start an actor again for which they were; said before anything is made."""
    model = buffer(b"IMOD" + bytes(300))
    with pytest.raises(ValueError, match=r"fleet 'policy' is given as 304 bytes.*give the path"):
        Fleet.ray(model, name="policy")
    with pytest.raises(ValueError, match="fleet 'policy' is given as 304 bytes"):
        RayReplica("one", model, record=record, fleet="policy")


@pytest.mark.usefixtures("fake_acl")
def test_what_a_step_returns_or_raises_is_its_answer(mlp: Any, record: FileRecord) -> None:
    actor = ReplicaActor(plan(mlp.path, record))
    assert actor.ready() == (True, None)
    assert received(actor.step("status")).state == "pending"
    good, error = actor.step("commit", 7)
    assert (good, type(error).__name__) == (False, "ReplicaClosedError")
    good, error = actor.infer({"x": mlp.x})
    assert (good, type(error).__name__) == (False, "ReplicaClosedError")
    with Fleet([Beside(actor)], record=record) as fleet:
        fleet.update(mlp.random(1), version=1)
        outputs = received(actor.infer({"x": mlp.x}))
        np.testing.assert_allclose(outputs["y"], mlp.answer(mlp.random(1)), **CLOSE)
    actor.alive(60.0)  # it is closed, so this returns at once


class Beside:
    """A handle on an actor that lies beside it."""

    name = "one"

    def __init__(self, actor: ReplicaActor) -> None:
        self._actor = actor

    def start(self, step: str, *arguments: Any) -> Any:
        return self._actor._there().start(step, *arguments)

    def infer(self, inputs: Any, timeout_ms: int | None = None) -> Any:
        return received(self._actor.infer(inputs, timeout_ms))

    def close(self) -> None:
        self._actor.close()


@pytest.mark.usefixtures("fake_acl")
def test_an_actor_that_cannot_load_lives_and_says_why(tmp_path: Path, record: FileRecord) -> None:
    actor = ReplicaActor(plan(tmp_path / "none.om", record))
    with pytest.raises(FileNotFoundError):
        received(actor.ready())
    with pytest.raises(ReplicaLostError, match=r"could not be loaded: .*none\.om"):
        received(actor.step("status"))
    actor.close()


def test_a_record_actor_that_is_started_again_knows_what_was_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = RecordActor("fleet")
    epoch = received(first.call("claim", 4)).claimed
    received(first.call("decide", epoch, "step-1"))
    received(first.call("decide", epoch, "step-1"))  # Ray asks again when it got no answer
    second = RecordActor("fleet")
    assert received(second.call("read")).epoch == epoch == 5
    with pytest.raises(FencedError):
        received(second.call("decide", epoch + 1, "step-2"))
    assert str(tmp_path) in second.where()
    second.close()
    assert [*tmp_path.iterdir()] == []


def test_without_ray_it_is_said_what_to_install(mlp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for make in (
        lambda: Fleet.ray(mlp.path), RayRecord,
        lambda: RayStore().put({"w": mlp.x}, reuse=False),
    ):  # fmt: skip
        with pytest.raises(UnsupportedError, match=r"pip install '\.\[ray\]'"):
            make()
