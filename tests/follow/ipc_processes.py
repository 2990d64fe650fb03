"""A trainer and a consumer of shared device memory, each in a process of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from acl_bundle import fake, follow
from acl_bundle._ipc.blocks import process_number
from acl_bundle.follow._sources import ipc_redis

from . import policy


class Forks:
    """A process that can have children, and takes others for dead after some time."""

    def lease(self, seconds: float) -> None:
        """After how long by way of Redis."""
        ipc_redis.LEASE = seconds

    def fork(self) -> int:
        """Fork a child that lives until it is killed, as workers of a data loader do."""
        child = os.fork()
        if child == 0:
            time.sleep(1000)
            os._exit(0)
        return child

    def run_another(self) -> int:
        """Start a program that gets all descriptors that can be inherited."""
        return subprocess.Popen(["sleep", "1000"], close_fds=False).pid


class Trainer(Forks):
    """Publishes the policy's versions."""

    publisher: follow.IpcPublisher

    def begin(
        self, address: str, weights: dict[str, Any] | None = None, key: str | None = None
    ) -> None:
        """Make the publisher."""
        self.publisher = follow.publish_ipc(address, weights or policy.weights(0), key=key)

    def publish(self, version: int, *, value: int | None = None, **options: Any) -> follow.Answers:
        """Publish a version, whose weights are those of a number."""
        weights = policy.weights(version if value is None else value)
        return self.publisher.publish(version, weights, **{"timeout": 30.0} | options)

    def publish_own(self, version: int, **options: Any) -> follow.Answers:
        """Publish what is in the places."""
        return self.publisher.publish(version, **{"timeout": 30.0} | options)

    def publish_while_asked(self, version: int) -> None:
        """Publish to whoever connects, and wait for no answer."""
        with suppress(TimeoutError):
            self.publish(version, timeout=1.0)

    def lend_for_ever(self, version: int) -> None:
        """Publish, and be there until killed."""
        self.publish(version, timeout=1000.0)

    def publish_on_and_on(self) -> None:
        """Publish one version after the other until killed."""
        for version in range(1, 1_000_000):
            self.publish(version, consumers=0)

    def manifest(self, *allowed: int) -> str:
        """The last version's, for processes that do not follow."""
        for one in allowed:
            self.publisher.allow(one)
        assert self.publisher.manifest is not None
        return self.publisher.manifest

    def end(self) -> None:
        """Close the publisher."""
        self.publisher.close()

    def left(self) -> tuple[list[Any], list[Any]]:
        """What is alive in the fake, and what it would not forgive."""
        return fake.live(), fake.violations()


class Consumer(Forks):
    """Reads what is published."""

    def begin(self, address: str, key: str | None = None) -> int:
        """Make the source; the process's number."""
        self.source = follow.Ipc(address, key=key)
        return process_number()

    def take(self, count: int) -> list[tuple[int | str, float]]:
        """Take so many versions: their names, and the weights' first number."""
        found: list[tuple[int | str, float]] = []
        stop = Event()
        while len(found) < count:
            for one in self._versions():
                with one.open() as weights:
                    found.append((one.version, float(weights["w"].to_host()[0, 0])))
            with suppress(ConnectionError):
                self.source.wait(0.05, stop)
        return found

    def hang(self) -> None:
        """Open a version and never end."""
        while True:
            for one in self._versions():
                with one.open():
                    time.sleep(1000)
            self.source.wait(0.05, Event())

    def _versions(self) -> list[follow.Checkpoint]:
        try:
            return [one for one in self.source.versions() if isinstance(one, follow.Checkpoint)]
        except ConnectionError:
            time.sleep(0.02)
            return []

    def end(self) -> tuple[list[Any], list[Any]]:
        """Close; what is alive in the fake, and what it would not forgive."""
        self.source.close()
        return fake.live(), fake.violations()


class Process:
    """A `Trainer` or a `Consumer` elsewhere; its methods are called here."""

    def __init__(self, make: type[Trainer | Consumer], **environment: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, make.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[__name__.count(".")],
            env=os.environ | environment,
        )

    def ask(self, name: str, *arguments: Any, **options: Any) -> None:
        """Begin a call."""
        assert self._child.stdin is not None
        pickle.dump((name, arguments, options), self._child.stdin)
        self._child.stdin.flush()

    def answer(self) -> Any:
        """What the call that was begun returns."""
        assert self._child.stdout is not None
        error, value = pickle.load(self._child.stdout)
        assert error is None, error
        return value

    def do(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call, and wait for what it returns."""
        self.ask(name, *arguments, **options)
        return self.answer()

    def kill(self) -> None:
        """End it as the system does: at once."""
        self._child.kill()
        self.leave()

    def leave(self) -> None:
        """Let it end: one that is at something for ever is killed."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def full(number: float) -> dict[str, Any]:
    """Weights of another shape than the policy's."""
    return {"w": np.full((3, 5), number, np.float32)}


def main() -> None:
    """Do what is asked, one thing after the other."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    fake.activate()
    does = {"Trainer": Trainer, "Consumer": Consumer}[sys.argv[1]]()
    while True:
        try:
            name, arguments, options = pickle.load(source)
        except EOFError:
            return
        try:
            answer = None, getattr(does, name)(*arguments, **options)
        except Exception as error:
            answer = "".join(traceback.format_exception(error)), None
        pickle.dump(answer, target)
        target.flush()


if __name__ == "__main__":
    main()
