"""Ray Serve: requests on gears, updates under load, replicas that are poisoned or killed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from acl_bundle import fake
from acl_bundle.fleet import FleetUpdateError, ReplicaClosedError
from acl_bundle.serve import ServeFleet
from tests.fleet.on_ray.conftest import until
from tests.fleet.test_readers import out_of_order
from tests.laws.pages.page import Page
from tests.serve.probed import Probed
from tests.server.models import W, answer, rows

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
ACTOR = {"num_cpus": 0, "resources": {"NPU": 1}}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
UPDATES = 12


def weights(version: int) -> dict[str, Any]:
    return {"w": (W * (version + 1)).astype(np.float32)}


@pytest.fixture(scope="module")
def handle(serving: Any, geared: Path) -> Iterator[Any]:
    app = serving.deployment(Probed).options(
        name="policy", num_replicas=2, ray_actor_options=ACTOR, max_ongoing_requests=64,
        health_check_period_s=0.5, graceful_shutdown_timeout_s=2,
    )  # fmt: skip
    bound = app.bind(
        geared, fleet="policy", initializer=fake.activate, batch_wait_timeout_s=0.02, lease=3.0
    )  # fmt: skip
    yield serving.run(bound, name="app", route_prefix=None)
    serving.delete("app")
    with suppress(ValueError):
        ServeFleet("policy").delete()


def ray_error() -> type[Exception]:
    import ray  # noqa: PLC0415

    return ray.exceptions.RayActorError


def check(outputs: Any, x: Any, version: int | None) -> None:
    assert outputs.version == version
    np.testing.assert_allclose(outputs["y"], answer(x, weights(version or 0)["w"]), **CLOSE)


def gears(handle: Any) -> list[int]:
    found: dict[str, list[int]] = {}
    until(lambda: found.update([handle.gears.remote().result()]) or len(found) == 2, lambda: found)
    return [size for sizes in found.values() for size in sizes]


def test_requests_of_any_size_are_run_on_gears(handle: Any) -> None:
    assert len(ServeFleet("policy").status().replicas) == 2
    assert gears(handle) == []
    given = [rows(count, at) for at, count in enumerate([1, 2, 3, 5, 8, 1, 4, 7] * 8)]
    asked = [handle.remote({"x": x}) for x in given]
    wrong = handle.remote({"x": np.zeros((2, 3), np.float32)})
    asked += [handle.remote({"x": x}) for x in given]
    for x, one in zip([*given, *given], asked, strict=True):
        check(one.result(), x, 0)
    with pytest.raises(ValueError, match="x"):
        wrong.result()
    runs = gears(handle)
    assert {1, 4, 8} >= {size for size in runs if size != 2} >= {8}  # 2: the wrong one
    assert len(runs) < len(asked)
    with pytest.raises(ValueError, match="8"):
        handle.remote({"x": rows(9)}).result()
    with pytest.raises(ValueError, match="z"):
        handle.remote({"z": rows(1)}).result()
    check(handle.remote([rows(4)]).result(), rows(4), 0)


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_every_answer_is_of_its_version(handle: Any, consistency: Any) -> None:
    fleet = ServeFleet("policy")
    first = int(fleet.version or 0) + 1
    stop, found, wrong = threading.Event(), [], []

    def read(seed: int) -> None:
        x = rows(1 + seed % 3, seed)
        try:
            while not stop.is_set():
                begin = perf_counter()
                outputs = handle.remote({"x": x}).result()
                found.append((begin, perf_counter(), outputs.version or 0))
                check(outputs, x, outputs.version)
        except BaseException as error:
            wrong.append(error)

    with ThreadPoolExecutor(4) as pool:
        for seed in range(4):
            pool.submit(read, seed)
        for version in range(first, first + UPDATES):
            report = fleet.update(weights(version), version=version, consistency=consistency)
            assert report.closed == ()
            assert len(report.replicas) == 2
        stop.set()
    assert wrong == []
    assert {version for _, _, version in found} & {*range(first, first + UPDATES)}
    assert consistency == "rolling" or out_of_order(found) == []


def test_what_a_replica_refuses_is_told_as_it_is(handle: Any) -> None:
    fleet = ServeFleet("policy")
    before = fleet.version
    with pytest.raises(FleetUpdateError, match="nothing has changed anywhere") as caught:
        fleet.update({"w": W[:1]})
    assert len(caught.value.reasons) == 2
    with pytest.raises(ValueError, match="consistency"):
        fleet.update(weights(1), consistency="some")  # type: ignore[arg-type]
    assert fleet.version == before
    with pytest.raises(ValueError, match="has joined a fleet 'none'"):
        ServeFleet("none")


def replaced(fleet: ServeFleet, victim: str) -> Callable[[], bool]:
    def reached() -> bool:
        found = fleet.status().replicas
        names = {row.name for row in found if row.state == "idle"}
        return len(names) == len(found) == 2 and victim not in names

    return reached


def test_a_replica_that_was_left_out_is_unhealthy_until_it_has_caught_up(handle: Any) -> None:
    fleet = ServeFleet("policy")
    version = int(fleet.version or 0) + 1
    victim, health = handle.retire.remote().result()
    assert health == f"replica '{victim}' is closed to inference: it is tried"
    fleet.update(weights(version), version=version)
    assert {row.state for row in fleet.status().replicas} == {"idle"}
    for _ in range(8):
        check(handle.remote({"x": rows(2)}).result(), rows(2), version)


def test_a_poisoned_replica_is_replaced_and_never_answers_with_the_old(handle: Any) -> None:
    """Its device runs nothing any more, so it can neither commit nor catch up."""
    fleet = ServeFleet("policy")
    version, x = int(fleet.version or 0) + 1, rows(2)
    fleet.update(weights(version), version=version)
    victim = handle.fail.remote("aclmdlExecute", 0).result()
    report = fleet.update(weights(version + 1), version=version + 1)
    assert report.closed == (victim,)
    state = {row.name: row.state for row in fleet.status().replicas}
    assert state.get(victim, "poisoned") == "poisoned"

    def asked_until() -> bool:
        try:
            check(handle.remote({"x": x}).result(), x, version + 1)
        except (ReplicaClosedError, ray_error()):  # Serve has not seen it yet
            return False
        return done()

    done = replaced(fleet, victim)
    until(asked_until, fleet.status)
    for _ in range(8):
        check(handle.remote({"x": x}).result(), x, version + 1)


def test_a_killed_replica_comes_back_with_the_version(handle: Any) -> None:
    import ray  # noqa: PLC0415

    fleet = ServeFleet("policy")
    version = int(fleet.version or 0) + 1
    fleet.update(weights(version), version=version)
    before = {row.name for row in fleet.status().replicas}
    named = ray.util.list_named_actors(all_namespaces=True)
    victim = min(before)
    actor = next(one for one in named if victim in one["name"])
    ray.kill(ray.get_actor(actor["name"], namespace=actor["namespace"]))

    until(replaced(fleet, victim), fleet.status)
    for row in fleet.status().replicas:
        assert (row.version, row.epoch) == (version, fleet.status().epoch)
    x = rows(3)
    for _ in range(8):
        check(handle.remote({"x": x}).result(), x, version)
    fleet.update(weights(version + 1), version=version + 1)
    check(handle.remote({"x": x}).result(), x, version + 1)


def test_the_coordinator_is_started_again(handle: Any) -> None:
    import ray  # noqa: PLC0415

    fleet = ServeFleet("policy")
    version = int(fleet.version or 0) + 1
    fleet.update(weights(version), version=version)
    ray.kill(fleet._actor, no_restart=False)
    x = rows(3)
    check(handle.remote({"x": x}).result(), x, version)  # replicas go on meanwhile

    def updated() -> bool:
        try:
            report = fleet.update(weights(version + 1), version=version + 1)
        except OSError:  # it is not there yet
            return False
        assert len(report.replicas) == 2
        return True

    until(updated, lambda: "no coordinator")
    for _ in range(8):
        check(handle.remote({"x": x}).result(), x, version + 1)


def test_a_replica_that_is_cut_off_refuses_before_the_others_go_on(
    handle: Any, tmp_path: Path
) -> None:
    """Serve's own requests reach it all the time, and Serve may replace it."""
    fleet = ServeFleet("policy")
    version, x = int(fleet.version or 0) + 1, rows(2)
    fleet.update(weights(version), version=version)
    stop, found, refused = threading.Event(), list[tuple[float, float, int]](), list[str]()
    mended = tmp_path / "mended"
    victim = handle.part.remote(mended).result()

    def read() -> None:
        while not stop.is_set():
            begin = perf_counter()
            try:
                outputs = handle.remote({"x": x}).result()
            except ReplicaClosedError as error:
                refused.append(str(error))
            except ray_error():  # Serve has ended it
                continue
            else:
                found.append((begin, perf_counter(), outputs.version))
                check(outputs, x, outputs.version)

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        report = fleet.update(
            weights(version + 1), version=version + 1, consistency="strict", on_lost="drop"
        )
        assert report.replicas.get(victim, report.replicas[victim]).outcome == "dropped"
        mended.touch()
        until(lambda: {row.state for row in fleet.status().replicas} == {"idle"}, fleet.status)
        until(lambda: found[-1][2] == version + 1, lambda: found[-1])
        stop.set()
        for one in reading:
            one.result()
    assert out_of_order(found) == []
    assert any(victim in one for one in refused)
    fleet.update(weights(version + 2), version=version + 2)
    check(handle.remote({"x": x}).result(), x, version + 2)


def test_the_page_runs(
    handle: Any, serving: Any, geared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands last: the page needs the devices."""
    serving.delete("app")
    shutil.copy(geared, tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    ServeFleet("policy").delete()
    Page("docs/ray_serve.md").run({})
