"""Trainers to be killed: python trainer.py <how> <place>.

For each line on stdin this process forks a trainer, prints its process id, and
waits for its end. A trainer goes on where the one before stopped.

How: "directory" and "redis" publish as the package does. "file" and "folder"
write under the final name, a little at a time, as careless trainers do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import policy
import redis

from acl_bundle import follow
from acl_bundle import weights as files

PIECE = 16384


def newest(folder: Path) -> int:
    """The highest number of a name in a folder, 0 in an empty one."""
    names = [one.name for one in folder.iterdir() if not one.name.startswith(".")]
    return max((int(name.partition(".")[0].rpartition("-")[2]) for name in names), default=0)


def directory(place: str) -> Callable[[], object]:
    version = newest(Path(place))

    def publish() -> None:
        nonlocal version
        version += 1
        follow.publish_directory(place, policy.weights(version), version, keep=3)

    return publish


def file(place: str) -> Callable[[], object]:
    version = newest(Path(place))

    def publish() -> None:
        nonlocal version
        version += 1
        data = files.to_bytes(policy.weights(version))
        with open(Path(place, f"weights-{version}.safetensors"), "wb", buffering=0) as opened:
            for start in range(0, len(data), PIECE):
                opened.write(data[start : start + PIECE])

    return publish


def folder(place: str) -> Callable[[], object]:
    version = newest(Path(place))

    def publish() -> None:
        nonlocal version
        version += 1
        made = Path(place, f"weights-{version}")
        made.mkdir()
        for name, value in policy.weights(version).items():
            np.save(made / name, value)

    return publish


def server(place: str) -> Callable[[], object]:
    client = redis.Redis.from_url(place)
    version = int(client.get("policy:version") or 0)

    def publish() -> None:
        nonlocal version
        version += 1
        follow.publish_redis(client, policy.weights(version), version, key="policy", keep=3)

    return publish


HOW = {"directory": directory, "file": file, "folder": folder, "redis": server}


def train(how: str, place: str, parent: int) -> None:
    publish = HOW[how](place)
    while os.getppid() == parent:
        publish()


def main(how: str, place: str) -> None:
    for _ in sys.stdin:
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(1)  # who reads this process's output waits for its end alone
            train(how, place, parent)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
