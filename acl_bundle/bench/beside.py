"""Inferences while updates run one behind the other, in place and in a pair, and without.

1. All inferring threads run; nothing is updated: `UpdateTiming.alone`.
2. One more thread updates every weight, again and again, until the inferring threads have
   done as much again, and one update at least is over: `UpdateTiming.inferences` and `updates`.
3. Both are repeated, so that noise meets both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Event
from time import perf_counter_ns
from typing import Any, Final

from numpy.typing import NDArray

from acl_bundle.bench import loaded
from acl_bundle.bench.axes import Shapes
from acl_bundle.bench.effort import Effort
from acl_bundle.bench.models import MeasuredModel
from acl_bundle.bench.threads import TimedThreads
from acl_bundle.bench.timing import Samples, Timing, UpdateTiming

WAYS: Final = ("in place", "pair")
SLICES: Final = 5


def beside_updates(
    model: MeasuredModel,
    shapes: Shapes,
    timings: Sequence[Timing],
    effort: Effort,
    given: Mapping[str, NDArray[Any]],
) -> Iterator[float]:
    """Add a row per way to every precision, and yield what part is done.

    Raises:
        ValueError: The model has no weights that could be updated.
        AclBundleError: It cannot be loaded, run or updated.
    """
    every = [(timing, way) for timing in timings for way in WAYS]
    for at, (timing, way) in enumerate(every):
        row = UpdateTiming(way)
        timing.beside.append(row)
        with ExitStack() as stack:
            turn = _ready(stack, model, shapes, timing.dtype, effort, given, row)
            for part in range(SLICES):
                turn()
                yield (at + (part + 1) / SLICES) / len(every)


def _ready(
    stack: ExitStack,
    model: MeasuredModel,
    shapes: Shapes,
    dtype: str,
    effort: Effort,
    given: Mapping[str, NDArray[Any]],
    row: UpdateTiming,
) -> Callable[[], None]:
    """Load a model so that it can be updated; return a turn without and with updates."""
    source, _ = model.made(shapes, dtype, True)
    load = loaded.pair if row.how == "pair" else loaded.bundle
    ready = load(stack, source, device=effort.device, replicas=effort.replicas)
    if not ready.weights:
        raise ValueError("--updates: the model has no weights that could be updated")
    run: loaded.Run = partial(
        ready.infer.run, loaded.arrays(ready.infer, shapes, given, effort.seed)
    )
    update: loaded.Run = partial(ready.update, loaded.values(ready))
    threads = TimedThreads(stack, effort.concurrency)
    updater = stack.enter_context(ThreadPoolExecutor(1))
    for once in (run, update, *[run] * effort.warmup):
        once()

    def turn() -> None:
        threads.turn(run, row.alone, effort.turn(row.alone, SLICES))
        _beside(updater, update, row, threads, run, effort)

    return turn


def _beside(
    updater: ThreadPoolExecutor,
    update: Callable[[], Any],
    row: UpdateTiming,
    threads: TimedThreads,
    run: Callable[[], Any],
    effort: Effort,
) -> None:
    """Infer while updates run; no update is under way behind it."""
    stop, before = Event(), row.updates.count
    future = updater.submit(_update, update, row.updates, stop)
    base = effort.turn(row.inferences, SLICES)

    def more(begun: int) -> bool:
        return base(begun) or (row.updates.count == before and not future.done())

    try:
        threads.turn(run, row.inferences, more)
    finally:
        stop.set()
        future.result()


def _update(update: Callable[[], Any], into: Samples, stop: Event) -> None:
    while not stop.is_set():
        start = perf_counter_ns()
        update()
        into.add(perf_counter_ns() - start)
