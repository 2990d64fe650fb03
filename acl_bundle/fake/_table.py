"""What the fake kept, as text for a report: columns of plain characters.

>>> print(live([{"kind": "model", "handle": "0x1", "size": 0,
...              "created_by": "aclmdlLoadFromFile", "seq": 7}]))
kind   handle  bytes  made by
model  0x1            aclmdlLoadFromFile (call 7)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

SHOWN = 40  # rows of a table; a program that leaks in a loop says the same thing again


def live(rows: Sequence[dict[str, Any]]) -> str:
    """Return what is alive as a table, in the order it was made."""
    cells = [
        (
            str(row["kind"]),
            str(row["handle"]),
            f"{row['size']:,}" if row["size"] else "",
            f"{row['created_by']} (call {row['seq']})",
        )
        for row in sorted(rows, key=lambda row: int(row["seq"]))
    ]
    return _table(("kind", "handle", "bytes", "made by"), cells)


def violations(rows: Sequence[dict[str, Any]]) -> str:
    """Return violations as a table, in the order they happened."""
    cells = [
        (str(row["id"]), f"{row['function']} (call {row['seq']})", str(row["message"]))
        for row in rows
    ]
    return _table(("id", "call", "what"), cells)


def _table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    shown = [head, *cells[:SHOWN]]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = [_line(row, widths, head) for row in shown]
    if len(cells) > SHOWN:
        lines.append(f"... and {len(cells) - SHOWN} more")
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Iterable[int], head: Sequence[str]) -> str:
    """Numbers stand at the right of their column, everything else at the left."""
    padded = (
        cell.rjust(width) if name == "bytes" else cell.ljust(width)
        for cell, width, name in zip(row, widths, head, strict=True)
    )
    return "  ".join(padded).rstrip()
