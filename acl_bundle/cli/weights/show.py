"""Rows of facts, as a table that loses nothing, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import JustifyMethod
from rich.table import Table

from acl_bundle.cli.shell.console import Console
from acl_bundle.weights import Report, Spec

LEAST, UNBOUNDED = 80, 10_000
NAME_WIDTH = 12


def table(title: str, rows: Sequence[Any], hide: Sequence[str] = ()) -> None:
    """Print named tuples as a table, some columns left out; the title alone when there are none."""
    console = _console()
    console.print(title, soft_wrap=True)
    if not rows:
        return
    columns = [name for name in rows[0]._fields if name not in hide]
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        number = all(isinstance(getattr(row, name), int | float | None) for row in rows)
        side: JustifyMethod = "right" if number else "left"
        least = NAME_WIDTH if name == "name" else None
        shown.add_column(name.replace("_", " "), justify=side, min_width=least, overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(name, getattr(row, name)) for name in columns))
    console.print(shown)


def print_table(shown: Table) -> None:
    """Print a table that was made elsewhere."""
    _console().print(shown)


def _console() -> Console:
    """stdout; wide enough for all columns, and for all of each where it is no terminal."""
    console = Console(markup=False, highlight=False)
    console.width = max(console.width, LEAST) if console.is_terminal else UNBOUNDED
    return console


def report(found: Report[Any], as_json: bool, *, hide: Sequence[str] = (), **more: Any) -> None:
    """Print a report: as JSON whole and with more facts beside it, else but for some columns."""
    if as_json:
        rows = [row._asdict() for row in found]
        data({"title": found.title, "rows": rows, **more})
    else:
        table(found.title, found.rows, hide)


def data(values: Mapping[str, Any]) -> None:
    """Print JSON."""
    text(json.dumps(_plain(values), indent=2))


def text(line: str) -> None:
    """Print a line as it is."""
    print(line)


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    if column == "shape":
        return "×".join(map(str, value)) or "scalar"
    if isinstance(value, tuple):
        return ", ".join(str(list(one)) if isinstance(one, tuple) else str(one) for one in value)
    return str(value)


def _plain(value: Any) -> Any:
    """Turn a value into what JSON can hold; infinity and NaN become words."""
    if isinstance(value, Spec):
        return {"dtype": value.dtype.name, "shape": list(value.shape), "nbytes": value.nbytes}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
