"""examples/online_policy.py over each of its sources: ten updates, in order, all checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .page import check_shown

EXAMPLE = Path(__file__).parents[2] / "examples" / "online_policy.py"
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}


@pytest.mark.parametrize("arguments", [(), ("--source", "redis")], ids=["directory", "redis"])
def test_ten_updates_and_twenty_inferences_each(arguments: tuple[str, ...]) -> None:
    if arguments:
        pytest.importorskip("redis")
        if shutil.which("redis-server") is None:
            pytest.skip("no redis-server here; Debian's package redis-server has it")
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE, *arguments],
        env=CLEAN, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    check_shown(EXAMPLE.name, done.stdout)
    rows = re.findall(r"^ +(\d+)(?: +[\d.]+){3}$", done.stdout, re.MULTILINE)
    assert rows == [str(version) for version in range(1, 11)]
    assert "10 applied, 0 refused, 0 errors" in done.stdout
    assert "live objects: [], violations: []" in done.stdout
