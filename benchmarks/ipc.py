"""Weights in a trainer's device memory: what an update from them costs, in the graph's own assign.

The trainer is a process of its own, which publishes when it is asked to. An update is timed from
the moment at which its version is offered until it is answered. The unit is the commit of an update
from the host with nothing to undo: the update graph, which copies the weights once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from acl_bundle import fake, follow
from benchmarks.rounds import bundle_of, medians, normal, seconds, table, warm

GOALS = {"update by IPC": 1.4}
UNIT = "the graph's assign"


def publish(address: str, nbytes: int) -> None:
    """Publish a version for each line that is read."""
    fake.activate()
    with follow.publish_ipc(address, normal(nbytes)) as publisher:
        for version, _ in enumerate(sys.stdin, 1):
            publisher.publish(version, timeout=600)


@contextmanager
def trainer(nbytes: int) -> Iterator[tuple[follow.Ipc, Callable[[], None]]]:
    """A trainer's process: its source, and what makes it publish."""
    address = f"@acl-bundle-benchmark-{os.getpid()}"
    command = [sys.executable, "-m", "benchmarks.ipc", address, str(nbytes)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    line, source = process.stdin, follow.Ipc(address)

    def ask() -> None:
        line.write("\n")
        line.flush()

    try:
        yield source, ask
    finally:
        source.close()
        line.close()
        process.wait()


def offered(source: follow.Ipc) -> follow.Checkpoint:
    """The next version."""
    while True:
        try:
            found = source.versions()
        except ConnectionError:
            time.sleep(0.01)
            continue
        if found and isinstance(found[0], follow.Checkpoint):
            return found[0]
        time.sleep(0.0005)


def main(nbytes: int) -> None:
    """Print the table."""
    weights = normal(nbytes)
    to = warm(weights)

    def read(given: Any) -> None:
        for name, array in given.items():
            array.to_host(out=to[name])

    with bundle_of(weights) as bundle, trainer(nbytes) as (source, ask):

        def taken(take: Callable[[Any], object]) -> Callable[[], float]:
            def once() -> float:
                ask()
                one = offered(source)

                def whole() -> None:
                    with one.open() as given:
                        take(given)

                return seconds(whole)

            return once

        def on_host(given: Any) -> None:
            read(given)
            bundle.update(to, rollback="none")

        figures = medians({
            UNIT: lambda: bundle.update(weights, rollback="none").seconds["commit"],
            "open and answer": taken(lambda _: None),
            "read to the host": taken(read),
            "update by way of the host": taken(on_host),
            "update by IPC": taken(lambda given: bundle.update(given, rollback="none")),
        })  # fmt: skip
        table(figures, UNIT, GOALS)


if __name__ == "__main__":
    publish(sys.argv[1], int(sys.argv[2]))
