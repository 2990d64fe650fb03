"""What was measured, as rows of plain data and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acl_bundle._base.atomic import replacing
from acl_bundle.answers import Where
from acl_bundle.bench.effort import Effort
from acl_bundle.bench.rounds import Cell
from acl_bundle.bench.timing import ENOUGH, Timing, UpdateTiming

PARTS = ("copy_in", "execute", "copy_out")
Row = dict[str, Any]


def rows(cells: Sequence[Cell]) -> list[Row]:
    """Return a row per cell and precision: sizes, shapes, times in milliseconds, rates."""
    return [_row(cell, timing) for cell in cells for timing in cell.timings]


def _row(cell: Cell, timing: Timing) -> Row:
    return {
        "sizes": cell.sizes,
        "shapes": cell.shapes,
        "dtype": timing.dtype,
        "rounds": timing.count,
        **timing.told(),
        "speedup": cell.speedup(timing),
        "nbytes": timing.nbytes,
        "parts": {name: _part(timing, name) for name in PARTS},
        "updates": [_beside(one) for one in timing.beside if one.measured],
    }


def _part(timing: Timing, name: str) -> Row | None:
    samples = getattr(timing.parts, name)
    return {"rounds": samples.count, **samples.told()} if samples.count else None


def _beside(one: UpdateTiming) -> Row:
    three = {"alone": one.alone, "inferences": one.inferences, "updates": one.updates}
    return {
        "how": one.how,
        **{name: {"rounds": samples.count, **samples.told()} for name, samples in three.items()},
    }


def notes(cells: Sequence[Cell]) -> list[str]:
    """Return what a reader of the numbers should know, one sentence each."""
    found = []
    timings = [timing for cell in cells for timing in cell.timings]
    rounds = min((one.count for one in timings), default=ENOUGH)
    if rounds < ENOUGH:
        found.append(
            f"p99 of fewer than {ENOUGH} samples is the largest of them; here are"
            f" {rounds}: more --rounds, or --duration, says more"
        )
    if any(not one.parts.execute.count for one in timings):
        found.append(
            "copy in, execute and copy out are not apart: this model takes no arrays on the device"
        )
    updates = min(
        (one.updates.count for timing in timings for one in timing.beside if one.measured),
        default=ENOUGH,
    )
    if updates < ENOUGH:
        found.append(f"of updates the fewest samples are {updates}: --duration says more")
    return found


def write_csv(cells: Sequence[Cell], model: str, where: Where, effort: Effort, path: Path) -> None:
    """Write a line per cell and precision, times in milliseconds, one column each.

    Columns of what was not measured are empty.

    Raises:
        OSError: The file cannot be written; what was there still is.
    """
    lines = [_flat(row, model, where, effort) for row in rows(cells)]
    names = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def _flat(row: Row, model: str, where: Where, effort: Effort) -> Row:
    """One line: what it ran on, sizes, then every number under a name of its own."""
    line: Row = {
        "model": model,
        "fake": str(where.is_fake).lower(),
        "soc": where.soc,
        "profile": where.profile,
        "concurrency": effort.concurrency,
        "replicas": effort.replicas,
        **{f"size_{name}": size for name, size in row["sizes"].items()},
        **{name: value for name, value in row.items() if not isinstance(value, dict | list)},
    }
    for name, part in row["parts"].items():
        line |= {f"{name}_{key}": value for key, value in (part or {}).items()}
    for one in row["updates"]:
        prefix = one["how"].replace(" ", "_")
        for name in ("alone", "inferences", "updates"):
            line |= {f"{prefix}_{name}_{key}": value for key, value in one[name].items()}
    return line
