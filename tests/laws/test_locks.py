"""Every lock of the fake is taken before a fork (fakes/base/locks.h)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "fakes").glob("*/*.c"))
LOCKED = [path for path in SOURCES if "PTHREAD_MUTEX_INITIALIZER" in path.read_text("utf-8")]


def test_there_are_locks() -> None:
    assert len(LOCKED) > 10


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_its_locks_are_held_over_a_fork(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    held = re.findall(r"^HELD_OVER_FORK\(\w", text, re.MULTILINE)
    assert len(held) == text.count("PTHREAD_MUTEX_INITIALIZER")
