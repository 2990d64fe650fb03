"""``acl-bundle weights``: what it lists and compares, and how it says no."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import weights

from .weights_files import VALUES, Run


def test_list_shows_names_dtypes_shapes_and_bytes(run: Run, source: Path) -> None:
    done = run("weights", "list", source)
    assert (done.status, done.err) == (0, "")
    assert "npz, 3 of 3 weights, 168 bytes" in done.out
    for row in (("fc.weight", "float32", "8×4", "128"), ("count", "int64", "3", "24")):
        assert any(line.split() == list(row) for line in done.out.splitlines())


def test_list_as_json(run: Run, source: Path) -> None:
    data = run("weights", "list", source, "--select", "fc.*", "--drop", "*bias", "--json").json
    assert (data["kind"], data["nbytes"], data["skipped"]) == ("npz", 128, {})
    assert data["weights"] == [
        {"name": "fc.weight", "dtype": "float32", "shape": [8, 4], "nbytes": 128}
    ]


def test_a_table_loses_nothing_in_a_pipe(run: Run, tmp_path: Path) -> None:
    name = "encoder." * 40 + "weight"
    weights.save({name: np.zeros(2, np.float32)}, tmp_path / "long.safetensors")
    assert name in run("weights", "list", tmp_path / "long.safetensors").out


def test_list_tells_what_was_skipped(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", w=np.zeros(2), text=np.array(["a", "b"]))
    done = run("weights", "list", tmp_path / "s.npz")
    assert "skipped text: " in done.out


def test_diff_says_by_its_status_whether_they_differ(
    run: Run, source: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b.safetensors"
    weights.save(VALUES, other)
    same = run("weights", "diff", source, other)
    assert (same.status, same.out) == (0, "no difference\n")
    weights.save({**VALUES, "fc.weight": VALUES["fc.weight"] + 1}, other)
    done = run("weights", "diff", source, other, "--json")
    assert done.status == 1
    (row,) = done.json["rows"]
    assert (row["name"], row["result"], row["differing"]) == ("fc.weight", "values", 32)
    assert row["a"] == {"dtype": "float32", "shape": [8, 4], "nbytes": 128}
    assert len(run("weights", "diff", source, other, "--all", "--json").json["rows"]) == 3
    assert run("weights", "diff", source, other, "--drop", "fc.weight").status == 0
    trouble = run("weights", "diff", source, tmp_path / "none.npz")
    assert trouble.status == 2
    assert trouble.err == f"acl-bundle: {tmp_path / 'none.npz'}: No such file or directory\n"


def test_json_stays_json_when_a_difference_is_endless(run: Run, tmp_path: Path) -> None:
    for name, value in (("a", np.inf), ("b", 1.0)):
        np.savez(tmp_path / f"{name}.npz", w=np.array([value]))
    (row,) = run("weights", "diff", tmp_path / "a.npz", tmp_path / "b.npz", "--json").json["rows"]
    assert row["max_abs"] == "inf"


def test_a_damaged_source_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(b"\xff" * 64)
    for arguments in (["list", path], ["convert", path, tmp_path / "o.npz"]):
        done = run("weights", *arguments)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(f"acl-bundle: {path}: ")


COMMANDS = ("list", "diff", "convert", "sparsify", "check", "freeze")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run: Run, command: str) -> None:
    done = run("weights", command, "--help")
    assert done.status == 0
    assert f"Example: acl-bundle weights {command} " in done.out


def test_help_of_weights_lists_the_commands(run: Run) -> None:
    text = run("weights", "--help").out
    assert all(command in text for command in COMMANDS)


def test_wrong_arguments_are_status_2(run: Run, source: Path) -> None:
    done = run("weights", "convert", source)
    assert done.status == 2
    assert "Missing argument 'OUT'" in done.err


def test_a_reader_that_has_enough_is_no_error(source: Path) -> None:
    """The pipe's reader is gone before the first byte."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "acl_bundle.cli", "weights", "list", source]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_bar_moves_on_a_terminal_and_goes_away(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    command = [sys.executable, "-m", "acl_bundle.cli", "weights", "convert", source, out]
    controller, terminal = pty.openpty()
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
        check=False,
    )
    os.close(terminal)
    shown = os.read(controller, 65536).decode()
    os.close(controller)
    assert done.returncode == 0
    assert "writing" in shown
    assert "168/168 bytes" in shown
    assert shown.endswith("\x1b[2K"), "the line is erased"
    assert b"\x1b" not in done.stdout


def test_help_keeps_what_stands_in_brackets(run: Run) -> None:
    """Which a formatter would take for markup."""
    for command, words in (
        ("convert", "[out, in], MatMul takes [in, out]"),
        ("freeze", "[out, in]"),
    ):
        assert words in " ".join(run("weights", command, "--help").out.replace("│", " ").split())
    assert "or input[axis]" in " ".join(run("bench", "--help").out.replace("│", " ").split())
