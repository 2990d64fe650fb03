"""Every command, on success and in each failure that it names: piped, on a terminal, as JSON.

What is laid out (tables, trees, help) fits into the terminal's 80 columns. Sentences are whole
lines, which the terminal itself folds where a path makes them longer.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import fake
from acl_bundle.cli.app import app
from acl_bundle.cli.demo import loop
from acl_bundle.conform import library, table
from acl_bundle.testing import FakeAcl

from .conftest import COMMAND, Done
from .terminal import open_terminal, read_all
from .terminal_rows import ELSEWHERE, LONG, ROWS, Row, scene
from .test_exit_codes import COMMANDS, PROGRAMS, ROOT

COLUMNS = 80
LAID_OUT = re.compile(r"^(?!  (?:ok |BAD) ).*(?:\S {2,}\S|[─│└├╭╰])")
BLOCK = re.compile(r" \w[\w ]{,16}  \S+")
"""A name and its value, of a row that has no room as a table (`acl_bundle.cli.shell.tables`)."""
TOKEN = re.compile(r"\x1b\[\??([\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")
CHOSEN = [row for row in table.rows() if "aclrtFree" in row.functions and not row.files]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    scene(folder)
    return folder


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch, fake_acl: FakeAcl) -> None:
    """The fake as the library; a demo of one round; of conform's rows those about one function."""
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("ACL_BUNDLE_LIBRARY", str(fake.library_path()))
    rounds = [loop.Round(1, 0.5, 0.5, 1, 1)]
    monkeypatch.setattr(loop, "rounds", lambda _: (one for one in rounds))
    monkeypatch.setattr(loop, "verdict", lambda: loop.Verdict([], []))
    monkeypatch.setattr(library, "rows", lambda: tuple(CHOSEN))


def ended(words: list[str]) -> int:
    """Run a command in this process; return its status."""
    with pytest.raises(SystemExit) as end:
        COMMAND(app).main(args=words)
    code = end.value.code
    assert isinstance(code, int)
    return code


def piped(words: list[str]) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = ended(words)
    return Done(status, out.getvalue(), err.getvalue())


@contextmanager
def terminals() -> Iterator[list[str]]:
    """Put a terminal behind stdin and stdout, and one behind stderr; what each got comes last."""
    got: list[str] = []
    ours, theirs = zip(*(open_terminal(COLUMNS) for _ in range(2)), strict=True)
    texts = ["", ""]
    readers = [
        threading.Thread(target=lambda at=at: texts.__setitem__(at, read_all(ours[at])))
        for at in range(2)
    ]
    kept = [os.dup(number) for number in range(3)]
    streams = sys.stdout, sys.stderr
    for reader in readers:
        reader.start()
    try:
        for number, terminal in enumerate((theirs[0], *theirs)):
            os.dup2(terminal, number)
        sys.stdout, sys.stderr = (os.fdopen(os.dup(one), "w", 1, "utf-8") for one in theirs)
        yield got
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.close()
        sys.stdout, sys.stderr = streams
        for number, old in enumerate(kept):
            os.dup2(old, number)
        for one in (*kept, *theirs):
            os.close(one)
        for reader in readers:
            reader.join(60)
        for one in ours:
            os.close(one)
        got += map(shown, texts)


def on_terminals(words: list[str]) -> Done:
    with terminals() as got:
        status = ended(words)
    return Done(status, *got)


def shown(raw: str) -> str:
    """What stays on a terminal: progress that was taken away is not there."""
    lines, row, column = [""], 0, 0
    for match in TOKEN.finditer(raw):
        token, many, what = match[0], match[1], match[2]
        if token == "\r":
            column = 0
        elif token == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif what == "A":
            row = max(row - int(many or 1), 0)
        elif what == "K":
            lines[row] = "" if many == "2" else lines[row][:column]
        elif what is None:
            lines[row] = (
                f"{lines[row]:{column}}"[:column] + token + lines[row][column + len(token) :]
            )
            column += len(token)
    text = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    return f"{text}\n" if text else ""


def stands(name: str, text: str) -> bool:
    """Whether a text has a name whole; in a table it may go on below."""
    return re.search(r"(?:[^\n]*\n[\s│]*)?".join(map(re.escape, name)), text) is not None


def check_ends(row: Row, done: Done) -> None:
    assert done.status == row.status, (done.out, done.err)
    assert "Traceback" not in done.out + done.err
    says = LONG if row.says == "LONG" else row.says
    assert stands(says, done.out + done.err), (done.out, done.err)
    own = row.line.split()[0] not in PROGRAMS
    if row.status == 2:
        assert done.out == ""
        assert done.err.startswith("acl-bundle: ")
    elif own and done.err:  # an answer that is no may have a reason
        assert (row.status, done.err[:12]) == (1, "acl-bundle: ")


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with the files as they were, as often as it is asked for."""

    def enter(name: str) -> None:
        shutil.copytree(made, tmp_path / name)
        monkeypatch.chdir(tmp_path / name)

    return enter


@pytest.mark.parametrize("row", ROWS, ids=[row.line for row in ROWS])
def test_each_end_of_a_command(row: Row, place: Any) -> None:
    words = row.line.split()
    place("piped")
    check_ends(row, piped(words))
    place("terminal")
    done = on_terminals(words)
    check_ends(row, done)
    for line in (done.out + done.err).splitlines():
        assert len(line) <= COLUMNS or not LAID_OUT.search(line) or BLOCK.fullmatch(line), line
    if words[0] not in PROGRAMS:
        place("json")
        check_json(row, piped([*words, "--json"]))


def check_json(row: Row, done: Done) -> None:
    assert done.status == row.status, (done.out, done.err)
    try:
        documents = [json.loads(done.out)]
    except json.JSONDecodeError:  # follow prints a line for each event
        documents = [json.loads(line) for line in done.out.splitlines()]
    assert {one["schema"] for one in documents} == {1}
    errors = [one["error"] for one in documents if isinstance(one.get("error"), dict)]
    assert [error["exit_status"] for error in errors] == [2] * (row.status == 2)


def command_of(row: Row) -> str:
    """The longest name of a command that the words begin with."""
    return max((one for one in COMMANDS if f"{row.line} ".startswith(f"{one} ")), key=len)


def test_every_command_has_rows() -> None:
    """Whoever adds a command shows how it succeeds, and at least one way in which it fails."""
    trouble = {command_of(row) for row in ROWS if row.status == 2}
    assert trouble == {*COMMANDS}
    success = {command_of(row) for row in ROWS if row.status == 0}
    assert {*COMMANDS} - success == {*ELSEWHERE}
    for test in ELSEWHERE.values():
        file, name = test.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits(name: str) -> None:
    words = [*name.split(), "--help"]
    done = on_terminals(words)
    assert (done.status, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= COLUMNS
    assert "…" not in done.out
