"""What a file holds, as a tree: the file, its graphs, and what each takes, gives and keeps."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len, chop_cells

from acl_bundle.cli.inspect.describe import Data
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.tables import LEAST, shape_text
from acl_bundle.errors import visible

__all__ = ["show"]

Branch = tuple[str, "list[Branch]"]


def show(data: Data) -> None:
    """Print what `describe` returned, each thing below what holds it."""
    output.line(f"{data['file']}: {data['kind']}, {data['nbytes']:,} bytes")
    width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    for line in _lines([*_branches(data)], "", width):
        output.line(line)


def _lines(branches: list[Branch], before: str, width: int) -> Iterator[str]:
    """The lines of a tree; where a text is wider than ``width``, it goes on below."""
    for at, (text, below) in enumerate(branches):
        last = at + 1 == len(branches)
        inner = f"{before}{' ' if last else '│'} "
        first, *more = _pieces(visible(text), width - len(inner) if width else 0)
        yield f"{before}{'└' if last else '├'} {first}"
        yield from (f"{inner}{piece}" for piece in more)
        yield from _lines(below, inner, width)


def _pieces(text: str, width: int) -> list[str]:
    if width < LEAST or cell_len(text) <= width:
        return [text]
    return chop_cells(text, width)


def _branches(data: Data) -> Iterator[Branch]:
    for graph in data["graphs"]:
        role = f", {graph['role']}" if graph.get("role") else ""
        label = f"graph {graph['index']}: " if "index" in graph else ""
        parts = ("inputs", "outputs", "constants", "partitions")
        yield f"{label}{graph['name']}{role}", [*_parts(graph, parts)]
    yield from _parts(data, ("weights", "partitions"))


def _parts(owner: Data, parts: Iterable[str]) -> Iterator[Branch]:
    for part in parts:
        rows = owner.get(part)
        if rows:
            yield f"{part}: {len(rows)}", [(_leaf(row), []) for row in rows]


def _leaf(row: dict[str, Any]) -> str:
    if "type" in row:
        return f"{row['type']}: {row['size']:,} bytes at {row['offset']:,}: {row['holds']}"
    return f"{row['name']}: {row['dtype']} {shape_text(row['shape'])}"
