"""Followers of trainers that are killed at random, over a socket and over Redis, for some time.

``python tests/soak/following.py SECONDS [unmeasured]``; a sanitizer's own memory grows.

Each follower has a bundle and one trainer at a time, a process of its own that publishes its device
memory as fast as it is answered. The trainer is killed after a while, wherever it is, and another
one comes. Each answer of a bundle must be of one version. The program ends with an error when no
version comes for a minute, and when memory, descriptors or threads grow after the first fifth.
Without redis-server the socket is all.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from soak import GROWTH, HANG_S, check, resident, weight, write

import acl_bundle as ab
from acl_bundle import fake, follow
from acl_bundle.follow._sources import ipc_redis

LEASE_S = 2.0
SPARE = 4
"""Descriptors and threads that come and go."""


class Followed:
    """A bundle, its follower, and the trainer of the moment."""

    def __init__(self, path: Path, address: str, key: str | None) -> None:
        self.name = "socket" if key is None else "Redis"
        self._command = [sys.executable, __file__, "trainer", address, key or ""]
        self.bundle = ab.Bundle.load(path)
        self.bundle.init()
        source = follow.Ipc(address, key=key)
        self.follower = ab.follow(self.bundle, source, backoff=follow.Backoff(0.01, 0.2))
        self.killed, self._applied, self._since = 0, 0, time.monotonic()
        self._trainer = subprocess.Popen(self._command)
        self._due: float | None = None

    def step(self, dice: random.Random) -> None:
        """Infer, and see that versions come; kill the trainer when it is due, and start another."""
        check(self.bundle.infer(np.ones((1, 4), np.float32)))
        applied, now = self.follower.metrics.applied, time.monotonic()
        if self._due is not None and now > self._due:
            self._trainer.kill()
            self._trainer.wait()
            self._trainer = subprocess.Popen(self._command)
            self.killed, self._due = self.killed + 1, None
        elif applied != self._applied:
            self._applied, self._since = applied, now
            if self._due is None:
                self._due = now + dice.uniform(0.0, 3.0)
        elif now - self._since > HANG_S:
            error = self.follower.metrics.last_error
            raise AssertionError(f"{self.name}: nothing came for a minute: {error}")

    def close(self) -> None:
        self._trainer.kill()
        self._trainer.wait()
        self.follower.close()
        self.bundle.close()


def train(address: str, key: str) -> None:
    """Publish until killed."""
    while True:
        try:
            publisher = follow.publish_ipc(address, {"w": weight(0)}, key=key or None)
        except ab.BusyError:
            continue
        with publisher:
            while True:
                version = time.time_ns() // 1000
                publisher.publish(version, {"w": weight(version % 1000 + 1)}, timeout=HANG_S)


def counts() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def places(folder: str, stack: ExitStack) -> list[tuple[str, str | None]]:
    """Where trainers publish."""
    found: list[tuple[str, str | None]] = [(f"{folder}/policy.sock", None)]
    program = shutil.which("redis-server")
    if program is not None:
        command = [program, "--port", "0", "--unixsocket", "redis.sock", "--save", ""]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.kill)
        while not Path(folder, "redis.sock").exists():
            time.sleep(0.01)
        found.append((f"unix://{folder}/redis.sock", "policy"))
    return found


def run(all_of_them: list[Followed], seconds: float) -> tuple[int, tuple[int, int]]:
    """Follow; bytes, and the most descriptors and threads, that were more than when warm."""
    dice, begun = random.Random(13), time.monotonic()
    most, warm, memory = (0, 0), (0, 0), 0
    while (spent := time.monotonic() - begun) < seconds:
        for one in all_of_them:
            one.step(dice)
        now = counts()
        most = max(most[0], now[0]), max(most[1], now[1])
        if not memory and spent > seconds / 5:
            memory, warm, most = resident(), most, (0, 0)
        time.sleep(0.01)
    gc.collect()
    return resident() - memory, (most[0] - warm[0], most[1] - warm[1])


def main(seconds: float, *unmeasured: str) -> None:
    fake.activate()
    logging.getLogger("acl_bundle.follow").setLevel(logging.ERROR)  # ends are what is wanted
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "linear.om"
        write(path)
        followed = []
        for address, key in places(folder, stack):
            followed.append(Followed(path, address, key))
            stack.callback(followed[-1].close)
        grown, more = run(followed, seconds)
        told = ", ".join(
            f"{one.name}: {one.follower.metrics.applied} versions of {one.killed + 1} trainers"
            for one in followed
        )
    if (grown > GROWTH and not unmeasured) or max(more) > SPARE:
        raise AssertionError(f"grew by {grown} bytes, {more[0]} descriptors, {more[1]} threads")
    gc.collect()
    if fake.live():
        raise AssertionError(f"left: {fake.live()[:5]}")
    print(f"{told}; growth: {grown} bytes, {more[0]} descriptors, {more[1]} threads")


if __name__ == "__main__":
    ipc_redis.LEASE = LEASE_S
    if sys.argv[1] == "trainer":
        fake.activate()
        train(*sys.argv[2:])
    else:
        main(float(sys.argv[1]), *sys.argv[2:])
