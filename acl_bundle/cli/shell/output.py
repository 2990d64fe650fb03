"""What a command prints: lines and tables for people, JSON for programs.

On a terminal a table is as wide as the terminal; elsewhere it has one line for each row, however
long. Nothing is ever cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from acl_bundle.cli.shell.documents import document, event
from acl_bundle.errors import visible

__all__ = ["document", "event", "line", "report", "table"]


def line(text: str = "") -> None:
    """Print a line, whole; control characters in it are shown as escapes."""
    print(visible(text))


def table(title: str, rows: Iterable[Any], hide: Sequence[str] = ()) -> None:
    """Print rows as a table below a title; the title alone when there are none.

    Args:
        title: A line above it; "" for none.
        rows: Named tuples or mappings, with the same names; a name is a column's heading.
            Numbers are aligned right and never broken, texts that are numbers as well.
        hide: Columns to leave out.
    """
    from acl_bundle.cli.shell.tables import show  # noqa: PLC0415  rich may be missing

    if title:
        line(title)
    fields = [row if isinstance(row, Mapping) else row._asdict() for row in rows]
    if fields:
        show([{name: row[name] for name in row if name not in hide} for row in fields])


def report(
    title: str, rows: Iterable[Any], as_json: bool, *, hide: Sequence[str] = (), **more: Any
) -> None:
    """Show rows: as a document whole, with more facts beside them; else but for some columns."""
    if as_json:
        document({"title": title, "rows": [row._asdict() for row in rows], **more})
    else:
        table(title, rows, hide)
