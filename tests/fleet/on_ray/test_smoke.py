"""What is tried on Ray in continuous integration (`make smoke`): two nodes, readers, and one actor
that ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import fake
from acl_bundle.errors import WeightError
from acl_bundle.fleet import Fleet, FleetUpdateError, ReplicaLostError
from tests.laws.pages.page import Page, small_policy

from ..test_readers import Readers, out_of_order
from .conftest import all_open, check_answers

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]  # Ray's own
PLACE = re.compile(r"NPU (\d) of Ray's node (\w+)")


@pytest.fixture(scope="module")
def fleet(cluster: Any, mlp: Any) -> Iterator[Fleet]:
    with Fleet.ray(mlp.path, actors=4, initializer=fake.activate, timeout=120) as made:
        yield made


def test_each_actor_has_a_device_of_its_own(fleet: Fleet) -> None:
    places = [PLACE.search(row.where) for row in fleet.status().replicas]
    found = sorted((one[2], one[1]) for one in places if one)
    assert [device for _, device in found] == ["0", "1", "0", "1"]
    assert len({node for node, _ in found}) == 2


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_every_answer_is_of_its_version(fleet: Fleet, mlp: Any, consistency: Any) -> None:
    first = int(fleet.version or 0) + 1
    with Readers(fleet, mlp) as readers:
        for version in range(first, first + 8):
            report = fleet.update(mlp.random(version), version=version, consistency=consistency)
            assert report.closed == ()
    assert readers.errors == []
    assert {version for _, _, version in readers.answers} & {*range(first, first + 8)}
    assert consistency == "rolling" or out_of_order(readers.answers) == []


def test_an_actor_that_ends_catches_up_by_itself(cluster: Any, fleet: Fleet, mlp: Any) -> None:
    import ray  # noqa: PLC0415

    all_open(fleet)
    version = int(fleet.version or 0) + 1
    fleet.update({"w1": mlp.random(version)["w1"]}, version="a part")
    fleet.update(mlp.random(version), version=version)
    victim: Any = next(iter(fleet._members)).replica
    before = fleet.status().replicas[0].where
    ray.kill(victim.actor, no_restart=False)
    with pytest.raises(ReplicaLostError):
        infer_on(victim, mlp)
    check_answers(fleet, mlp)
    assert all_open(fleet).replicas[0].where != before
    check_answers(fleet, mlp)


def infer_on(replica: Any, mlp: Any) -> None:
    while True:
        replica.infer({"x": mlp.x})


def test_what_a_replica_refuses_is_told_as_it_is(fleet: Fleet, mlp: Any) -> None:
    all_open(fleet)
    with pytest.raises(FleetUpdateError) as caught:
        fleet.update({"w1": mlp.weights["w2"]})
    assert {type(one) for one in caught.value.reasons.values()} == {WeightError}
    with pytest.raises(ValueError, match="x"):
        fleet.infer({"x": mlp.x[:, :1]})
    check_answers(fleet, mlp)


def test_the_page_runs(
    cluster: Any, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.close()  # the page needs its devices
    small_policy(tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    Page("docs/fleet_ray.md").run({})
