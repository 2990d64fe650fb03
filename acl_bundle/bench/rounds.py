"""Timed inferences: every precision of a cell takes its turn, again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import Any, Final

from numpy.typing import NDArray

from acl_bundle.bench import loaded
from acl_bundle.bench.axes import Axis, Shapes, grid, settled
from acl_bundle.bench.beside import beside_updates
from acl_bundle.bench.effort import Effort
from acl_bundle.bench.models import AS_IT_IS, MeasuredModel
from acl_bundle.bench.threads import TimedThreads
from acl_bundle.bench.timing import Timing
from acl_bundle.errors import UnsupportedError

PARTS_ROUNDS: Final = 100
"""So many samples of the parts are enough: they say where the time goes."""


@dataclass
class Cell:
    """One combination of sizes.

    Attributes:
        sizes: By axis.
        shapes: By input.
        timings: A row per precision, in the order they were asked for.
    """

    sizes: dict[str, int]
    shapes: Shapes
    timings: list[Timing]

    @property
    def measured(self) -> bool:
        """Whether every precision ran once at least."""
        return all(timing.samples for timing in self.timings)

    def speedup(self, timing: Timing) -> float:
        """How many times shorter the p50 of a precision is than that of the first one."""
        return self.timings[0].p50_ms / timing.p50_ms


def cells(
    model: MeasuredModel,
    axes: Sequence[Axis],
    dtypes: Sequence[str],
    given: Mapping[str, NDArray[Any]] | None = None,
) -> list[Cell]:
    """Return the table that `measure` fills.

    Args:
        model: What is measured.
        axes: Sizes of open dims that no given array settles.
        dtypes: Precisions.
        given: Arrays for inputs, by name; the others are made.

    Raises:
        ValueError: An axis fits no open dim, an open dim has none, the model has no such
            precision, or an array does not fit an input.
    """
    for name in dtypes:
        if name not in model.dtypes:
            has = "is measured" if model.dtypes == (AS_IT_IS,) else "has"
            raise ValueError(f"dtype {name!r}; the model {has} {', '.join(model.dtypes)}")
    found = grid(axes, settled(model.inputs, given or {}))
    return [Cell(sizes, shapes, [Timing(dtype=name) for name in dtypes]) for sizes, shapes in found]


def measure(
    model: MeasuredModel,
    cell: Cell,
    effort: Effort,
    given: Mapping[str, NDArray[Any]] | None = None,
) -> Iterator[float]:
    """Fill one cell, and yield how much of it is done, from 0 to 1, after every turn.

    Whoever stops in the middle keeps what was measured so far.

    Raises:
        ValueError: The model cannot be built for these shapes, or has no weights to update.
        AclBundleError: It cannot be loaded or run.
    """
    steps = 1 + 2 * len(cell.timings) * effort.updates
    with ExitStack() as stack:
        threads = TimedThreads(stack, effort.concurrency)
        turns = [
            _Turns(
                threads, effort, timing, *_ready(stack, model, cell, timing, effort, given or {})
            )
            for timing in cell.timings
        ]
        for _ in range(effort.warmup):
            for one in turns:
                one.run()
        while any(effort.left(timing) for timing in cell.timings):
            for one in turns:
                one.turn()
            yield (1 - max(effort.left(timing) for timing in cell.timings)) / steps
    if effort.updates:
        for done in beside_updates(model, cell.shapes, cell.timings, effort, given or {}):
            yield (1 + done * (steps - 1)) / steps


@dataclass
class _Turns:
    """One precision's turns: inferences, then the parts of one by themselves."""

    threads: TimedThreads
    effort: Effort
    timing: Timing
    run: loaded.Run
    parts: tuple[loaded.Run, ...]

    def turn(self) -> None:
        """Run what a turn is, as long as something is left."""
        if self.effort.left(self.timing):
            self.threads.turn(self.run, self.timing, self.effort.turn(self.timing))
            self._parts()

    def _parts(self) -> None:
        into = self.timing.parts
        rounds = min(self.timing.count, PARTS_ROUNDS) - into.execute.count
        for _ in range(rounds):
            three = into.copy_in, into.execute, into.copy_out
            for run, samples in zip(self.parts, three, strict=False):
                start = perf_counter_ns()
                run()
                samples.add(perf_counter_ns() - start)


def _ready(
    stack: ExitStack,
    model: MeasuredModel,
    cell: Cell,
    timing: Timing,
    effort: Effort,
    given: Mapping[str, NDArray[Any]],
) -> tuple[loaded.Run, tuple[loaded.Run, ...]]:
    """Load a model; return one inference on its arrays, and its three parts where they can be."""
    source, timing.nbytes = model.made(cell.shapes, timing.dtype, effort.replicas > 1)
    ready = loaded.bundle(stack, source, device=effort.device, replicas=effort.replicas)
    graph = ready.infer
    arrays = loaded.arrays(graph, cell.shapes, given, effort.seed)
    try:
        parts: tuple[loaded.Run, ...] = loaded.parts(stack, graph, arrays, effort.device)
    except UnsupportedError:  # this model takes no arrays that are on the device
        parts = ()
    return partial(graph.run, arrays), parts
