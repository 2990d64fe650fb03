"""``acl-bundle bench``: the table of latencies, as far as it came.

Ctrl-C, or a cell that cannot be measured, ends it; what was measured before is
shown all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.progress import Progress
from rich.table import Table

from acl_bundle import bench
from acl_bundle.bench import Cell, Effort
from acl_bundle.cli.shell.console import Console
from acl_bundle.cli.weights import show

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
        show.data(_data(path, where, cells, ended))
        return
    console = Console(markup=False, highlight=False)
    console.print(f"{path}: latency in ms, from arrays to arrays", soft_wrap=True)
    console.print(f"{where}", soft_wrap=True)
    if cells:
        show.print_table(_table(cells))
        sizes = ", ".join(f"{one.dtype} {one.nbytes:,} bytes" for one in cells[0].timings)
        console.print(f"size on disk: {sizes}", soft_wrap=True)
    if ended:
        console.print(f"ended early: {len(cells)} of the cells were measured")


def _table(cells: Sequence[Cell]) -> Table:
    """One row per cell: sizes, then mean and 99 % of every precision, then how much faster."""
    table = Table(box=SIMPLE_HEAD)
    first = cells[0]
    speedups = [f"{timing.dtype} speed-up" for timing in first.timings[1:]]
    means = [f"{one.dtype} {what}" for one in first.timings for what in ("mean", "p99")]
    for name in (*first.sizes, *means, *speedups, "rounds"):
        table.add_column(name, justify="right")
    for cell in cells:
        times = [f"{ms:.3f}" for one in cell.timings for ms in (one.mean_ms, one.p99_ms)]
        faster = [f"{cell.speedup(one):.2f}×" for one in cell.timings[1:]]
        rounds = min(len(one.samples) for one in cell.timings)
        table.add_row(*map(str, cell.sizes.values()), *times, *faster, str(rounds))
    return table


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
