"""docs/exit_codes.md: each command is on the page, and ends as the page says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from acl_bundle import build, weights
from acl_bundle.cli.app import app
from acl_bundle.cli.demo import loop

from .conftest import Run
from .weights_files import VALUES, mlp

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "exit_codes.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([\w ]+)` \| (.*?) ?\|$", PAGE, re.MULTILINE))
SAYS_NO = {name for name, meaning in ROWS.items() if meaning}

ELSEWHERE = {
    "conform": "tests/cli/test_conform.py::test_a_difference_is_shown_and_reported",
    "conform assumptions": ("tests/cli/test_conform.py::test_an_assumption_that_does_not_hold"),
    "compare": "tests/cli/test_compare.py::test_before_and_after_an_update",
    "fake replay": "tests/conform/test_record.py::test_a_device_that_answers_otherwise",
    "follow": "tests/cli/test_follow.py::test_a_line_for_each_version",
    "precision": "tests/cli/test_precision.py::test_what_must_stay_is_told_ready_to_paste",
    "record": "tests/conform/test_record.py::test_a_program_that_dies_leaves_what_it_did",
    "run": "tests/cli/test_run.py::test_a_difference_is_told_and_is_the_status",
    "serve": "tests/server/test_command.py::test_a_second_sigterm_does_not_wait",
    "update": "tests/server/test_update_command.py::test_what_the_server_refuses",
    "weights match": (
        "tests/cli/test_weights_match.py::test_what_is_ambiguous_is_status_1_and_trouble_2"
    ),
}
"""Tests that hold a command to its status 1 where that takes more than a line."""


def commands(group: Any, *before: str) -> Iterator[str]:
    """All that a person can type behind ``acl-bundle``: ``weights list`` and so on."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        if getattr(command, "invoke_without_command", True):
            yield " ".join([*before, name])


PROGRAMS = {"record"}
"""Commands whose stdout is another program's."""

COMMANDS = [*commands(typer.main.get_command(app))]


def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    monkeypatch.setattr(loop, "rounds", lambda _: (one for one in [loop.Round(1, 0.5, 0.6, 1, 1)]))
    monkeypatch.setattr(loop, "verdict", lambda: loop.Verdict([], []))
    return ["demo"]


def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    (tmp_path / "x.om").write_bytes(b"x")
    return ["doctor", tmp_path / "x.om"]


def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    np.savez(tmp_path / "a.npz", **VALUES)
    return ["weights", "check", tmp_path / "a.npz", "--layout", "fc.weight=kn"]


def convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    np.savez(tmp_path / "a.npz", **VALUES)
    return ["weights", "convert", tmp_path / "a.npz", tmp_path / "b.npz", "--dtype", "float16"]


def diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    weights.save({"fc.weight": VALUES["fc.weight"]}, tmp_path / "a.safetensors")
    build.model(mlp()).save(tmp_path / "m.om")
    return ["weights", "diff", tmp_path / "a.safetensors", tmp_path / "m.om"]


SCENES: dict[str, Callable[..., list[str | Path]]] = {
    "demo": demo,
    "doctor": doctor,
    "weights check": check,
    "weights convert": convert,
    "weights diff": diff,
}
"""Arguments with which the answer of a command is no."""


def test_the_page_has_every_command_in_order() -> None:
    assert [*ROWS] == sorted(COMMANDS)


def test_each_command_that_can_say_no_is_held_to_it() -> None:
    assert {*SCENES, *ELSEWHERE} == SAYS_NO
    for place in ELSEWHERE.values():
        file, name = place.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(SCENES))
def test_an_answer_that_is_no_is_status_1_and_no_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    words = SCENES[name](tmp_path, monkeypatch)
    assert run(*words).status == 1
    done = run(*words, "--json")
    assert (done.status, done.json["schema"], "error" in done.json) == (1, 1, False)


@pytest.mark.parametrize("name", COMMANDS)
def test_wrong_arguments_are_status_2_of_every_command(run: Run, name: str) -> None:
    done = run(*name.split(), "--no-such-option")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("acl-bundle: ")
    done = run(*name.split(), "--no-such-option", "--json")
    assert (done.status, done.json["error"]["exit_status"]) == (2, 2)


@pytest.mark.parametrize("name", [one for one in COMMANDS if one not in PROGRAMS])
def test_every_command_has_json(name: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in name.split():
        command = command.commands[word]
    assert "--json" in {option for one in command.params for option in one.opts}


MISSING = {
    "bench": ["gone.om"],
    "build": ["gone.onnx", "-o", "out.om"],
    "compare": ["gone.om", "gone.om"],
    "compile": ["gone.onnx", "--weights", "all", "--soc", "Ascend910B3", "-o", "out.om"],
    "demo": ["--output", "gone/digits.om"],
    "fake replay": ["gone.jsonl"],
    "fake trace": ["gone.jsonl", "--chrome", "out.json"],
    "follow": ["gone.om", "."],
    "inspect": ["gone.om"],
    "precision": ["gone.om"],
    "run": ["gone.om"],
    "serve": ["gone.om"],
    "update": ["gone.om", "--weights", "gone.npz", "-o", "out.om"],
    "weights check": ["gone.npz", "--layout", "*=kn"],
    "weights convert": ["gone.npz", "out.npz"],
    "weights diff": ["gone.npz", "gone.npz"],
    "weights freeze": ["gone.npz", "gone.om", "out.om"],
    "weights list": ["gone.npz"],
    "weights match": ["gone.onnx", "gone.npz"],
    "weights sparsify": ["gone.npz", "out.npz", "--record", "r", "--layout", "*=kn"],
}
"""Arguments that name a file which is not there."""


@pytest.mark.parametrize("name", sorted(MISSING))
def test_a_file_that_is_not_there_is_status_2_and_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*name.split(), *MISSING[name], "--json")
    assert done.status == 2
    error = done.json["error"]
    assert error["kind"] in ("FileNotFoundError", "NotADirectoryError")
    assert "gone" in error["message"]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_is_cut_on_a_terminal_of_80_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run(*name.split(), "--help")
    assert done.status == 0
    assert "…" not in done.out
