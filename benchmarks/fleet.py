"""What an update of a fleet costs beside one replica's own, and for how long a strict one pauses.

    python -m benchmarks.fleet [mebibytes]

The reference is `stage` and `commit` of one bundle, of the same weights, in the same rounds. With
n replicas on c cores the work is n times that on min(n, c) cores; the ratio says what the fleet
adds. The copy to where all replicas read the weights is done once, and shown by itself.

A strict update keeps inferences out from the first shut gate to the last open one. Beyond the
drain, for which inferences that had begun run on, that is the decision and the commits: of pairs
one store each, of bundles a copy on the device each.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle.fleet import Fleet, FleetReport
from benchmarks.fleet_ray import on_ray
from benchmarks.rounds import Weights, normal, seconds

SIZES = (1, 2, 4, 8)
CHILDREN = (1, 2, 4)
ROUNDS = 5
PAUSES = 100
COST, PAUSE_MS = 1.2, 5.0


class Once(Mapping[str, Any]):
    """Weights that count how often each is fetched."""

    def __init__(self, weights: Weights) -> None:
        self._weights, self.fetched = weights, 0

    def __getitem__(self, name: str) -> Any:
        self.fetched += 1
        return self._weights[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


@contextmanager
def model(weights: Weights) -> Iterator[Path]:
    """A file that computes nothing, with weights of these shapes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "null.om"
        empty = {name: np.empty(value.shape, value.dtype) for name, value in weights.items()}
        x = {"x": ("float32", (1,))}
        build.null(x, {"y": x["x"]}, weights=empty, init=False).save(path)
        yield path


def own(bundle: ab.Bundle, weights: Weights) -> float:
    """What one replica takes by itself."""
    return seconds(lambda: bundle.stage(weights).commit())


def work(report: FleetReport) -> float:
    """Seconds of an update but for the copy that is made once."""
    return sum(report.seconds.values()) - report.seconds["put"]


def costs(
    title: str, weights: Weights, path: Path, sizes: Sequence[int], fleet_of: Callable[..., Fleet]
) -> None:
    """Print a row for each number of replicas."""
    cores = len(os.sched_getaffinity(0))
    print(
        f"{title}\n{'replicas':>8}{'put ms':>9}{'all ms':>9}{'each ms':>9}{'ratio':>8}   <= {COST}"
    )
    for size in sizes:
        with fleet_of(path, devices=[0] * size) as fleet, ab.Bundle.load(path) as alone:
            samples = []
            for turn in range(ROUNDS + 1):
                reference, given = own(alone, weights), Once(weights)
                report = fleet.update(given)
                assert given.fetched == len(weights)
                if turn:
                    ideal = reference * size / min(size, cores)
                    row = report.seconds["put"], work(report), work(report) / ideal
                    samples.append(row)
        put, all_, ratio = (statistics.median(column) for column in zip(*samples, strict=True))
        print(
            f"{size:8}{put * 1e3:9.1f}{all_ * 1e3:9.1f}{all_ / size * 1e3:9.1f}{ratio:8.2f}",
            flush=True,
        )


def pauses(title: str, path: Path, weights: Weights, size: int, *, pair: bool) -> None:
    """Print how long strict updates of some replicas pause while threads infer."""
    stop, x = threading.Event(), {"x": np.ones(1, np.float32)}

    def read() -> None:
        while not stop.is_set():
            fleet.infer(x)
            time.sleep(0.0005)

    with Fleet.local(path, devices=[0] * size, pair=pair) as fleet, ExitStack() as stack:
        fleet.update(weights)
        fleet.update(weights)
        readers = [threading.Thread(target=read) for _ in range(2)]
        for one in readers:
            one.start()
            stack.callback(one.join)
        stack.callback(stop.set)
        small = dict(list(weights.items())[:1])
        found = []
        for _ in range(PAUSES):
            report = fleet.update(small, consistency="strict")
            found.append((report.pause, report.pause - report.drain))
    ends = [sorted(column) for column in zip(*found, strict=True)]
    (p50, p99), (beyond50, beyond99) = ((e[len(e) // 2], e[int(len(e) * 0.99) - 1]) for e in ends)
    times = "".join(f"{one * 1e3:9.2f}" for one in (p50, p99, beyond50, beyond99))
    print(f"{size:8} {title:20}{times}   <= {PAUSE_MS}", flush=True)


def main() -> None:
    """Print all."""
    fake.activate()
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    weights = normal(mebibytes << 20)
    with model(weights) as path:
        children = lambda *a, **k: Fleet.processes(*a, initializer=fake.activate, **k)  # noqa: E731
        costs(f"{mebibytes} MiB, in process", weights, path, SIZES, Fleet.local)
        costs(f"{mebibytes} MiB, child processes", weights, path, CHILDREN, children)
        on_ray(weights, path)
        print(f"strict, 1 of 64 weights{'':6}{'p50 ms':>9}{'p99':>9}{'without the drain':>18}")
        for size in SIZES[1:]:
            pauses("bundles", path, weights, size, pair=False)
        for size in SIZES[1:3]:
            pauses("pairs", path, weights, size, pair=True)


if __name__ == "__main__":
    main()
