"""What an update costs on Ray beside child processes: replicas on one node of this host.

    python -m benchmarks.fleet_ray [mebibytes]

Both fleets are there at the same time, and take turns. The times are of whole updates, with the
put, which is done once for all replicas. The first updates are left out: in them Ray's object store
touches memory for the first time, which takes four times as long as the copy. Ray runs on the
loopback interface alone, with a folder of its own.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from acl_bundle import fake
from acl_bundle.fleet import Fleet
from benchmarks.rounds import Weights, normal

SIZES = (1, 2, 4)
WARM, ROUNDS = 10, 9
MOST = 1.3


@contextmanager
def cluster(replicas: int) -> Iterator[None]:
    """One node of Ray's, with so many devices."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        environment = {
            "HOME": folder, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # where it means loopback
            "ACL_FAKE_DEVICES": str(replicas),
        }  # fmt: skip
        with patch.dict(os.environ, environment):
            import ray  # noqa: PLC0415

            ray.init(
                num_cpus=0, resources={"NPU": replicas}, include_dashboard=False,
                _temp_dir=folder, log_to_driver=False, logging_level=logging.ERROR,
            )  # fmt: skip
            try:
                yield
            finally:
                ray.shutdown()


def on_ray(weights: Weights, path: Path) -> None:
    """Print a row for each number of replicas; a sentence where there is no Ray."""
    mebibytes = sum(value.nbytes for value in weights.values()) >> 20
    if importlib.util.find_spec("ray") is None:
        print(f"{mebibytes} MiB, on Ray: not measured, ray is not installed")
        return
    print(
        f"{mebibytes} MiB, on Ray\n{'replicas':>8}{'put ms':>9}{'sent MiB':>9}{'all ms':>9}"
        f"{'each ms':>9}{'children':>9}{'ratio':>8}   <= {MOST}"
    )
    with cluster(max(SIZES)):
        for size in SIZES:
            _row(weights, path, size)


def _row(weights: Weights, path: Path, size: int) -> None:
    with (
        Fleet.processes(path, devices=[0] * size, initializer=fake.activate) as children,
        Fleet.ray(path, actors=size, initializer=fake.activate) as actors,
    ):
        samples = []
        for turn in range(WARM + ROUNDS):
            reports = children.update(weights), actors.update(weights)
            if turn >= WARM:
                walls = [sum(one.seconds.values()) for one in reports]
                samples.append((*walls, reports[1].seconds["put"], reports[1].nbytes))
    children_s, all_, put, nbytes = (
        statistics.median(column) for column in zip(*samples, strict=True)
    )
    print(
        f"{size:8}{put * 1e3:9.1f}{nbytes / (1 << 20):9.1f}{all_ * 1e3:9.1f}"
        f"{all_ / size * 1e3:9.1f}{children_s / size * 1e3:9.1f}{all_ / children_s:8.2f}",
        flush=True,
    )


def main() -> None:
    """Print all."""
    from benchmarks.fleet import model  # noqa: PLC0415 - which prints these rows too

    fake.activate()
    weights = normal((int(sys.argv[1]) if len(sys.argv) > 1 else 64) << 20)
    with model(weights) as path:
        on_ray(weights, path)


if __name__ == "__main__":
    main()
