"""Running the command in this process, which is quicker than starting another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer

from acl_bundle.cli import main

from .weights_files import VALUES


class Done(NamedTuple):
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]

COMMAND: Any = cache(typer.main.get_command)
"""What typer makes of the program's functions, once: it takes longer than most commands."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``acl-bundle`` with arguments."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(typer.main, "get_command", COMMAND)

    def call(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["acl-bundle", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(code is not None), *said)

    return call


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of weights, as numpy writes it."""
    path = tmp_path / "a.npz"
    np.savez(path, **VALUES)
    return path
