"""A fleet behind the protocol: posts reach every replica or none, and a closed one is passed by."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

import acl_bundle as ab
from acl_bundle import follow, weights
from acl_bundle.fleet import Fleet, MemoryRecord
from acl_bundle.server import ServedFleet, ServerLimits, post_weights
from acl_bundle.testing import FakeAcl

from .conftest import TOKEN, Start, array_of, ask, numbers, until
from .test_strangers import connect, given, member

VERSIONS, THREADS = 300, 8
INFER = "/v2/models/mlp/infer"


@pytest.fixture
def served(mlp: Any, fake_acl: FakeAcl) -> Any:
    with Fleet.local(mlp.path, devices=[0, 0]) as fleet:
        yield ServedFleet(fleet)


class Unanswered(MemoryRecord):
    """A record that decides, and whose answers are lost.

    Attributes:
        calls: How many are lost.
    """

    calls = 0

    def _lost(self) -> None:
        if self.calls:
            self.calls -= 1
            raise OSError("no route to host")

    def decide(self, epoch: int, version: int | str) -> None:
        super().decide(epoch, version)
        self._lost()

    def resolve(self, epoch: int) -> Any:
        self._lost()
        return super().resolve(epoch)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_post_that_failed_when_it_was_decided_is_the_last_one(
    mlp: Any, start: Start, fake_acl: FakeAcl, lost: int
) -> None:
    """1 answer is lost: it is finished, and an error; 2: it is not known. None before it comes."""
    record, owner = Unanswered(), {"Authorization": f"Bearer {TOKEN}"}

    def status(version: int) -> int:
        body, url = weights.to_bytes(mlp.random(version)), "/v2/models/mlp/weights?version="
        return ask(server.port, "POST", f"{url}{version}", body, owner).status

    with Fleet.local(mlp.path, devices=[0], record=record) as fleet:
        server = start(ServedFleet(fleet), token=TOKEN)
        record.calls = lost
        assert status(5) >= 500
        assert status(4) == 409
        assert status(5) == 409  # it is in force
        assert fleet.version == 5
        assert status(6) == 200


def test_it_has_the_doors_of_a_bundle(mlp: Any, served: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        graph = bundle.infer
        assert (served.inputs, served.outputs) == (graph.inputs, graph.outputs)
        assert served.batches == graph.batches
        assert served.weights.keys() == bundle.weights.keys()
    with pytest.raises(ValueError, match="consistency is 'eventual'; 'rolling' or 'strict'"):
        ServedFleet(served._fleet, consistency="eventual")


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
@pytest.mark.parametrize("library", [tritonclient.http, tritonclient.grpc])
def test_each_answer_is_of_the_version_that_it_names(
    library: Any, mlp: Any, start: Start, fake_acl: FakeAcl, consistency: Any
) -> None:
    """Eight clients, two replicas: y is 3 columns of b2, which is the version's number."""
    zero = {name: np.zeros_like(value) for name, value in mlp.weights.items()}
    seen: set[str] = set()
    with Fleet.local(mlp.path, devices=[0, 0]) as fleet:
        fleet.update(zero, version=1)
        served = ServedFleet(fleet, consistency=consistency)
        server, done = start(served, limits=ServerLimits(workers=2)), threading.Event()

        def infer(_: int) -> int:
            count, last = 0, 0
            with connect(library, server) as client:
                inputs = given(library, mlp.x)
                while not done.is_set() or not count:
                    answer = client.infer("mlp", inputs)
                    version = member(answer.get_response(), "model_version")
                    number = 0 if version == "1" else int(version)
                    assert (answer.as_numpy("y") == np.float32(number)).all()
                    if consistency == "strict":
                        assert number >= last
                    seen.add(version)
                    count, last = count + 1, number
            return count

        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(infer, at) for at in range(THREADS)]
            try:
                for version in range(2, VERSIONS + 2):
                    served.update({"b2": np.full(3, version, np.float32)}, version=version)
            finally:
                done.set()
            assert all(one.result() for one in running)
        assert len(seen) > 1
        runs = [one.runs for one in served.replicas]
        assert min(runs) > 0
        text = server.metrics()
        for one, count in zip(served.replicas, runs, strict=True):
            labels = f'{{model="mlp",replica="{one.name}"}}'
            assert f"acl_bundle_replica_open{labels} 1.0" in text
            assert f"acl_bundle_replica_load{labels} 0.0" in text
            assert f"acl_bundle_replica_runs_total{labels} {float(count)}" in text


def test_a_fleet_follows(mlp: Any, tmp_path: Path, start: Start, served: Any) -> None:
    """A version that does not fit is refused once, and the next one is applied at each replica."""
    server = start(served, sources={"mlp": follow.Directory(tmp_path)})
    follow.publish_directory(tmp_path, mlp.random(1), 1)
    until(lambda: served.version == 1)
    follow.publish_directory(tmp_path, {"w1": np.zeros(2, np.float32)}, 2)
    refused = 'acl_bundle_versions_total{model="mlp",outcome="refused"} 1.0'
    until(lambda: refused in server.metrics())
    follow.publish_directory(tmp_path, mlp.random(3), 3)
    until(lambda: served.version == 3)
    assert {one.version for one in served._fleet.status().replicas} == {3}
    found = array_of(ask(server.port, "POST", INFER, numbers(mlp.x)))
    np.testing.assert_allclose(found, mlp.answer(mlp.random(3)), rtol=1e-4, atol=1e-5)


def test_a_followed_fleet_tries_again_when_a_device_fails(
    mlp: Any, tmp_path: Path, start: Start, served: Any, fake_acl: FakeAcl
) -> None:
    server = start(
        served, sources={"mlp": follow.Directory(tmp_path)},
        follow_options={"backoff": follow.Backoff(0.01, 0.05)},
    )  # fmt: skip
    follow.publish_directory(tmp_path, mlp.random(1), 1)
    until(lambda: served.version == 1)
    fake_acl.fail("aclrtMemcpy", 1, 507011)
    fake_acl.fail("aclrtMemcpyAsync", 1, 507011)
    follow.publish_directory(tmp_path, mlp.random(2), 2)
    until(lambda: served.version == 2)
    assert 'acl_bundle_versions_total{model="mlp",outcome="refused"} 0.0' in server.metrics()


def test_a_post_reaches_every_replica(mlp: Any, start: Start, served: Any) -> None:
    server = start(served, token=TOKEN, limits=ServerLimits(workers=2))
    post_weights(f"http://127.0.0.1:{server.port}", mlp.random(7), 7, model="mlp", token=TOKEN)
    with ThreadPoolExecutor(4) as pool:
        replies = list(
            pool.map(lambda _: ask(server.port, "POST", INFER, numbers(mlp.x)), range(16))
        )
    for reply in replies:
        assert reply.json["model_version"] == "7"
        np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(7)), rtol=1e-4, atol=1e-5)


def test_weights_that_do_not_fit_change_nothing(mlp: Any, start: Start, served: Any) -> None:
    server = start(served, token=TOKEN)
    before = served.version
    with pytest.raises(ab.UpdateError, match="w1"):
        post_weights(
            f"http://127.0.0.1:{server.port}", {"w1": np.zeros(2, np.float32)}, 7,
            model="mlp", token=TOKEN,
        )  # fmt: skip
    assert served.version == before
    assert ask(server.port, "POST", INFER, numbers(mlp.x)).json["model_version"] == str(before)


def test_a_request_that_does_not_fit(mlp: Any, start: Start, served: Any) -> None:
    server = start(served)
    reply = ask(server.port, "POST", INFER, numbers(mlp.x[:3]))
    assert (reply.status, "x" in reply.error) == (400, True), reply


def test_it_is_ready_while_a_replica_infers(mlp: Any, start: Start, served: Any) -> None:
    server = start(served)
    for one in served._fleet._members:
        assert server.ready
        one.close("for a test")
    assert not server.ready
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, "for a test" in reply.error) == (503, True)
    served._fleet.catch_up()
    assert server.ready
    served._fleet.close()
    assert not server.ready


def test_what_a_post_is_told(mlp: Any, start: Start, served: Any) -> None:
    """The client's mistakes are the client's: no 500."""
    server = start(served, token=TOKEN)
    url, body = f"http://127.0.0.1:{server.port}", {"w1": np.zeros(2, np.float32)}
    with pytest.raises(ab.UpdateError, match=r"(?s)\(400\).*w1"):
        post_weights(url, body, 7, model="mlp", token=TOKEN)
    served._fleet.update(mlp.random(7), version=7)
    with pytest.raises(ab.VersionExistsError, match="in force already"):
        post_weights(url, mlp.random(7), 7, model="mlp", token=TOKEN)
