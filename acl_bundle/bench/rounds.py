"""Timed inferences: every precision of a cell takes its turn in every round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle.bench.axes import Axis, Shapes, grid
from acl_bundle.bench.models import AS_IT_IS, MeasuredModel
from acl_bundle.bundle import Bundle
from acl_bundle.spec import TensorSpec


@dataclass(frozen=True)
class Effort:
    """How often to run.

    Attributes:
        rounds: Timed inferences per cell and precision.
        warmup: Inferences before them.
    """

    rounds: int = 100
    warmup: int = 10


@dataclass
class Timing:
    """What was measured of one precision.

    Attributes:
        dtype: The precision.
        nbytes: The model's size as a file, in bytes; 0 until it is built.
        samples: Each inference's time in nanoseconds, from arrays to arrays.
    """

    dtype: str
    nbytes: int = 0
    samples: list[int] = field(default_factory=list)

    @property
    def mean_ms(self) -> float:
        """Mean time of an inference in milliseconds."""
        return float(np.mean(self.samples)) / 1e6

    @property
    def p99_ms(self) -> float:
        """The time in milliseconds that 99 of 100 inferences keep to; one that was measured."""
        return float(np.percentile(self.samples, 99, method="higher")) / 1e6


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
        """How many times faster a precision is than the first one."""
        return self.timings[0].mean_ms / timing.mean_ms


def cells(model: MeasuredModel, axes: Sequence[Axis], dtypes: Sequence[str]) -> list[Cell]:
    """Return the table that `measure` fills.

    Raises:
        ValueError: An axis fits no open dim, an open dim has none, or the model
            has no such precision.
    """
    for name in dtypes:
        if name not in model.dtypes:
            has = "is measured" if model.dtypes == (AS_IT_IS,) else "has"
            raise ValueError(f"dtype {name!r}; the model {has} {', '.join(model.dtypes)}")
    made = grid(axes, model.inputs)
    return [Cell(sizes, shapes, [Timing(name) for name in dtypes]) for sizes, shapes in made]


def measure(model: MeasuredModel, cell: Cell, effort: Effort) -> Iterator[int]:
    """Fill one cell, and yield the number of each round after it.

    Whoever stops in the middle keeps what was measured so far.

    Raises:
        ValueError: The model cannot be built for these shapes.
        AclBundleError: It cannot be loaded or run.
    """
    with ExitStack() as stack:
        runs = [_ready(stack, model, cell, timing) for timing in cell.timings]
        for _ in range(effort.warmup):
            for run in runs:
                run()
        for at in range(effort.rounds):
            for run, timing in zip(runs, cell.timings, strict=True):
                start = perf_counter_ns()
                run()
                timing.samples.append(perf_counter_ns() - start)
            yield at


def _ready(stack: ExitStack, model: MeasuredModel, cell: Cell, timing: Timing) -> Callable[[], Any]:
    """Load a model and return one inference on arrays made for it."""
    source, timing.nbytes = model.made(cell.shapes, timing.dtype)
    bundle = stack.enter_context(Bundle.load(source))
    graph = bundle.infer
    _fill(bundle)
    given = {spec.name: _array(spec, cell.shapes.get(spec.name)) for spec in graph.inputs}
    return lambda: graph.run(given)


def _fill(bundle: Bundle) -> None:
    """Give the weights values: the file's own, else zeros."""
    roles = {graph.role for graph in bundle.graphs}
    if "init" in roles:
        bundle.init()
    elif "update" in roles:
        specs = [state.spec for state in bundle.weights.values()]
        unknown = [spec.name for spec in specs if spec.shape is None]
        if unknown:
            raise ValueError(
                f"the file has no init graph and does not tell the shape of {unknown[0]!r}, so"
                " nothing can be put into its weights"
            )
        bundle.update({spec.name: np.zeros(spec.shape or (), spec.dtype) for spec in specs})


def _array(spec: TensorSpec, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """Make an input: normal numbers; as integers zeros, which any table holds; masks of ones."""
    dims = spec.shape if shape is None else shape
    if spec.dtype.kind in "biu":
        masks = spec.dtype.kind == "b" or "mask" in spec.name.lower()
        return (np.ones if masks else np.zeros)(dims, spec.dtype)
    values: NDArray[Any] = np.random.default_rng(0).standard_normal(dims)
    return values.astype(spec.dtype)
