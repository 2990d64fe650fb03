"""``--json``: one document with a schema number, of errors as well; and how commands end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.cli.shell import documents
from acl_bundle.cli.shell.trouble import status_of
from acl_bundle.errors import from_status

from .conftest import Run
from .weights_files import VALUES

Printed = pytest.CaptureFixture[str]


def test_what_was_found_stays_beside_the_error(capsys: Printed) -> None:
    def command() -> int:
        documents.document({"cells": [1, 2], "path": Path("a"), "nan": math.nan, "n": np.int8(3)})
        raise FileNotFoundError(2, "gone", "b.om")

    assert status_of(command, as_json=True) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "schema": 1, "cells": [1, 2], "path": "a", "nan": "nan", "n": 3,
        "error": {"kind": "FileNotFoundError", "message": "b.om: gone", "exit_status": 2},
    }  # fmt: skip
    assert said.err == "acl-bundle: b.om: gone\n"


def test_an_error_of_acl_has_its_code(capsys: Printed) -> None:
    error = from_status("aclmdlExecute", 107002, "no context")

    def command() -> int:
        raise error

    assert status_of(command, as_json=True) == 2
    told = json.loads(capsys.readouterr().out)["error"]
    assert (told["function"], told["code"]) == ("aclmdlExecute", 107002)
    assert told["name"] == error.name
    assert "no context" in told["message"]


def test_a_mistake_of_ours_keeps_its_traceback(capsys: Printed) -> None:
    assert status_of(lambda: {}["x"], as_json=True) == 2
    said = capsys.readouterr()
    assert "Traceback" in said.err
    assert json.loads(said.out)["error"]["kind"] == "KeyError"


def test_ctrl_c_is_a_line(capsys: Printed) -> None:
    def command() -> int:
        raise KeyboardInterrupt

    assert status_of(command, as_json=False) == 130
    assert capsys.readouterr() == ("", "acl-bundle: interrupted\n")
    assert status_of(command, as_json=True) == 130
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "error": {"kind": "KeyboardInterrupt", "message": "interrupted", "exit_status": 130},
    }


def test_events_are_lines_and_an_error_is_the_last(capsys: Printed) -> None:
    def command() -> int:
        documents.event({"event": "applied"})
        raise ValueError("wrong")

    assert status_of(command, as_json=True) == 2
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"schema": 1, "event": "applied"}
    assert last["error"] == {"kind": "ValueError", "message": "wrong", "exit_status": 2}


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "--json"],
        ["inspect", "x.om", "--json", "--wrong"],
        ["--json"],
        ["--json", "inspect", "x.om"],
        ["no-such-command", "--json"],
        ["weights", "no-such-command", "--json"],
        ["follow", "x.om", "redis://host/?key=", "--pattern", "a", "--json"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_a_document(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.status == 2
    assert (done.json["schema"], done.json["error"]["kind"]) == (1, "UsageError")
    assert done.err == f"acl-bundle: {done.json['error']['message']}\n"


def test_words_behind_two_dashes_are_a_programs(run: Run) -> None:
    done = run("fake", "env", "--wrong", "--", "program", "--json")
    assert (done.status, done.out) == (2, "")


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save({"w": VALUES["fc.weight"]}, path)
    for words in (["weights", "list", path], ["weights", "list", path, "--json"], ["--help"]):
        reads, writes = os.pipe()
        os.close(reads)
        done = subprocess.run(
            [sys.executable, "-m", "acl_bundle.cli", *words],
            stdout=writes, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        os.close(writes)
        assert (done.returncode, done.stderr) == (141, ""), words


def test_another_pipe_that_breaks_is_trouble(capfd: Printed) -> None:
    reads, writes = os.pipe()
    os.close(reads)

    def command() -> int:
        return os.write(writes, b"x")

    assert status_of(command, as_json=False) == 2
    assert "Broken pipe" in capfd.readouterr().err
    os.close(writes)


def test_any_encoding_can_show_any_name(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save({"größe漢": VALUES["fc.weight"]}, path)
    done = subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "weights", "list", path],
        env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"gr\xf6\xdfe\u6f22" in done.stdout


def test_version(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ACL_BUNDLE_LIBRARY", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    library = tmp_path / "libascendcl.so"
    library.write_bytes(b"found, and not opened")
    monkeypatch.setenv("LD_LIBRARY_PATH", f":/nowhere:{tmp_path}")
    done = run("--version")
    assert done.status == 0
    assert done.out.startswith("acl-bundle ")
    assert done.out.endswith(f"library: {library}\n")
    facts = run("--version", "--json").json
    assert facts["library"] == str(library)
    assert facts["binding"] == "abi3" or facts["binding"].startswith("cpython-")
    monkeypatch.setenv("ACL_BUNDLE_LIBRARY", str(tmp_path / "gone.so"))
    assert "library: none is found" in run("--version").out
