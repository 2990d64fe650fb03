"""Violations as text for a report: columns of plain characters.

>>> print(violations([{"id": "AB-RT-0006", "function": "aclrtFree", "seq": 7,
...                    "message": "devPtr 0x10: no device memory"}]))
id          call                what
AB-RT-0006  aclrtFree (call 7)  devPtr 0x10: no device memory
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

SHOWN = 40  # rows of a table; a program that sins in a loop says the same thing again


def shorter(place: str) -> str:
    """Return a place without the folder that we are in."""
    return place.removeprefix(f"{os.getcwd()}{os.sep}")


def violations(rows: Sequence[dict[str, Any]]) -> str:
    """Return violations as a table, in the order they happened."""
    head = ("id", "call", "what")
    cells = [
        (str(row["id"]), f"{row['function']} (call {row['seq']})", str(row["message"]))
        for row in rows[:SHOWN]
    ]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *cells)]
    for place, row in reversed([*enumerate(rows[:SHOWN], 2)]):
        if row.get("at"):
            lines.insert(place, f"{'':{widths[0]}}  at {shorter(row['at'])}")
    if len(rows) > SHOWN:
        lines.append(f"... and {len(rows) - SHOWN} more")
    return "\n".join(lines)
