"""How a server begins and ends: ports, arguments, drains, a follower that dies."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import build, follow
from acl_bundle.server import Server, ServerLimits
from acl_bundle.testing import FakeAcl

from .conftest import TOKEN, Start, ask, numbers, until, waiting

QUICK = follow.Backoff(0.01, 0.05)
INFER = "/v2/models/mlp/infer"


def test_a_drain_lets_answers_end(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle)
    with ThreadPoolExecutor(3) as pool:
        with bundle.hold(60_000):
            asked = [pool.submit(ask, server.port, "POST", INFER, numbers(mlp.x)) for _ in "ab"]
            waiting(server.port, 1)
            draining = pool.submit(server.drain)
            until(lambda: server.draining)
            assert ask(server.port, "GET", "/v2/health/live").status == 200
            assert ask(server.port, "GET", "/v2/health/ready").status == 503
            refused = ask(server.port, "POST", INFER, numbers(mlp.x))
            assert (refused.status, "the server ends" in refused.error) == (503, True)
        assert [one.result().status for one in asked] == [200, 200]
        assert draining.result()
    server.close()
    assert not server.running
    with pytest.raises(ConnectionRefusedError):
        ask(server.port, "GET", "/v2/health/live")
    assert bundle.infer(mlp.x).shape == (4, 3)  # it stays its owner's


def test_a_drain_has_a_limit(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle, limits=ServerLimits(drain=0.2))
    with ThreadPoolExecutor(2) as pool, bundle.hold(60_000):
        asked = [pool.submit(ask, server.port, "POST", INFER, numbers(mlp.x)) for _ in "ab"]
        waiting(server.port, 1)
        with pytest.warns(ResourceWarning, match="a run of this Server has not ended"):
            server.close()
        assert server.stuck
        for one in asked:
            assert (one.result().status, "the server ends" in one.result().error) == (503, True)


@pytest.mark.parametrize("which", ["port", "grpc_port"])
def test_a_port_that_is_taken(bundle: ab.Bundle, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1 port {taken}") as told:
            Server({"mlp": bundle}, **{"port": 0, "grpc_port": 0, which: taken})
    assert told.value.errno == errno.EADDRINUSE


def test_a_model_that_cannot_be_loaded(tmp_path: Path, fake_acl: FakeAcl) -> None:
    (tmp_path / "x.om").write_bytes(b"x")
    with pytest.raises(ab.BundleFormatError):
        Server({"x": lambda: ab.Bundle.load(tmp_path / "x.om")}, port=0)
    assert not [one for one in threading.enumerate() if one.name.startswith("acl_bundle.server")]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"models": {}}, ValueError, "models is empty"),
        ({"models": {"a/b": None}}, ValueError, "a model's name is 'a/b'"),
        ({"models": {"a": 7}}, TypeError, "a model is 7; a Bundle, a Pair"),
        ({"token": "short"}, ValueError, "at least 16 characters"),
        ({"signing_key": b"short"}, ValueError, "16 or more are right"),
        ({"sources": {"b": None}}, ValueError, "sources name 'b', which is no model"),
        ({"limits": {"queue": 0}}, ValueError, "queue is 0"),
        ({"limits": {"queue": 1.5}}, TypeError, "queue is 1.5"),
        ({"limits": {"request": 0}}, ValueError, "request is 0 seconds"),
        ({"limits": {"batch_delay": -1}}, ValueError, "batch_delay is -1"),
        ({"limits": {"drain": "30"}}, TypeError, "drain is '30'"),
    ],
)
def test_arguments_that_cannot_be(
    bundle: ab.Bundle, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    given: dict[str, Any] = {"models": {"mlp": bundle}, "port": 0, **options}

    def make() -> Server:
        if "limits" in given:
            given["limits"] = ServerLimits(**given["limits"])
        return Server(given.pop("models"), **given)

    with pytest.raises(error, match=message):
        make()


def test_a_source_that_fails_is_tried_again(
    mlp: Any, tmp_path: Path, start: Start, bundle: ab.Bundle
) -> None:
    class Broken(follow.Directory):
        broken = False

        def versions(self) -> Any:
            if self.broken:
                raise OSError("the disk is away")
            return super().versions()

    source = Broken(tmp_path)
    server = start(bundle, sources={"mlp": source}, follow_options={"backoff": QUICK})
    follow.publish_directory(tmp_path, mlp.random(1), 1)
    until(lambda: bundle.version == 1)
    source.broken = True
    follow.publish_directory(tmp_path, mlp.random(2), 2)
    until(
        lambda: 'acl_bundle_versions_total{model="mlp",outcome="errors"} 0' not in server.metrics()
    )
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, reply.json["model_version"]) == (200, "1")
    assert 'acl_bundle_following{model="mlp"} 1.0' in server.metrics()
    source.broken = False
    until(lambda: bundle.version == 2)
    applied = 'acl_bundle_versions_total{model="mlp",outcome="applied"} 2.0'
    until(lambda: applied in server.metrics())  # it is counted behind the commit


def test_a_bundle_that_is_closed_beside_the_server(
    mlp: Any, tmp_path: Path, start: Start, bundle: ab.Bundle
) -> None:
    server = start(bundle, sources={"mlp": follow.Directory(tmp_path)})
    bundle.close()
    until(lambda: 'acl_bundle_following{model="mlp"} 0.0' in server.metrics())
    assert ask(server.port, "GET", "/v2/health/ready").status == 503
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, "closed" in reply.error) == (503, True)


def test_weights_that_have_no_values_yet(mlp: Any, tmp_path: Path, start: Start) -> None:
    with ab.Bundle.load(mlp.path) as model:  # nobody calls init
        server = start(model, sources={"mlp": follow.Directory(tmp_path)})
        assert ask(server.port, "GET", "/v2/health/ready").status == 503
        reply = ask(server.port, "POST", INFER, numbers(mlp.x))
        assert (reply.status, "the first version has not come" in reply.error) == (503, True)
        follow.publish_directory(tmp_path, mlp.random(1), 1)
        until(lambda: server.ready)
        reply = ask(server.port, "POST", INFER, numbers(mlp.x))
        assert (reply.status, reply.json["model_version"]) == (200, "1")


def test_a_plain_model_has_no_version(mlp: Any, tmp_path: Path, start: Start) -> None:
    build.model(mlp.onnx).save(tmp_path / "plain.om")
    with ab.Bundle.load(tmp_path / "plain.om") as model:
        server = start(model)
        assert ask(server.port, "GET", "/v2/health/ready").status == 200
        reply = ask(server.port, "POST", INFER, numbers(mlp.x))
        assert (reply.status, reply.json["model_version"]) == (200, "")


def test_an_unload_that_does_not_end(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle, token=TOKEN, limits=ServerLimits(request=2.0))
    owner = {"Authorization": f"Bearer {TOKEN}"}
    paths = {one: f"/v2/repository/models/mlp/{one}" for one in ("load", "unload")}
    with ThreadPoolExecutor(2) as pool:
        with bundle.hold(60_000):
            asked = [pool.submit(ask, server.port, "POST", INFER, numbers(mlp.x)) for _ in "ab"]
            waiting(server.port, 1)
            reply = ask(server.port, "POST", paths["unload"], headers=owner)
            assert (reply.status, "a run has not ended yet" in reply.error) == (504, True)
            assert all(one.result().status in (503, 504) for one in asked)
            reply = ask(server.port, "POST", paths["load"], headers=owner)
            assert (reply.status, "unload it again" in reply.error) == (503, True)
        until(lambda: ask(server.port, "POST", paths["unload"], headers=owner).status == 200)
        assert ask(server.port, "POST", paths["load"], headers=owner).status == 200
    until(lambda: ask(server.port, "POST", INFER, numbers(mlp.x)).status == 200)


def test_it_ends_when_a_model_cannot_be_given_back(mlp: Any, fake_acl: FakeAcl) -> None:
    @contextmanager
    def load() -> Iterator[Any]:
        with ab.Bundle.load(mlp.path) as loaded:
            yield loaded
        raise RuntimeError("a lock cannot be given back")

    server = Server({"first": load, "second": load}, port=0)
    with pytest.raises(RuntimeError, match="a lock"):
        server.close()
    assert not server.running
    assert [model.state for model in server._models.values()] == ["UNAVAILABLE"] * 2
    server.close()


def test_a_load_that_comes_too_late(mlp: Any, fake_acl: FakeAcl) -> None:
    """A client's load waits for a thread, and the server is closed first."""
    server = Server({"mlp": lambda: ab.Bundle.load(mlp.path)}, port=0)
    server.close()
    with pytest.raises(ab.ClosedError, match="its server ends"):
        server._models["mlp"].load()


def test_one_connection_is_served(start: Start, mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as loaded:
        server = start(loaded, limits=ServerLimits(connections=1))
        assert ask(server.port, "GET", "/v2/health/live").status == 200
