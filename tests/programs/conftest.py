"""`program`: compiles a source of this folder once, and runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .program import HERE, compiled, in_shell


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    done: dict[tuple[str, ...], Path] = {}

    def once(name: str, *libraries: str) -> Path:
        key = (name, *libraries)
        if key not in done:
            done[key] = compiled(HERE / name, tmp_path_factory.mktemp("program"), *libraries)
        return done[key]

    return once


@pytest.fixture
def program(_compiled: Callable[..., Path], tmp_path: Path) -> Callable[..., str]:
    """``program("sample.cc", "model.om", libraries=("acl_dvpp",))``: what it prints.

    It must end with 0 and nothing on stderr: the fake would put violations and leaks there.
    Its working folder is ``tmp_path``; further names are variables of its environment.
    """

    def run(
        name: str, *arguments: str | Path, libraries: tuple[str, ...] = (), **environment: str
    ) -> str:
        path = _compiled(name, *libraries)
        done = in_shell([path, *arguments], tmp_path, **environment)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout

    return run
