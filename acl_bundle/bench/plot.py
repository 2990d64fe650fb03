"""The table as a picture: p50 and p99 by size, a colour per precision. Needs matplotlib."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from acl_bundle._base.atomic import replacing
from acl_bundle.bench.rounds import Cell
from acl_bundle.bench.timing import ENOUGH
from acl_bundle.errors import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
TALL: Final = 20
"""From this ratio of the longest to the shortest time on, the axis of times is logarithmic."""
PER_INCH: Final = 9  # characters of a title, wide ones
LABEL: Final = 40  # characters of a line's name
TICKS: Final = 12  # more of them stand upright
IN_COLUMN: Final = 12  # lines of a legend's column


def check(path: Path) -> None:
    """Refuse a picture, before anything is measured, that could not be drawn.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: The suffix is of no known format.
    """
    import matplotlib  # noqa: F401, PLC0415  an extra of its own

    if path.suffix not in SUFFIXES:
        raise ValueError(f"--plot is {path}; {', '.join(SUFFIXES)} are right")


def draw(cells: Sequence[Cell], title: str, path: Path) -> None:
    """Write the picture of measured cells to a file.

    Raises:
        OSError: The file cannot be written; what was there still is.
    """
    made = figure(cells, title)
    with replacing(path) as file:
        made.savefig(file, format=path.suffix[1:], dpi=120)


def figure(cells: Sequence[Cell], title: str) -> Figure:
    """Draw measured cells; the first axis runs along, every other size has lines of its own.

    The swept sizes are the ticks, at equal distances, whatever their ratio.
    """
    from matplotlib import colormaps  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    lines = _lines(cells)
    sizes = list(dict.fromkeys(next(iter(cell.sizes.values()), 0) for cell in cells))
    labels = [_label(one.dtype, others) for others in lines for one in cells[0].timings]
    columns = math.ceil(len(labels) / IN_COLUMN)
    along_width = max(7.0, 3 + 0.3 * len(sizes))
    width = along_width + columns * (0.5 + 0.065 * min(max(map(len, labels)), LABEL))
    fits = int((along_width - 1.2) * PER_INCH)
    made = Figure(figsize=(width, 5.0), layout="constrained")
    axes = made.subplots()
    colours: Any = colormaps["tab10" if len(labels) <= 10 else "tab20"]
    for at, (others, row) in enumerate(lines.items()):
        _draw_line(axes, row, others, sizes, _from(colours.colors, at * len(row[0].timings)))
    _scale(axes, cells)
    along = next(iter(cells[0].sizes), "")
    _ticks(axes, sizes if along else [])
    axes.set_xlabel(_wrapped(along or "one shape", fits))
    axes.set_ylabel("latency in ms, from arrays to arrays")
    axes.grid(axis="y", alpha=0.3)
    axes.set_title(_wrapped(f"{title}\n{_styles(cells)}", fits), fontsize=8)
    made.legend(loc="outside right upper", fontsize=8, ncols=columns)
    return made


def _styles(cells: Sequence[Cell]) -> str:
    fewest = min(timing.count for cell in cells for timing in cell.timings)
    most = "" if fewest >= ENOUGH else f", the largest of {fewest} samples"
    return f"solid: p50, dashed: p99{most}"


def _wrapped(text: str, width: int) -> str:
    return "\n".join(
        line
        for part in visible(text).split("\n")
        for line in textwrap.wrap(part, width, break_on_hyphens=False) or [""]
    ).replace("$", r"\$")


def _lines(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Group the cells by what is not the first axis."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        others = ", ".join(f"{name} {size}" for name, size in list(cell.sizes.items())[1:])
        found.setdefault(others, []).append(cell)
    return found


def _label(dtype: str, others: str) -> str:
    return f"{dtype}, {others}" if others else dtype


def _draw_line(
    axes: Axes, row: Sequence[Cell], others: str, sizes: Sequence[int], colours: Sequence[Any]
) -> None:
    places = [sizes.index(next(iter(cell.sizes.values()), 0)) for cell in row]
    for number, timing in enumerate(row[0].timings):
        measured = [cell.timings[number] for cell in row]
        colour = colours[number % len(colours)]
        label = _wrapped(_label(timing.dtype, others), LABEL)
        p50, p99 = [one.p50_ms for one in measured], [one.p99_ms for one in measured]
        axes.plot(places, p50, marker="o", color=colour, label=label)
        axes.plot(places, p99, marker="x", linestyle="--", color=colour, alpha=0.7)


def _from(colours: Sequence[Any], at: int) -> list[Any]:
    """The colours from one on, and around."""
    return [colours[(at + number) % len(colours)] for number in range(len(colours))]


def _scale(axes: Axes, cells: Sequence[Cell]) -> None:
    """Times from 0 on, or on a logarithmic axis where they differ much."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415

    times = [ms for cell in cells for one in cell.timings for ms in (one.p50_ms, one.p99_ms)]
    if max(times) / min(times) < TALL:
        axes.set_ylim(0, max(times) * 1.05)
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.set_ylim(min(times) / 1.3, max(times) * 1.3)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _ticks(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set_xlim(-0.5, max(len(sizes), 1) - 0.5)
    if len(sizes) > TICKS:
        axes.tick_params(axis="x", labelrotation=90)
