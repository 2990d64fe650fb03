"""A program that asks what its model's runs consist of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from acl_bundle import build

from .test_programs import SCALE, network


def test_profiling(program: Callable[..., str], tmp_path: Path) -> None:
    build.model(network(SCALE)).save(tmp_path / "network.om")
    printed = program("profiling.c", "network.om", "3", "profile", libraries=("msprofiler",))
    *rows, closed = printed.splitlines()
    assert closed == "closed 1"
    parts = [row.split() for row in rows]
    assert len(parts) % 3 == 0
    one = [part[1] for part in parts[: len(parts) // 3]]
    assert {"MatMul", "Tanh"} <= {*one} or any("Gemm" in name for name in one)
    assert [part[1] for part in parts] == one * 3
    assert {tuple(part[2:]) for part in parts} == {("named", "1")}
    assert len({part[0] for part in parts}) == 1
    (folder,) = (tmp_path / "profile").iterdir()
    calls = [json.loads(line) for line in (folder / "host/calls.jsonl").read_text().splitlines()]
    assert [row["mark"] for row in calls if "mark" in row] == ["begins", "one run"]
    tasks = [
        json.loads(line) for line in (folder / "device_0/tasks.jsonl").read_text().splitlines()
    ]
    assert [row["type"] for row in tasks if "op" in row] == one
    assert [row["function"] for row in tasks if "op" not in row] == ["aclprofMarkEx"]
