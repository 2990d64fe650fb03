"""A table in one style: as wide as the terminal, or as wide as it is where that is none.

Where the columns do not fit side by side, texts (names, paths) go on in the next line, never
numbers; where there is no room for that either, each row becomes a block of lines.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table

from acl_bundle.cli.shell.console import Console
from acl_bundle.errors import visible

__all__ = ["shape_text", "show", "table_of"]

LEAST = 16
"""Columns of the terminal that a text keeps, so that it can be read."""
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?[×%]?|-|[-+]?inf|nan|")


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that have the same names."""
    cells = _cells(rows)
    console = Console()
    if not console.is_terminal:
        console.width = 1 + sum(_widths(cells).values()) + 2 * len(cells)
    elif _least(cells) > console.width:
        _blocks(cells)
        return
    with console.capture() as text:
        console.print(table_of(rows))
    shown = text.get()
    print(shown if console.is_terminal else _trimmed(shown), end="")


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Make the table, for whoever shows it as it grows."""
    cells = _cells(rows)
    numbers = _numbers(cells)
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, width in _widths(cells).items():
        if name in numbers:
            shown.add_column(_heading(name), justify="right", width=width, overflow="fold")
        else:
            shown.add_column(_heading(name), min_width=min(width, LEAST), overflow="fold")
    for row in zip(*cells.values(), strict=True):
        shown.add_row(*row)
    return shown


def _cells(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    return {name: [_cell(name, row[name]) for row in rows] for name in rows[0]}


def _numbers(cells: Mapping[str, Sequence[str]]) -> set[str]:
    """The columns whose values are never broken."""
    return {name for name, column in cells.items() if all(map(_NUMBER.fullmatch, column))}


def _cell(name: str, value: Any) -> str:
    """One value as a text."""
    if name == "shape":
        return shape_text(value)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return visible(_joined(value)).replace("\n", "\\n")


def _joined(value: Any) -> str:
    """A text, or what a mapping or a sequence holds."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(name, one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(str([*one]) if isinstance(one, tuple) else str(one) for one in value)
    return str(value)


def shape_text(dims: Sequence[int] | None) -> str:
    """Return dimensions as text, ? for an open one; -2 alone means any number of them."""
    if dims is None or [*dims] == [-2]:
        return "any"
    return "×".join("?" if dim < 0 else str(dim) for dim in dims) or "scalar"


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _widths(cells: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {
        name: max(cell_len(_heading(name)), *map(cell_len, column))
        for name, column in cells.items()
    }


def _least(cells: Mapping[str, Sequence[str]]) -> int:
    """How wide a terminal must be."""
    widths, numbers = _widths(cells), _numbers(cells)
    kept = [width if name in numbers else min(width, LEAST) for name, width in widths.items()]
    return 1 + sum(kept) + 2 * len(kept)


def _trimmed(text: str) -> str:
    """The lines without the blanks at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _blocks(cells: Mapping[str, Sequence[str]]) -> None:
    """Print a line for each value, and an empty one above each row."""
    width = max(len(_heading(name)) for name in cells)
    for row in zip(*cells.values(), strict=True):
        sys.stdout.write("\n")
        for name, value in zip(cells, row, strict=True):
            sys.stdout.write(f" {_heading(name):{width}}  {value}\n")
    sys.stdout.write("\n")
