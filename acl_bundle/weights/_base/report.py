"""Reports: rows of facts that print as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row", bound="tuple[object, ...]")


@dataclass(frozen=True)
class Report(Generic[Row]):
    """What a transform does, weight by weight.

    Attributes:
        title: The result in one sentence.
        rows: One named tuple each; its fields are the table's columns.
    """

    title: str
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        if not self.rows:
            return self.title
        columns: Sequence[str] = getattr(type(self.rows[0]), "_fields", ())
        return f"{self.title}\n{table(columns, self.rows)}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay rows out in columns: numbers to the right, everything else to the left."""
    heads = [column.replace("_", " ") for column in columns]
    cells = [heads, *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [all(_is_number(value) for value in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join(lines)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)


def listed(names: Sequence[str], most: int = 5) -> str:
    """Name a few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
