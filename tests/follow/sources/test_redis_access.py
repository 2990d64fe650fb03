"""Redis behind TLS, with users of few rights: a real server, and certificates made here."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import acl_bundle as ab
from acl_bundle import follow

from .. import policy
from ..conftest import Server, answers, start
from ..following import QUICK, until

KEY = b"0123456789abcdef-of-tests"
READER = (
    "+strlen", "+getrange", "+exists", "+lrange", "+multi", "+exec", "+subscribe",
    "%R~policy:*", "&policy:published",
)  # fmt: skip
PUBLISHER = (
    "+set", "+del", "+ttl", "+exists", "+getrange", "+llen", "+lrange", "+ltrim", "+rpush",
    "+rename", "+persist", "+publish", "+watch", "+unwatch", "+multi", "+exec",
    "~policy:*", "&policy:published",
)  # fmt: skip
OF_DELTAS = ("+hget", "+hset", "+hdel", "+hmget")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def certify(folder: Path) -> None:
    """Make a certificate that signs itself, for 127.0.0.1."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl here; Debian's package openssl has it")
    subprocess.run(
        [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", "server.key", "-out", "server.crt"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[str]:
    """The URL of a server that takes TLS alone; its certificate is in server.crt."""
    certify(tmp_path)
    port = free_port()
    process = start(
        tmp_path, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1",
        "--tls-cert-file", "server.crt", "--tls-key-file", "server.key",
        "--tls-ca-cert-file", "server.crt", "--tls-auth-clients", "no",
    )  # fmt: skip
    url = f"rediss://127.0.0.1:{port}/0"
    trusted = f"{url}?ssl_ca_certs={tmp_path / 'server.crt'}"
    with redis.Redis.from_url(trusted) as client:
        until(lambda: process.poll() is not None or answers(client))
    if process.poll() is not None:
        pytest.skip("this redis-server was built without TLS")
    yield url
    process.kill()
    process.wait()


def test_tls(bundle: ab.Bundle, tls: str, tmp_path: Path) -> None:
    url = f"{tls}?ssl_ca_certs={tmp_path / 'server.crt'}"
    follow.publish_redis(url, policy.weights(1), 1, key="policy", signing_key=KEY)
    source = follow.Redis(url, "policy", poll=0.05)
    with ab.follow(bundle, source, backoff=QUICK, signing_key=KEY) as follower:
        follower.wait_for(1, 10)
        follow.publish_redis(url, policy.weights(2), 2, key="policy", signing_key=KEY)
        follower.wait_for(2, 10)
    assert policy.held(bundle) == 2


def test_tls_of_somebody_who_is_not_trusted(bundle: ab.Bundle, tls: str) -> None:
    with pytest.raises(ConnectionError, match=r"(?i)certificate.verify.failed"):
        follow.publish_redis(tls, policy.weights(1), 1, key="policy")
    with ab.follow(bundle, follow.Redis(tls, "policy"), backoff=QUICK) as follower:
        until(lambda: follower.metrics.errors)
        assert "certificate verify failed" in str(follower.metrics.last_error)


def as_user(server: Server, name: str, rights: tuple[str, ...], password: str = "secret") -> str:
    server.client.execute_command("ACL", "SETUSER", name, "reset", "on", ">secret", *rights)
    return f"unix://{name}:{password}@{server.url.removeprefix('unix://')}"


def test_users_of_the_rights_that_are_needed(bundle: ab.Bundle, server: Server) -> None:
    trainer = as_user(server, "trainer", PUBLISHER)
    reader = as_user(server, "reader", READER)
    source = follow.Redis(reader, "policy", poll=0.05)
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        for version in range(1, 6):
            follow.publish_redis(trainer, policy.weights(version), version, key="policy")
            follower.wait_for(version, 10)
        metrics = follower.metrics
    assert (metrics.applied, metrics.refused, metrics.errors) == (5, 0, 0)


def test_deltas_need_rights_of_their_own(bundle: ab.Bundle, server: Server) -> None:
    trainer = as_user(server, "trainer", (*PUBLISHER, *OF_DELTAS))
    reader = as_user(server, "reader", READER)
    with ab.follow(bundle, follow.Redis(reader, "policy", poll=0.05), backoff=QUICK) as follower:
        for version in range(1, 8):
            base = None if version % 4 == 1 else version - 1
            weights = policy.weights(version)
            follow.publish_redis(trainer, weights, version, key="policy", base=base)
            follower.wait_for(version, 10)
        assert (follower.metrics.applied, follower.metrics.errors) == (7, 0)
    for right in OF_DELTAS[:2]:
        rights = [one for one in (*PUBLISHER, *OF_DELTAS) if one != right]
        trainer = as_user(server, "trainer", tuple(rights))
        with pytest.raises(ConnectionError, match="no permissions"):
            follow.publish_redis(trainer, policy.weights(8), 8, key="policy", base=7)


@pytest.mark.parametrize("right", [one for one in READER if one.startswith("+")])
def test_a_follower_needs_each_right(server: Server, right: str) -> None:
    """None is listed that is not needed: without it something of a follower's is refused."""
    follow.publish_redis(server.url, policy.weights(1), 1, key="policy")
    url = as_user(server, "reader", tuple(one for one in READER if one != right))
    source = follow.Redis(url, "policy")
    with pytest.raises(ConnectionError, match=r"no permissions|EXEC without MULTI"):
        look(source)
    source.close()


def look(source: follow.Redis) -> Any:
    """All that a follower does; `close` sends the message that it wants no more."""
    (listed,) = source.versions()
    assert isinstance(listed, follow.Checkpoint)
    with listed.open():
        pass
    source.wait(0.01, threading.Event())


def test_a_wrong_password_is_told(bundle: ab.Bundle, server: Server) -> None:
    url = as_user(server, "reader", READER, password="wrong")
    with pytest.raises(ConnectionError, match="invalid username-password pair"):
        follow.publish_redis(url, policy.weights(1), 1, key="policy")
    with ab.follow(bundle, follow.Redis(url, "policy"), backoff=QUICK) as follower:
        until(lambda: follower.metrics.errors)
        assert "invalid username-password pair" in str(follower.metrics.last_error)
    assert "wrong" not in str(follower.metrics.last_error)
