"""Compiled files as sources: what bundles and models hold, and damaged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acl_bundle import build, weights

from ..samples import refused, same

W = {"w": np.arange(6, dtype="f4").reshape(2, 3), "b": np.ones(3, "f2")}
X = {"x": ("float32", (1,))}
TABLE, ROW = 256, 24  # of the partitions: behind the header, with its count first


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build.null(X, {"y": X["x"]}, weights=W).save(tmp_path / "file")


def test_a_bundle_gives_what_its_init_graph_assigns(path: Path) -> None:
    with weights.open(path) as source:
        assert source.kind == "om"
        same(source, W)


DAMAGE: dict[str, tuple[int, bytes, str]] = {
    "no header's magic, type changed": (82, b"\xff", "IMOD"),
    "more partitions than the file holds": (TABLE, b"\xff" * 4, "4294967295 rows"),
    "a partition longer than the file": (TABLE + 8 + 16, b"\xff" * 8, "partition 0"),
    "another partition longer": (TABLE + 8 + ROW + 16, b"\xff" * 8, "partition 1"),
    "no init graph": (TABLE + 8 + 2 * ROW, b"\xff" * 4, "no weight-init graph"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_bundle_is_refused(path: Path, kind: str) -> None:
    at, bad, part = DAMAGE[kind]
    data = path.read_bytes()
    path.write_bytes(data[:at] + bad + data[at + len(bad) :])
    refused(path, part, kind="om")


@pytest.mark.parametrize("size", [0, 1, TABLE - 1, TABLE, TABLE + 44, 1000, -1])
def test_a_bundle_that_is_cut_short_is_refused(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    refused(path)
    refused(path, kind="om")
