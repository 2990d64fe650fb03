"""A cluster of Ray's: two nodes with two devices each, all processes of this host, on loopback.

Ray would listen on the host's address and keep a token in the home folder; neither is wanted here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from acl_bundle.fleet import Fleet, FleetStatus

from ..scene import CLOSE

SECONDS = 120
NODE = {"num_cpus": 0, "resources": {"NPU": 2}}
"""Without CPUs, for then Ray starts no process before it is asked for one."""
SYSTEM = {
    "health_check_initial_delay_ms": 0, "health_check_period_ms": 500,
    "health_check_failure_threshold": 4, "enable_metrics_collection": False,
}  # fmt: skip
STARTS = 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    from ray._private import ray_constants  # noqa: PLC0415
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    # Ray's sockets lie there, and their paths may not be long.
    with (
        TemporaryDirectory(prefix="r", dir="/tmp") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        (Path(folder) / "ray").mkdir()
        patch.setenv("HOME", folder)
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # where it means loopback
        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        patch.setenv("ACL_FAKE_DEVICES", "4")
        made = _started(ray, Cluster)
        try:
            assert {node["NodeManagerAddress"] for node in ray.nodes()} == {"127.0.0.1"}
            yield made
        finally:
            ray.shutdown()
            made.shutdown()
            assert not (Path(folder) / ".ray").exists()


def _started(ray: Any, kind: Any) -> Any:
    """A cluster. A node has half a minute to start, which a busy machine may not give it at once.

    What Ray raises then is an Exception, of no class of its own.
    """
    failed: Exception | None = None
    for _ in range(STARTS):
        made = kind()
        try:
            made.add_node(include_dashboard=False, _system_config=SYSTEM, **NODE)
            made.add_node(**NODE)
            ray.init(made.address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            failed = error
            ray.shutdown()
            made.shutdown()
        else:
            return made
    pytest.skip(f"Ray does not run here: {failed}")


def until(reached: Callable[[], bool], what: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


def all_open(fleet: Fleet) -> FleetStatus:
    """Wait until every replica has the committed version and infers."""

    def reached() -> bool:
        rows = fleet.status().replicas
        return all(row.state == "idle" and row.epoch == fleet.epoch for row in rows)

    until(reached, fleet.status)
    return fleet.status()


def check_answers(fleet: Fleet, mlp: Any) -> None:
    for _ in range(8):
        outputs = fleet.infer({"x": mlp.x}, retry=True)
        assert outputs.version == fleet.version
        right = mlp.answer(mlp.random(fleet.version) if fleet.version else None)
        np.testing.assert_allclose(outputs["y"], right, **CLOSE)


@contextmanager
def step_hook(fleet: Fleet, name: str, hook: Callable[[str, bool], None]) -> Iterator[None]:
    """Call a hook before and after each step of a replica: with the step, and whether it is over.

    The step is waited for, so what the hook does afterwards comes between two phases.
    """
    replica: Any = next(one.replica for one in fleet._members if one.name == name)
    start = replica.start

    def hooked(step: str, *arguments: Any) -> Any:
        hook(step, False)
        future = start(step, *arguments)
        if step != "status":
            future.exception()
            hook(step, True)
        return future

    replica.start = hooked
    try:
        yield
    finally:
        del replica.start
