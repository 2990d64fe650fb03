"""``acl-bundle bench``: what was measured, as far as it came.

Ctrl-C, or a cell that cannot be measured, ends it; what was measured before is
shown all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.progress import Progress

from acl_bundle import answers, bench
from acl_bundle.answers import InputChoice, Where
from acl_bundle.answers.side import Arrays
from acl_bundle.bench import Cell, Effort, told
from acl_bundle.cli.bench import show
from acl_bundle.cli.shell.console import Console
from acl_bundle.cli.shell.status import INTERRUPTED
from acl_bundle.cli.shell.writable import check_writable


@dataclass(frozen=True)
class BenchWish:
    """What was asked for.

    Attributes:
        path: The model.
        sweep: Axes, ``batch=1,8``.
        dtypes: Precisions with commas; nothing for what the model has.
        inputs: Where inputs come from.
        csv: A file for every number.
        plot: A picture to draw.
        as_json: Print JSON.
    """

    path: Path
    sweep: Sequence[str]
    dtypes: str
    inputs: InputChoice
    csv: Path | None
    plot: Path | None
    as_json: bool


def run(wish: BenchWish, effort: Effort) -> None:
    """Measure a model and print what was measured.

    Raises:
        Exit: Ctrl-C ended it early.
        AclBundleError, ValueError, OSError, ModuleNotFoundError: As for `bench`.
    """
    _check(wish)
    given = answers.given(wish.inputs)
    model = bench.open(wish.path)
    named = dict.fromkeys(one.strip() for one in wish.dtypes.split(","))
    chosen = list(named) if wish.dtypes else list(model.dtypes[:2])
    axes = [bench.parse(text) for text in wish.sweep]
    table = bench.cells(model, axes, chosen, given)
    where = bench.use(model)
    ended = True  # until all is measured
    try:
        _measure(model, table, effort, given)
        ended = False
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    finally:
        measured = [cell for cell in table if cell.measured]
        try:
            if measured:  # before the table, whose reader may have enough of it
                _write(wish, where, effort, measured)
        finally:
            if measured or wish.as_json:
                show.measured(wish.path, where, effort, measured, wish.as_json, ended, len(table))


def _check(wish: BenchWish) -> None:
    """Refuse files, before anything is measured, that could not or must not be written."""
    read = [wish.path, *wish.inputs.files, *wish.inputs.named.values()]
    check_writable([wish.csv, wish.plot], read)
    if wish.plot is not None:
        from acl_bundle.bench import plot  # noqa: PLC0415  an extra of its own

        plot.check(wish.plot)


def _write(wish: BenchWish, where: Where, effort: Effort, cells: Sequence[Cell]) -> None:
    if wish.csv is not None:
        told.write_csv(cells, str(wish.path), where, effort, wish.csv)
    if wish.plot is not None:
        from acl_bundle.bench import plot  # noqa: PLC0415  an extra of its own

        plot.draw(cells, f"{wish.path.name}: {where}\n{show.how(effort)}", wish.plot)


def _measure(
    model: bench.MeasuredModel, table: Sequence[Cell], effort: Effort, given: Arrays
) -> None:
    """Fill the table, and move a bar."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=len(table))
        for at, cell in enumerate(table):
            for done in bench.measure(model, cell, effort, given):
                bar.update(task, completed=at + done)
