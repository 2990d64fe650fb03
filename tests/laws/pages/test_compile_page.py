"""docs/compile.md: its commands and programs run, on the stand-in for GE."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import shutil
from pathlib import Path
from typing import cast

import click
import onnx
import pytest
import typer

from acl_bundle import build
from acl_bundle.cli.app import app

from .page import PROGRAM, ROOT, Page
from .test_shell_page import lines, model, shell

PATH = "docs/compile.md"
PAGE = Page(PATH)
SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the page says are there, and the program of the tests that it compiles."""
    for name in [name for name in os.environ if name.startswith(("ACL_", "ASCEND"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LD_LIBRARY_PATH", "")  # the page changes it
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    onnx.save(model(), tmp_path / "policy.onnx")
    shutil.copy(ROOT / "tests" / "contract" / "ge" / "compile_client.cc", tmp_path)
    return tmp_path


def test_the_page_runs(folder: Path) -> None:
    """Commands and programs in the order they stand in."""
    places = [
        (one.start(), one) for pattern in (SESSION, PROGRAM) for one in pattern.finditer(PAGE.text)
    ]
    programs = iter(PAGE.programs)
    names: dict[str, object] = {}
    for _, found in sorted(places, key=lambda one: one[0]):
        if found.re is SESSION:
            for step in found[1].removeprefix("$ ").split("\n$ "):
                command, _, shown = step.partition("\n")
                assert lines(shell(command, folder)) == lines(shown), command
        else:
            _run(*next(programs), names)


def _run(program: str, shown: str, names: dict[str, object]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(program, PATH, "exec"), names)
    assert printed.getvalue() == shown


def test_every_file_that_is_named_exists() -> None:
    PAGE.check_links()


def test_the_table_has_every_option() -> None:
    command = cast(click.Group, typer.main.get_command(app)).commands["compile"]
    flags = {flag for one in command.params for flag in one.opts if flag.startswith("-")}
    shown = set(re.findall(r"^\| `(-[\w-]+)", PAGE.text, re.MULTILINE))
    assert shown == flags - {"--output", "--help", "-h"}
    wanted = {*inspect.signature(build.compile).parameters} - {"model"}
    told = re.findall(r"^\| (?:`-.*?)?\| (`\w+`[`\w, ]*) \|", PAGE.text, re.MULTILINE)
    assert wanted == set(re.findall(r"\w+", " ".join(told)))
