"""Actors, nodes and coordinators that end, at each step of an update."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import fake
from acl_bundle.fleet import (
    FencedError,
    Fleet,
    FleetUpdateError,
    RayRecord,
    RayReplica,
    ReplicaClosedError,
    ReplicaLostError,
    delete_ray_fleet,
)

from .conftest import SECONDS, all_open, check_answers, step_hook, until

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
STEPS = ("prepare", "close_gate", "commit", "open_gate")
AS_ONE_THAT_WAS_KILLED = ReplicaLostError, ReplicaClosedError, FencedError
"""The latter two where Ray has started it again already: it has nothing prepared."""
COORDINATOR = Path(__file__).with_name("coordinator.py")


@pytest.fixture(scope="module")
def fleet(cluster: Any, mlp: Any) -> Iterator[Fleet]:
    with Fleet.ray(mlp.path, actors=2, initializer=fake.activate, timeout=SECONDS) as made:
        yield made


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_an_actor_is_killed(fleet: Fleet, mlp: Any, step: str, after: bool) -> None:
    import ray  # noqa: PLC0415

    all_open(fleet)
    before = int(fleet.version or 0)
    victim: Any = next(iter(fleet._members)).replica

    def kill(at: str, over: bool) -> None:
        if (at, over) == (step, after):
            ray.kill(victim.actor, no_restart=False)
            _wait_for_the_end(victim)

    decided = step in ("commit", "open_gate") or (step == "close_gate" and after)
    send = partial(fleet.update, mlp.random(before + 1), version=before + 1, consistency="strict")
    with step_hook(fleet, victim.name, kill):
        if decided:
            committed = step == "open_gate" or (step == "commit" and after)
            outcome = send().replicas[victim.name].outcome
            assert outcome in (("committed",) if committed else ("closed", "caught up"))
        else:
            with pytest.raises(FleetUpdateError) as caught:
                send()
            assert isinstance(caught.value.reasons[victim.name], AS_ONE_THAT_WAS_KILLED)
    assert fleet.version == before + decided
    check_answers(fleet, mlp)
    all_open(fleet)
    check_answers(fleet, mlp)


def _wait_for_the_end(victim: Any) -> None:
    """Until the process that was killed answers no more."""
    until(lambda: victim.start("status").exception() is not None, lambda: "it answers still")


def test_the_record_outlasts_its_actor(fleet: Fleet, mlp: Any) -> None:
    import ray  # noqa: PLC0415

    all_open(fleet)
    version, epoch = int(fleet.version or 0) + 1, fleet.epoch
    record: Any = fleet._coordinator.record
    ray.kill(record._actor, no_restart=False)
    fleet.update(mlp.random(version), version=version)
    assert fleet.epoch > epoch > 0
    assert record.read().epoch == fleet.epoch
    check_answers(fleet, mlp)


def test_a_late_joiner_is_closed_until_it_has_the_version(cluster: Any, mlp: Any) -> None:
    record = RayRecord()
    with Fleet.ray(mlp.path, record=record, initializer=fake.activate) as fleet:
        fleet.update(mlp.random(1), version=1)
        fleet.update({"b2": mlp.random(2)["b2"]}, version=2)
        late = RayReplica("late", mlp.path, record=record, initializer=fake.activate)
        late.wait(SECONDS)
        assert late.start("status").result().state == "pending"
        fleet.add(late)
        outputs = late.infer({"x": mlp.x})
        assert outputs.version == 2
        right = mlp.answer({**mlp.random(1), "b2": mlp.random(2)["b2"]})
        assert abs(outputs["y"] - right).max() < 1e-3
    record.close()


def test_an_actor_that_cannot_be_loaded_again_is_tried_again(
    cluster: Any, mlp: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import ray  # noqa: PLC0415

    path = tmp_path / "moved.om"
    shutil.copy(mlp.path, path)
    with Fleet.ray(path, actors=2, initializer=fake.activate, timeout=SECONDS) as fleet:
        fleet.update(mlp.random(1), version=1)
        path.rename(tmp_path / "away.om")
        victim: Any = next(iter(fleet._members)).replica
        ray.kill(victim.actor, no_restart=False)
        until(lambda: "was started again: " in caplog.text, lambda: caplog.text)
        assert "moved.om" in caplog.text
        check_answers(fleet, mlp)
        (tmp_path / "away.om").rename(path)
        all_open(fleet)
        check_answers(fleet, mlp)


def test_an_actor_that_ends_while_it_loads_is_lost(cluster: Any, mlp: Any) -> None:
    ends = partial(os._exit, 3)
    with pytest.raises(ReplicaLostError):
        Fleet.ray(mlp.path, initializer=ends, actor_options={"max_restarts": 0})
    with pytest.raises(ReplicaLostError):  # Ray starts it again and again
        Fleet.ray(mlp.path, initializer=ends, timeout=3)


def test_a_node_is_removed_and_another_one_comes(cluster: Any, mlp: Any) -> None:
    node = cluster.add_node(num_cpus=0, resources={"NPU": 1, "spare": 1})
    wants = {"NPU": 1, "spare": 1}
    record = RayRecord()
    spare = RayReplica(
        "spare", mlp.path, record=record, initializer=fake.activate,
        actor_options={"resources": wants},
    )  # fmt: skip
    spare.wait(SECONDS)
    with Fleet.ray(mlp.path, record=record, initializer=fake.activate, timeout=SECONDS) as fleet:
        fleet.add(spare)
        fleet.update(mlp.random(1), version=1)
        cluster.remove_node(node, allow_graceful=False)
        with pytest.raises(FleetUpdateError) as caught:
            fleet.update(mlp.random(2), version=2, timeout=20)
        assert set(caught.value.reasons) == {"spare"}
        report = fleet.update(mlp.random(3), version=3, on_lost="drop", timeout=20)
        assert report.closed == ("spare",)
        check_answers(fleet, mlp)
        node = cluster.add_node(num_cpus=0, resources=wants)
        all_open(fleet)
        assert spare.infer({"x": mlp.x}).version == 3
        check_answers(fleet, mlp)
    record.close()
    cluster.remove_node(node)


@pytest.mark.parametrize(
    ("step", "killed"), [("prepare", False), ("commit", False), ("commit", True)]
)
def test_a_coordinator_ends_and_the_next_one_takes_over(
    cluster: Any, mlp: Any, step: str, killed: bool
) -> None:
    """It ends when every actor has prepared, or when the first one has committed; that one may end
    too, and Ray starts it again while the next coordinator looks."""
    import ray  # noqa: PLC0415

    name = f"policy-{step}-{killed}"
    child = subprocess.run(
        [sys.executable, COORDINATOR, cluster.address, name, mlp.path, step],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert child.returncode == 7, child.stderr
    try:
        if killed:
            first = ray.get_actor(f"{name}/replica-0", namespace="acl_bundle")
            ray.kill(first, no_restart=False)
        with Fleet.ray(mlp.path, name=name, initializer=fake.activate, lease=2.0) as second:
            assert len(second.status().replicas) == 2
            assert second.version == (2 if step == "commit" else 1)
            all_open(second)
            weights = [mlp.random(1), {"w1": mlp.random(2)["w1"]}][: second.version]
            right = mlp.answer({**weights[0], **weights[-1]})
            for _ in range(4):
                assert abs(second.infer({"x": mlp.x})["y"] - right).max() < 1e-3
            second.update(mlp.random(3), version=3)
            third = Fleet.ray(mlp.path, name=name, initializer=fake.activate)
            assert third.version == 3
            third.update(mlp.random(4), version=4)
            with pytest.raises(FencedError):
                second.update(mlp.random(5), version=5)
        check_answers(third, mlp)  # the second one is closed, and has left the actors
        third.close()
    finally:
        delete_ray_fleet(name)
    with pytest.raises(ValueError, match="no actors of a fleet"):
        delete_ray_fleet(name)


def test_ray_is_shut_down_under_a_fleet(cluster: Any, mlp: Any) -> None:
    """It stands last: the fleet of this file is lost as well."""
    import ray  # noqa: PLC0415

    with Fleet.ray(mlp.path, initializer=fake.activate) as one:
        replica: Any = next(iter(one._members)).replica
        ray.shutdown()
        with pytest.raises(OSError, match="Ray was shut down"):
            one.update(mlp.random(1), version=1)
        with pytest.raises(ReplicaLostError, match="Ray was shut down"):
            replica.infer({"x": mlp.x})
        assert not ray.is_initialized()
        ray.init(cluster.address, log_to_driver=False)
        with pytest.raises(ReplicaLostError):
            replica.infer({"x": mlp.x})
