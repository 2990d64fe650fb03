"""A table in one style: nothing is cut, no number is broken, a row is a line where that can be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acl_bundle import weights
from acl_bundle.cli.shell import output, tables

from .conftest import Run
from .terminal import STYLE, on_terminal

LONG = "encoder/layer.0/attention/self/query/kernel_of_a_name_that_is_longer_than_any_terminal"
Shown = Callable[[list[dict[str, Any]], int | None], str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Show rows on a terminal of so many columns, or on none."""

    def show(rows: list[dict[str, Any]], columns: int | None) -> str:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: columns is not None)
        monkeypatch.setenv("COLUMNS", str(columns or 80))
        capsys.readouterr()
        tables.show(rows)
        return STYLE.sub("", capsys.readouterr().out)

    return show


def test_without_a_terminal_a_row_is_a_line(shown: Shown) -> None:
    rows = [{"name": LONG, "nbytes": 10**12, "shape": (3, -1), "note": None},
            {"name": "b", "nbytes": 1, "shape": (), "note": "x y"}]  # fmt: skip
    head, rule, first, second = shown(rows, None).strip("\n").splitlines()
    assert head.split() == ["name", "nbytes", "shape", "note"]
    assert {*rule} == {" ", "─"}
    assert first.split() == [LONG, "1,000,000,000,000", "3×?", "-"]
    assert second.split() == ["b", "1", "scalar", "x", "y"]


def test_forced_colour_changes_nothing_in_a_pipe(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = shown([{"name": LONG, "n": 1}], None)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert shown([{"name": LONG, "n": 1}], None) == plain


def test_on_a_terminal_a_name_goes_on_in_the_next_line(shown: Shown) -> None:
    lines = shown([{"name": LONG, "nbytes": 123456789, "mean ms": "0.003"}], 80).splitlines()
    assert max(map(len, lines)) <= 80
    body = [line for line in lines if line.strip()][2:]
    assert "".join(line.split()[0] for line in body) == LONG
    assert body[0].split()[1:] == ["123,456,789", "0.003"]


def test_without_room_a_row_is_a_block(shown: Shown) -> None:
    row = {"name": LONG, "max abs": 0.5, **{f"number {i}": 10**9 for i in range(9)}}
    lines = shown([row, {**row, "name": "b"}], 80).strip().splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["name", LONG], ["max", "abs", "0.5"], ["number", "0", "1,000,000,000"],
    ]  # fmt: skip
    assert len(lines) == 11 + 1 + 11


NAMES = st.text("abc/._é漢", min_size=1, max_size=120)
NUMBERS = st.one_of(st.integers(), st.floats(), st.none())


@given(
    rows=st.lists(st.fixed_dictionaries({"name": NAMES, "n": NUMBERS, "m": NUMBERS}), min_size=1),
    columns=st.integers(20, 200),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
def test_nothing_is_lost_at_any_width(
    shown: Shown, rows: list[dict[str, Any]], columns: int
) -> None:
    text = shown(rows, columns)
    assert "…" not in text
    squeezed = "".join(text.split())
    for row in rows:
        assert all(letter in squeezed for letter in row["name"])
    numbers = [word for word in text.split() if word in {tables._cell("n", r["n"]) for r in rows}]
    assert len(numbers) >= len(rows)


def test_a_title_without_rows_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.table("nothing differs", [])
    assert capsys.readouterr().out == "nothing differs\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    weights.save({LONG: np.ones((1000, 1000), "f4"), "b": np.zeros(3, "f4")}, path)
    return path


def test_a_command_on_a_terminal_and_in_a_pipe(source: Path, run: Run) -> None:
    status, text = on_terminal(["weights", "list", source])
    assert status == 0
    rows = text[text.index("name") :].splitlines()
    assert max(map(len, rows)) <= 80
    assert "4,000,000" in text.split()
    assert LONG[:30] in text
    piped = run("weights", "list", source).out
    assert [line.split() for line in piped.splitlines() if LONG in line] == [
        [LONG, "float32", "1000×1000", "4,000,000"]
    ]
