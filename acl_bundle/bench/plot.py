"""The table as a picture: mean latency by shape, a line per precision. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from acl_bundle._base.atomic import replacing
from acl_bundle.bench.rounds import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg", ".pdf")


def check(path: Path) -> None:
    """Refuse a picture, before anything is measured, that could not be drawn.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: The suffix is of no known format.
        FileNotFoundError: The folder does not exist.
    """
    import matplotlib  # noqa: F401, PLC0415  an extra of its own

    if path.suffix not in SUFFIXES:
        raise ValueError(f"--plot is {path}; {', '.join(SUFFIXES)} are right")
    if not path.parent.is_dir():
        raise FileNotFoundError(2, "No such file or directory", str(path.parent))


def draw(cells: Sequence[Cell], title: str, path: Path) -> None:
    """Draw measured cells; the first axis runs along, every other size has lines of its own.

    Raises:
        OSError: The file cannot be written; what was there still is.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for others, row in _lines(cells).items():
        _line(axes, row, others)
    along = next(iter(cells[0].sizes), "")
    axes.set(xlabel=along, ylabel="mean latency in ms")
    axes.set_ylim(bottom=0)
    axes.set_title(title, fontsize=8, wrap=True)
    axes.legend(fontsize=8)
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:])


def _lines(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Group the cells by what is not the first axis."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        others = ", ".join(f"{name} {size}" for name, size in list(cell.sizes.items())[1:])
        found.setdefault(others, []).append(cell)
    return found


def _line(axes: Axes, row: Sequence[Cell], others: str) -> None:
    along = [next(iter(cell.sizes.values()), 0) for cell in row]
    for at, timing in enumerate(row[0].timings):
        label = f"{timing.dtype}, {others}" if others else timing.dtype
        axes.plot(along, [cell.timings[at].mean_ms for cell in row], marker="o", label=label)
