"""A bundle to keep up to date, a Redis server, and a trainer's process."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab

from . import policy, s3

redis = pytest.importorskip("redis", reason="redis-py is not installed")


@pytest.fixture(scope="session")
def policy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return policy.save(tmp_path_factory.mktemp("policy") / "policy.om")


@pytest.fixture
def bundle(policy_file: Path, fake_acl: object) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(policy_file) as loaded:
        loaded.init()
        yield loaded


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start a redis-server in a folder; it saves nothing by itself."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here; Debian's package redis-server has it")
    command = [program, *options, "--save", ""]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def answers(client: Any) -> bool:
    """Say whether a server is up."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


class Server:
    """A redis-server on a socket in a folder; it can be ended and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/redis.sock"
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = start(self._folder, "--port", "0", "--unixsocket", "redis.sock")
        for _ in range(500):
            if answers(self.client):
                return
            time.sleep(0.01)
        pytest.fail("redis-server does not answer")

    def kill(self) -> None:
        """End it as a loss of power would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.client.close()
        self.kill()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("redis"))
    yield started
    started.close()


class Trainers:
    """Processes that publish as fast as they can, forked by one that has imported all."""

    def __init__(self, how: str, place: str) -> None:
        self._nursery = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("trainer.py")), how, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> int:
        """Start one, when the last has ended, and return its process id."""
        stdin, stdout = self._nursery.stdin, self._nursery.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        self._nursery.send_signal(signal.SIGTERM)
        self._nursery.communicate()


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    pytest.importorskip("moto", reason="moto, an S3 in a process, is not installed")
    pytest.importorskip("obstore", reason="obstore is not installed")
    with s3.serving() as port:
        yield port


@pytest.fixture
def bucket(s3_port: int) -> s3.Bucket:
    return s3.Bucket(s3_port)
