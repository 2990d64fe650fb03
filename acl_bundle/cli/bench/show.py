"""What ``acl-bundle bench`` prints: tables, or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from acl_bundle.answers import Where
from acl_bundle.bench import Cell, Effort, Timing, told
from acl_bundle.cli.shell import output

Cells = Sequence[Cell]
Columns = Callable[[Cell, Timing], list[dict[str, str]]]


def measured(
    path: Path,
    where: Where,
    effort: Effort,
    cells: Cells,
    as_json: bool,
    ended: bool,
    wanted: int,
) -> None:
    """Print what was measured.

    Args:
        path: The model.
        where: What it ran on.
        effort: How it was run.
        cells: What has numbers.
        as_json: Print JSON.
        ended: Whether it ended early.
        wanted: How many cells were asked for.
    """
    if as_json:
        output.document(_data(path, where, effort, cells, ended))
        return
    for line in (f"{path}: latency in ms, from arrays to arrays", where, how(effort)):
        output.line(f"{line}")
    output.table("", _rows(cells, _latency))
    timings = [timing for cell in cells for timing in cell.timings]
    if any(one.parts.execute.count for one in timings):
        output.table("the parts by themselves, p50 in ms", _rows(cells, _parts))
    if any(beside.measured for one in timings for beside in one.beside):
        output.table(
            "inferences without and beside updates that run one behind the other, in ms",
            _rows(cells, _updates),
        )
    if cells:
        sizes = ", ".join(f"{one.dtype} {one.nbytes:,} bytes" for one in cells[0].timings)
        output.line(f"size on disk: {sizes}")
    for note in told.notes(cells):
        output.line(f"note: {note}")
    if ended:
        output.line(f"ended early: {len(cells)} of {wanted} cells were measured")


def how(effort: Effort) -> str:
    """Return how it was run, as a line."""
    amount = f"{effort.rounds} rounds" if effort.seconds is None else f"{effort.seconds:g} s"
    return (
        f"{amount} per row after {effort.warmup} to warm up, concurrency {effort.concurrency},"
        f" replicas {effort.replicas}"
    )


def _rows(cells: Cells, columns: Columns) -> list[dict[str, Any]]:
    """One row per cell and precision, or more: its sizes, then the columns."""
    return [
        {**{name: str(size) for name, size in cell.sizes.items()}, "dtype": timing.dtype, **row}
        for cell in cells
        for timing in cell.timings
        for row in columns(cell, timing)
    ]


def _latency(cell: Cell, timing: Timing) -> list[dict[str, str]]:
    names = ("p50", "p90", "p99", "max", "mean")
    times = {name: f"{getattr(timing, f'{name}_ms'):.3f}" for name in names}
    rate = {"per second": f"{timing.per_second:,.1f}"}
    faster = {"speed-up": f"{cell.speedup(timing):.2f}×"} if len(cell.timings) > 1 else {}
    return [times | rate | faster | {"rounds": str(timing.count)}]


def _parts(_: Cell, timing: Timing) -> list[dict[str, str]]:
    found = {name: getattr(timing.parts, name) for name in told.PARTS}
    return [
        {
            name.replace("_", " "): f"{samples.p50_ms:.3f}" if samples.count else "-"
            for name, samples in found.items()
        }
    ]


def _updates(_: Cell, timing: Timing) -> list[dict[str, str]]:
    return [
        {
            "updates": one.how,
            "p50 without": f"{one.alone.p50_ms:.3f}",
            "p99 without": f"{one.alone.p99_ms:.3f}",
            "p50 beside": f"{one.inferences.p50_ms:.3f}",
            "p99 beside": f"{one.inferences.p99_ms:.3f}",
            "update p50": f"{one.updates.p50_ms:.3f}",
            "update p99": f"{one.updates.p99_ms:.3f}",
            "count": str(one.updates.count),
        }
        for one in timing.beside
        if one.measured
    ]


def _data(path: Path, where: Where, effort: Effort, cells: Cells, ended: bool) -> dict[str, Any]:
    return {
        "file": str(path),
        "library": where.library,
        "soc": where.soc,
        "fake": where.is_fake,
        "profile": where.profile,
        "note": str(where),
        "notes": told.notes(cells),
        "interrupted": ended,
        "concurrency": effort.concurrency,
        "replicas": effort.replicas,
        "device": effort.device,
        "cells": told.rows(cells),
    }
