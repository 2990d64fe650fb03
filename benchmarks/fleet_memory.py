"""The memory of a coordinator and its replicas over many updates of a fleet.

    python -m benchmarks.fleet_memory [updates]

Updates of all weights and of one take turns, rolling and strict, and every tenth is refused by a
replica. A row is what the kernel says after a tenth of them: bytes of the process's own memory
(RssAnon) and of shared memory (RssShmem), threads, descriptors; of the parent and of one child.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Any, cast

from acl_bundle import fake
from acl_bundle.fleet import Fleet, FleetUpdateError
from benchmarks.fleet import model
from benchmarks.rounds import Weights, normal

SIZE = 1 << 20
ROWS = 10


def held(process: int | str) -> tuple[int, int, int, int]:
    """KiB of own and of shared memory, threads and descriptors of a process."""
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    memory = (int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem"))
    return *memory, int(fields["Threads"]), len(os.listdir(f"/proc/{process}/fd"))  # type: ignore[return-value]


def update(fleet: Fleet, weights: Weights, number: int) -> None:
    """One of many."""
    given: dict[str, Any] = weights if number % 2 else dict(list(weights.items())[:1])
    if number % 10 == 0:
        given = {name: value[1:] for name, value in given.items()}
    with suppress(FleetUpdateError):
        fleet.update(given, consistency="strict" if number % 3 else "rolling")


def show(title: str, fleet: Fleet, weights: Weights, updates: int) -> None:
    """Print a row after each tenth of the updates."""
    replicas = [cast("Any", one.replica) for one in fleet._members]
    child = getattr(replicas[0], "process", None)
    print(f"{title}\n{'updates':>8}{'own KiB':>10}{'shared':>9}{'threads':>8}{'files':>7}")
    begin = time.perf_counter()
    for number in range(1, updates + 1):
        update(fleet, weights, number)
        if number % (updates // ROWS) == 0:
            for process in ("self", *([child] if child else [])):
                own, shared, threads, files = held(process)
                print(f"{number:8}{own:10}{shared:9}{threads:8}{files:7}", flush=True)
    print(f"{updates / (time.perf_counter() - begin):8.0f} updates a second", flush=True)


def main() -> None:
    """Print both."""
    fake.activate()
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    weights = normal(SIZE, 4)
    with model(weights) as path:
        with Fleet.local(path, devices=[0, 0, 0]) as fleet:
            fleet.update(weights)
            show("3 replicas in process", fleet, weights, updates)
        with Fleet.local(path, devices=[0, 0], pair=True) as fleet:
            fleet.update(weights)
            show("2 pairs in process", fleet, weights, updates)
        with Fleet.processes(path, devices=[0, 0], initializer=fake.activate) as fleet:
            fleet.update(weights)
            show("2 child processes: the parent, a child", fleet, weights, updates)


if __name__ == "__main__":
    main()
