"""What actors are made with."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from typing import Any

from acl_bundle.fleet._ray.answers import NAMESPACE
from acl_bundle.om import Source

DEFAULTS: Mapping[str, Any] = {
    "num_cpus": 0, "resources": {"NPU": 1}, "max_restarts": -1, "scheduling_strategy": "SPREAD",
}  # fmt: skip
OURS = ("name", "namespace", "lifetime", "get_if_exists", "max_task_retries", "max_concurrency",
        "concurrency_groups", "allow_out_of_order_execution")  # fmt: skip


def actor_name(fleet: str | None, name: str) -> dict[str, Any]:
    """Ray's options for an actor: whether it outlasts its maker, and how it is found then."""
    if fleet is None:
        return {}
    return {
        "name": f"{fleet}/{name}", "namespace": NAMESPACE, "lifetime": "detached",
        "get_if_exists": True,
    }  # fmt: skip


def checked_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Options that a caller has for an actor.

    Raises:
        TypeError: One is the replica's own.
    """
    given = dict(options or {})
    wrong = [one for one in OURS if one in given]
    if wrong:
        raise TypeError(f"actor_options has {wrong[0]!r}, which is the replica's own to choose")
    return given


def found_elsewhere(source: Source, fleet: str | None) -> Source:
    """A source as other processes find it, and as Ray finds it again after its maker has ended.

    Raises:
        ValueError: The actors outlast this process, and the bytes of the model would not: Ray
            keeps large arguments as objects, which end with the process that has made them.
    """
    if isinstance(source, str | os.PathLike):
        return os.path.abspath(source)
    if fleet is not None and isinstance(source, bytes | bytearray | memoryview | mmap.mmap):
        raise ValueError(
            f"the model of the fleet {fleet!r} is given as {memoryview(source).nbytes} bytes, and"
            " its actors outlast this process: Ray could not start one of them again, as the bytes"
            " end with this process; give the path of a file that each node has"
        )
    return source
