"""Ctrl-C in a command: status 130, one line, no temporary file, and no half of an output.

Each command runs in a process of its own, which waits where the test says, tells so, and is
interrupted there. Nothing is timed: without the interruption it would wait for ever.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest

from acl_bundle import build, fake, weights

from .terminal import CLEAN
from .weights_files import left_over, mlp

HELD = "this command waits"
RUNTIMES = ".ses"
"""ONNX Runtime leaves a file of this name in the folder of temporary files, of every program."""
DEADLINE = 120
"""Seconds; reached by a command that hangs."""

WAITING = f"""
import importlib, sys, threading
def wait(*_, **__):
    print({HELD!r}, file=sys.stderr, flush=True)
    threading.Event().wait()
module, _, names = sys.argv.pop(1).partition(":")
*owners, name = names.split(".")
held = importlib.import_module(module)
for owner in owners:
    held = getattr(held, owner)
setattr(held, name, wait)
sys.argv[0] = "acl-bundle"
from acl_bundle.cli import main
main()
"""
"""A program that runs a command in which one function waits."""

MAKER = f"""
import sys, threading
def make():
    print({HELD!r}, file=sys.stderr, flush=True)
    threading.Event().wait()
"""
PROGRAM = f"""
import ctypes, os, sys, threading
ctypes.CDLL(os.environ["ACL_BUNDLE_LIBRARY"]).aclInit(None)
print({HELD!r}, file=sys.stderr, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    onnx.save(mlp(), "m.onnx")
    build.from_onnx(mlp(), ["fc.weight"]).save("m.om")
    weights.save({"fc.weight": np.ones((8, 4), np.float32)}, "w.safetensors")
    Path("maker.py").write_text(MAKER)
    Path("tmp").mkdir()
    Path("out").write_bytes(b"before")
    Path("out.npz").write_bytes(b"before")
    return tmp_path


def interrupted(where: str, *words: str) -> tuple[int, str]:
    """Run a command, interrupt it where it waits, and return its status and what it said then."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, where, *words],
        env={
            **CLEAN,
            "ACL_BUNDLE_LIBRARY": os.fspath(fake.library_path()),
            "ACL_FAKE_ONNXRUNTIME": str(fake.onnxruntime_path()),
            "TMPDIR": os.path.abspath("tmp"),
        },
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            if line.strip() == HELD:
                break
            said.append(line)
        else:
            pytest.fail(f"it ended before: {said}")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all of them
        _, err = process.communicate(timeout=DEADLINE)
    return process.returncode, err


SAVING = "os:fsync"
"""The output is written, under another name, and has not taken its own."""
LOADING = "acl_bundle.bundle:Bundle.load"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("os:nothing", "build maker:make -o out"),
        ("acl_bundle.build:from_onnx", "build m.onnx -o out"),
        (SAVING, "build m.onnx -o out"),
        (LOADING, "run m.om -o out.npz"),
        (SAVING, "run m.om -o out.npz"),
        (LOADING, "compare m.om m.onnx"),
        ("acl_bundle.compare.outputs:_rows", "compare m.om m.onnx"),
        ("acl_bundle.bench:measure", "bench m.om"),
        (SAVING, "bench m.om --rounds 1 --csv out"),
        (SAVING, "update m.om --weights w.safetensors -o out"),
        ("socket:create_connection", "update http://127.0.0.1:9 --weights w.safetensors"),
        (LOADING, "follow m.om ."),
        (LOADING, "precision m.om"),
        (SAVING, "weights convert w.safetensors out.npz"),
        (SAVING, "inspect m.om --extract 0 out"),
        ("acl_bundle.conform.kit:make", "conform -o out"),
    ],
)
def test_ctrl_c(folder: Path, where: str, words: str) -> None:
    before = {path: path.read_bytes() for path in folder.glob("*.*")}
    assert interrupted(where, *words.split()) == (130, "acl-bundle: interrupted\n")
    assert Path("out").read_bytes() == b"before"
    assert {path: path.read_bytes() for path in folder.glob("*.*")} == before
    assert left_over(folder) == []
    assert [one for one in Path("tmp").iterdir() if one.name != RUNTIMES] == []


def test_ctrl_c_is_a_recorded_programs_matter(folder: Path) -> None:
    """The trace is whole: it has the call that was made, and nothing lies beside it."""
    Path("program.py").write_text(PROGRAM)
    status, err = interrupted(
        "os:nothing", "record", "-o", "out", "--", sys.executable, "program.py"
    )
    assert status == 130
    assert " calls in out\n" in err or " of them not ended in out\n" in err
    assert "aclInit" in Path("out").read_text()
    assert not Path("out.calls").exists()


def descendants(of: int) -> set[int]:
    """Processes that it has started, and that these have."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(path.parent.name)] = int(parent)
    found, more = set[int](), {of}
    while more:
        more = {child for child, parent in parents.items() if parent in more}
        found |= more
    return found


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail("not reached in time")
        time.sleep(0.01)


def test_ctrl_c_in_the_middle_of_conform(folder: Path) -> None:
    """What runs the rows ends with it, its forks too, and its own small files go away."""
    with subprocess.Popen(
        [sys.executable, "-m", "acl_bundle.cli", "conform", "-o", "out"],
        env={**CLEAN, "ACL_BUNDLE_LIBRARY": os.fspath(fake.library_path()), "TMPDIR": "tmp"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        wait_until(lambda: bool([*Path("tmp").glob("acl-conform-*")] and descendants(process.pid)))
        there = descendants(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out, err) == (130, "", "acl-bundle: interrupted\n")
    assert Path("out").read_bytes() == b"before"
    assert [*Path("tmp").glob("acl-*")] == []
    wait_until(lambda: not any(Path(f"/proc/{one}/exe").exists() for one in there))
