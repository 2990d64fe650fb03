"""A policy that serves while a trainer, in another process, keeps giving it new weights.

The trainer publishes ten versions as key-value pairs, in a directory or in
Redis. The policy is loaded once, follows the trainer, and infers twenty times
with each version; each answer tells the version that computed it and is compared
with the same arithmetic on the host. Then it is unloaded.

Runs on the fake AscendCL:

    python examples/online_policy.py
    python examples/online_policy.py --source redis [--url redis://host:6379/0]

Without --url it starts a redis-server of its own.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import fake, follow

Array = NDArray[Any]
UPDATES, INFERENCES = 10, 20
SHAPES = {"w1": (32, 64), "b1": (64,), "w2": (64, 4), "b2": (4,)}
LEARNING = 0.1  # seconds that the trainer takes for a version


def weights_of(version: int) -> dict[str, Array]:
    """What the trainer has learnt by a version: both processes can tell, to compare."""
    rng = np.random.default_rng(version)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


def act(x: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> dict[str, Array]:
    """The model. A function stands for a compiled graph, as the fake allows."""
    return {"action": np.tanh(x @ w1 + b1) @ w2 + b2}


class TestPolicy:
    """The policy: loaded once, kept up to date, asked for actions."""

    def __init__(self, file: Path, source: follow.Source) -> None:
        self.applied: queue.Queue[ab.UpdateReport] = queue.Queue()
        self._bundle = ab.Bundle.load(file)
        self._bundle.init()
        self._follower = follow.Follower(
            self._bundle, source, after=0, on_applied=self.applied.put, on_error=print
        )

    @property
    def lag_ms(self) -> float:
        """Milliseconds from the last version's publication to its application."""
        return 1e3 * (self._follower.metrics.lag or 0)

    def infer(self, x: Array) -> Array:
        """Return the actions for some observations, having compared them with the host's."""
        out = self._bundle.infer.run({"x": x})
        assert isinstance(out.version, int)
        expected = act(x, **weights_of(out.version))["action"]
        np.testing.assert_allclose(out["action"], expected, rtol=1e-4, atol=1e-5)
        return out["action"]

    def unload(self) -> follow.Metrics:
        """Stop following and give everything back."""
        self._follower.close()
        self._bundle.close()
        return self._follower.metrics


def train(source: str, place: str, key: str) -> None:
    """The trainer's process: learn a little, publish, ten times."""
    for version in range(1, UPDATES + 1):
        time.sleep(LEARNING)
        weights = weights_of(version)
        if source == "redis":
            follow.publish_redis(place, weights, version, key=key, keep=UPDATES)
        else:
            follow.publish_directory(place, weights, version, keep=UPDATES)


def serve(policy: TestPolicy) -> None:
    """The policy's process: twenty inferences with each version that comes."""
    x = np.random.default_rng(0).standard_normal((8, 32)).astype(np.float32)
    print("version  update ms  lag ms  inference ms")
    for _ in range(UPDATES):
        report = policy.applied.get(timeout=30)
        lag, start = policy.lag_ms, time.perf_counter()
        for _ in range(INFERENCES):
            policy.infer(x)
        infer_ms = (time.perf_counter() - start) / INFERENCES * 1e3
        update_ms = sum(report.seconds.values()) * 1e3
        print(f"{report.version:>7}  {update_ms:9.2f}  {lag:6.1f}  {infer_ms:12.3f}")


@contextmanager
def a_redis(folder: str) -> Iterator[str]:
    """Run a Redis server for as long as the block, and yield its URL."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("no redis-server here; install it (Debian: redis-server), or give --url")
    socket = Path(folder, "redis.sock")
    command = [program, "--port", "0", "--unixsocket", socket, "--save", ""]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield f"unix://{socket}"  # the follower tries again until the server is there
    finally:
        process.terminate()
        process.wait()


def wait_until_up(url: str) -> None:
    """Wait until a Redis server answers."""
    source = follow.Redis(url)
    for _ in range(100):
        try:
            source.versions()
        except OSError:
            time.sleep(0.05)
        else:
            break
    source.close()


@contextmanager
def a_place(arguments: argparse.Namespace, folder: str) -> Iterator[tuple[str, follow.Source]]:
    """Yield where the two meet, for the trainer, and as the policy's source."""
    if arguments.source == "directory":
        checkpoints = Path(folder, "checkpoints")
        checkpoints.mkdir()
        yield str(checkpoints), follow.Directory(checkpoints)
    elif arguments.url is not None:
        yield arguments.url, follow.Redis(arguments.url, arguments.key)
    else:
        with a_redis(folder) as url:
            wait_until_up(url)
            yield url, follow.Redis(url, arguments.key)


def main(arguments: argparse.Namespace) -> None:
    """Run both processes."""
    if arguments.train is not None:
        train(arguments.source, arguments.train, arguments.key)
        return
    fake.activate()
    with TemporaryDirectory() as folder, a_place(arguments, folder) as (place, source):
        file = Path(folder, "policy.om")
        inputs = {"x": np.zeros((8, 32), np.float32)}
        fake.from_function(act, inputs=inputs, weights=weights_of(0)).save(file)
        policy = TestPolicy(file, source)
        where = ["--source", arguments.source, "--key", arguments.key]
        trainer = subprocess.Popen([sys.executable, __file__, *where, "--train", place])
        try:
            serve(policy)
        finally:
            metrics = policy.unload()
            trainer.kill()
            trainer.wait()
    print(f"{metrics.applied} applied, {metrics.refused} refused, {metrics.errors} errors")
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A policy that follows a trainer.")
    parser.add_argument("--source", choices=("directory", "redis"), default="directory")
    parser.add_argument("--url", help="a Redis server; without it one is started")
    parser.add_argument("--key", default=f"policy-{os.getpid()}", help="of that server")
    parser.add_argument("--train", metavar="PLACE", help="be the trainer")
    main(parser.parse_args())
