"""Redis: a real server that is killed, forgets, goes back in time, and holds odd things."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.errors import WeightsFormatError

from .. import policy
from ..conftest import Server, answers, start
from ..following import QUICK, until

redis = pytest.importorskip("redis")


def following(bundle: ab.Bundle, server: Server, **options: Any) -> follow.Follower:
    options.setdefault("backoff", QUICK)
    return ab.follow(bundle, follow.Redis(server.url, "policy", poll=0.1), **options)


def publish(server: Server, version: int, **options: Any) -> None:
    weights = policy.weights(version)
    follow.publish_redis(server.url, weights, version, key="policy", **options)


def test_each_version_is_applied(bundle: ab.Bundle, server: Server) -> None:
    versions: list[Any] = []
    publish(server, 1)
    with following(bundle, server, on_applied=lambda r: versions.append(r.version)) as follower:
        follower.wait_for(1, 10)
        for version in (2, 3, 40):
            publish(server, version, keep=4)
        follower.wait_for(40, 10)
        until(lambda: len(versions) == 4)
        metrics = follower.metrics
    assert versions == [1, 2, 3, 40]
    assert policy.held(bundle) == 40
    assert metrics.errors == 0
    assert metrics.lag is not None
    assert 0 <= metrics.lag < 10


@pytest.mark.timed
def test_a_message_comes_long_before_the_poll(bundle: ab.Bundle, server: Server) -> None:
    with ab.follow(bundle, follow.Redis(server.url, "policy", poll=1000)) as follower:
        time.sleep(0.3)
        publish(server, 1)
        follower.wait_for(1, 10)


@pytest.mark.timed
def test_messages_come_after_a_restart_as_well(bundle: ab.Bundle, server: Server) -> None:
    source = follow.Redis(server.url, "policy", poll=1000)
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        time.sleep(0.3)
        server.kill()
        until(lambda: follower.metrics.errors >= 1)
        server.start()
        time.sleep(0.5)
        publish(server, 1)
        follower.wait_for(1, 10)


def test_the_plain_protocol_needs_no_list_and_no_message(bundle: ab.Bundle, server: Server) -> None:
    """A trainer in any language: SET the value, SET the version."""
    with following(bundle, server) as follower:
        server.client.set("policy:weights:step-7", files.to_bytes(policy.weights(7)))
        server.client.set("policy:version", "step-7\n")  # as redis-cli -x does
        follower.wait_for("step-7", 10)
    assert policy.held(bundle) == bundle.version == 7


@pytest.mark.timed
def test_a_restart_that_forgets_everything(bundle: ab.Bundle, server: Server) -> None:
    versions: list[Any] = []
    publish(server, 1)
    with following(bundle, server, on_applied=lambda r: versions.append(r.version)) as follower:
        follower.wait_for(1, 10)
        server.kill()
        until(lambda: follower.metrics.errors >= 2)
        assert isinstance(follower.metrics.last_error, ConnectionError)
        assert "Redis, key 'policy'" in str(follower.metrics.last_error)
        server.start()
        time.sleep(0.3)
        assert follower.running
        publish(server, 2)
        follower.wait_for(2, 10)
        server.kill()
        server.start()
        publish(server, 3)
        follower.wait_for(3, 10)
        until(lambda: len(versions) == 3)
    assert versions == [1, 2, 3]


def test_a_restart_that_goes_back_in_time_repeats_nothing(
    bundle: ab.Bundle, server: Server
) -> None:
    """The server comes back with the state it saved two versions ago."""
    publish(server, 1, keep=4)
    server.client.save()
    versions: list[Any] = []
    with following(bundle, server, on_applied=lambda r: versions.append(r.version)) as follower:
        follower.wait_for(1, 10)
        publish(server, 2, keep=4)
        publish(server, 3, keep=4)
        follower.wait_for(3, 10)
        server.kill()
        server.start()
        assert server.client.get("policy:version") == b"1"
        until(lambda: "older than what was followed" in str(follower.metrics.last_error))
        publish(server, 4)
        follower.wait_for(4, 10)
        until(lambda: len(versions) == 4)
    assert versions == [1, 2, 3, 4]


def test_a_server_that_comes_later(bundle: ab.Bundle, server: Server) -> None:
    server.kill()
    with following(bundle, server) as follower:
        until(lambda: follower.metrics.errors >= 2)
        server.start()
        publish(server, 1)
        follower.wait_for(1, 10)


def test_a_value_that_is_missing_or_torn_waits(bundle: ab.Bundle, server: Server) -> None:
    whole = files.to_bytes(policy.weights(3))
    server.client.set("policy:version", 3)
    with following(bundle, server) as follower:
        until(lambda: follower.metrics.errors >= 1)
        assert "no value under 'policy:weights:3'" in str(follower.metrics.last_error)
        server.client.set("policy:weights:3", whole[:-1])
        until(lambda: isinstance(follower.metrics.last_error, WeightsFormatError))
        assert "Redis, key 'policy:weights:3'" in str(follower.metrics.last_error)
        server.client.set("policy:weights:3", whole)
        follower.wait_for(3, 10)
    assert policy.held(bundle) == 3


@pytest.mark.parametrize("text", [b"", b"best", b"\xff\xfe"])
def test_a_version_without_a_number(bundle: ab.Bundle, server: Server, text: bytes) -> None:
    server.client.set("policy:version", text)
    with following(bundle, server) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert "no number to be ordered by" in str(follower.metrics.last_error)
        server.client.delete("policy:version")
        publish(server, 1)
        follower.wait_for(1, 10)


def test_a_list_with_what_is_no_version_or_older_names_of_the_newest(
    bundle: ab.Bundle, server: Server
) -> None:
    publish(server, 1)
    server.client.rpush("policy:versions", "junk", b"\xff", "step-2", "02", "9")
    versions: list[Any] = []
    with following(
        bundle, server, after=1, on_applied=lambda r: versions.append(r.version)
    ) as follower:
        server.client.set("policy:weights:2", files.to_bytes(policy.weights(2)))
        server.client.set("policy:version", "2")
        follower.wait_for(2, 10)
        until(lambda: versions)
        metrics = follower.metrics
    assert versions == [2]
    assert (metrics.seen, metrics.errors) == (1, 0)


def test_a_key_of_another_kind(bundle: ab.Bundle, server: Server) -> None:
    server.client.rpush("policy:version", 1)
    with following(bundle, server) as follower:
        until(lambda: follower.metrics.errors >= 1)
        assert "WRONGTYPE" in str(follower.metrics.last_error)


def test_a_version_that_the_bundle_refuses(bundle: ab.Bundle, server: Server) -> None:
    with following(bundle, server) as follower:
        wrong = {"w": np.zeros(3, np.float32)}
        follow.publish_redis(server.client, wrong, 1, key="policy")
        with pytest.raises(ab.WeightError):
            follower.wait_for(1, 10)
        publish(server, 2)
        follower.wait_for(2, 10)
        assert follower.metrics.refused == 1


def test_a_client_stays_the_callers(bundle: ab.Bundle, server: Server) -> None:
    source = follow.Redis(server.client, "policy")
    for version in (1, 2):  # a source can be used again
        with ab.follow(bundle, source, backoff=QUICK) as follower:
            follow.publish_redis(server.client, policy.weights(version), version, key="policy")
            follower.wait_for(version, 10)
    assert server.client.ping()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    """A cluster of one node, which needs a port; and its bus one more, ten thousand above."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] % 2000 + 20000
    process = start(tmp_path, "--port", str(port), "--cluster-enabled", "yes")
    node = redis.Redis(port=port)
    until(lambda: answers(node))
    node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    until(lambda: node.cluster("INFO")["cluster_state"] == "ok")
    client = redis.RedisCluster(host="127.0.0.1", port=port)
    yield client
    client.close()
    node.close()
    process.kill()
    process.wait()


def test_a_cluster_takes_a_key_in_braces(bundle: ab.Bundle, cluster: Any) -> None:
    source = follow.Redis(cluster, "{policy}", poll=1000)
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        for version in (1, 2, 3):
            follow.publish_redis(cluster, policy.weights(version), version, key="{policy}")
            follower.wait_for(version, 10)
    with pytest.raises(ConnectionError, match="Redis, key 'policy'"):
        follow.publish_redis(cluster, policy.weights(1), 1, key="policy")


def test_publishing_keeps_the_last_and_forgets_the_rest(server: Server) -> None:
    for version in range(1, 6):
        publish(server, version, keep=2)
    kept = sorted(server.client.keys("policy:*"))
    assert kept == [b"policy:version", b"policy:versions", b"policy:weights:4", b"policy:weights:5"]
    assert server.client.lrange("policy:versions", 0, -1) == [b"4", b"5"]
    assert server.client.ttl("policy:weights:5") == -1


def test_a_version_is_published_once(server: Server) -> None:
    publish(server, 5)
    for version in (5, 4):
        with pytest.raises(ValueError, match=f"version {version} is not newer than 5"):
            publish(server, version)
    assert server.client.get("policy:version") == b"5"


def test_another_publisher_in_between_is_noticed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis.client import Pipeline  # noqa: PLC0415

    multi = Pipeline.multi

    def slow(self: Any) -> None:
        server.client.set("policy:version", 9)
        multi(self)

    monkeypatch.setattr(Pipeline, "multi", slow)
    with pytest.raises(ab.BusyError, match="another publisher changed 'policy:version'"):
        publish(server, 5)
    assert server.client.get("policy:version") == b"9"
    assert server.client.keys("policy:*") == [b"policy:version"], "nothing is left behind"


def test_arguments_that_cannot_be(server: Server) -> None:
    decoding = redis.Redis.from_url(server.url, decode_responses=True)
    with pytest.raises(ValueError, match="leave it out"):
        follow.Redis(decoding)
    with pytest.raises(ValueError, match="leave it out"):
        follow.Redis(f"{server.url}?decode_responses=True")
    for given in (3, redis.asyncio.Redis.from_url(server.url)):
        with pytest.raises(TypeError, match=r"server is .*; a URL .* or a client that blocks"):
            follow.Redis(given)
    with pytest.raises(ValueError, match="key is empty"):
        follow.Redis(server.url, "")
    with pytest.raises(TypeError, match="key is text"):
        follow.Redis(server.url, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="poll is -1"):
        follow.Redis(server.url, poll=-1)
    with pytest.raises(ValueError, match="at least 2 is right"):
        publish(server, 1, keep=1)
    with pytest.raises(TypeError, match="version is an int, not"):
        publish(server, "1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 or more is right"):
        publish(server, -1)
    decoding.close()


def test_passwords_are_not_told() -> None:
    source = follow.Redis("redis://user:secret@127.0.0.1:1/0")
    with pytest.raises(ConnectionError) as caught:
        source.versions()
    source.close()
    assert "secret" not in f"{caught.value} {source!r}"


def test_without_redis_py_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['redis'] = None\n"
        "from acl_bundle import follow\n"
        "follow.Redis('redis://127.0.0.1')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "UnsupportedError: a Redis source needs redis" in done.stderr
    assert "from a checkout, pip install '.[follow]'" in done.stderr
