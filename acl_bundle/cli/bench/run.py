"""``acl-bundle bench``: the table of latencies, as far as it came.

Ctrl-C, or a cell that cannot be measured, ends it; what was measured before is
shown all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress

from acl_bundle import bench
from acl_bundle.bench import Cell, Effort
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.console import Console

__all__ = ["Effort", "run"]

INTERRUPTED = 130


def run(
    path: Path, sweep: Sequence[str], dtypes: str, effort: Effort, plot: Path | None, as_json: bool
) -> int:
    """Measure a model and print what was measured.

    Args:
        path: The model.
        sweep: Axes, ``batch=1,8``.
        dtypes: Precisions with commas; nothing for what the model has.
        effort: How often to run.
        plot: A picture to draw.
        as_json: Print JSON.

    Returns:
        0, or 130 when Ctrl-C ended it early.

    Raises:
        AclBundleError, ValueError, OSError, ModuleNotFoundError: As for `bench`.
    """
    if plot is not None:
        from acl_bundle.bench import plot as picture  # noqa: PLC0415

        picture.check(plot)
    model = bench.open(path)
    named = dict.fromkeys(one.strip() for one in dtypes.split(","))
    chosen = list(named) if dtypes else list(model.dtypes[:2])
    table = bench.cells(model, [bench.parse(text) for text in sweep], chosen)
    where = bench.use(model)
    ended = True
    try:
        _measure(model, table, effort)
        ended = False
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        measured = [cell for cell in table if cell.measured]
        _show(path, where, measured, as_json, ended)
        if plot is not None and measured:
            picture.draw(measured, f"{path.name}: {where}", plot)
    return 0


def _measure(model: bench.MeasuredModel, table: Sequence[Cell], effort: Effort) -> None:
    """Fill the table, and move a bar."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=len(table))
        for at, cell in enumerate(table):
            for done in bench.measure(model, cell, effort):
                bar.update(task, completed=at + done)


def _show(
    path: Path, where: bench.Where, cells: Sequence[Cell], as_json: bool, ended: bool
) -> None:
    if as_json:
        output.document(_data(path, where, cells, ended))
        return
    output.line(f"{path}: latency in ms, from arrays to arrays")
    output.line(f"{where}")
    output.table("", [_row(cell) for cell in cells])
    if cells:
        sizes = ", ".join(f"{one.dtype} {one.nbytes:,} bytes" for one in cells[0].timings)
        output.line(f"size on disk: {sizes}")
    if ended:
        output.line(f"ended early: {len(cells)} of the cells were measured")


def _row(cell: Cell) -> dict[str, str]:
    """Sizes, then mean and 99 % of every precision, then how much faster."""
    row = {name: str(size) for name, size in cell.sizes.items()}
    for one in cell.timings:
        row |= {f"{one.dtype} mean": f"{one.mean_ms:.3f}", f"{one.dtype} p99": f"{one.p99_ms:.3f}"}
    row |= {f"{one.dtype} speed-up": f"{cell.speedup(one):.2f}×" for one in cell.timings[1:]}
    return {**row, "rounds": str(min(len(one.samples) for one in cell.timings))}


def _data(path: Path, where: bench.Where, cells: Sequence[Cell], ended: bool) -> dict[str, Any]:
    return {
        "file": str(path),
        "library": where.library,
        "soc": where.soc,
        "fake": where.is_fake,
        "profile": where.profile,
        "note": str(where),
        "interrupted": ended,
        "cells": [
            {
                "sizes": cell.sizes,
                "shapes": cell.shapes,
                "dtype": one.dtype,
                "mean_ms": one.mean_ms,
                "p99_ms": one.p99_ms,
                "rounds": len(one.samples),
                "speedup": cell.speedup(one),
                "nbytes": one.nbytes,
            }
            for cell in cells
            for one in cell.timings
        ],
    }
