"""What a program asks of the profiler, and what is read of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..face import Acl

ACL_API, TASK_TIME, AICORE, MSPROFTX, TASK_TIME_L0 = 0x1, 0x2, 0x4, 0x80, 0x800
NO_METRICS = 0xFF


def begin(acl: Acl, path: Path) -> None:
    """Begin with files below a path."""
    data = str(path).encode()
    assert acl.aclprofInit(data, len(data)) == 0


def config(acl: Acl, devices: list[int], switches: int, metrics: int = NO_METRICS) -> Any:
    """A configuration; NULL where it is refused."""
    numbers = acl.new("uint32_t[]", devices or [0])
    return acl.aclprofCreateConfig(numbers, len(devices), metrics, acl.NULL, switches)


def files(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of each file below a path, by the file's last two names."""
    return {
        "/".join(file.parts[-2:]): [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted(path.rglob("*.jsonl"))
    }
