"""Inferences by several threads at once, for so long or so often; Ctrl-C loses none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from threading import Barrier, BrokenBarrierError
from time import perf_counter_ns
from typing import Any

from acl_bundle.bench.timing import Samples


class TimedThreads:
    """So many threads that run the same thing; close it, or use ``with``.

    With one, the calling thread runs it.
    """

    def __init__(self, stack: ExitStack, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count) if count > 1 else None
        if self._pool is not None:
            stack.enter_context(self._pool)

    def turn(self, run: Callable[[], Any], into: Samples, more: Callable[[int], bool]) -> None:
        """Run until ``more`` says no, and add what it took to the samples.

        Args:
            run: What is timed.
            into: Where the times go, those of a turn that ends early included.
            more: Asked before each run, with the number of runs begun before.
        """
        if self._pool is None:
            begun = 0
            while more(begun):
                start = perf_counter_ns()
                run()
                into.add(perf_counter_ns() - start)
                begun += 1
            return
        self._at_once(self._pool, run, into, more)

    def _at_once(
        self,
        pool: ThreadPoolExecutor,
        run: Callable[[], Any],
        into: Samples,
        more: Callable[[int], bool],
    ) -> None:
        numbers, stop, begun = itertools.count(), False, perf_counter_ns()
        rows: list[list[int]] = [[] for _ in range(self._count)]

        def begin() -> None:
            nonlocal begun
            begun = perf_counter_ns()

        together = Barrier(self._count, begin)  # starts of threads are in no time

        def work(row: list[int]) -> None:
            with suppress(BrokenBarrierError):
                together.wait()
                while not stop and more(next(numbers)):
                    start = perf_counter_ns()
                    run()
                    row.append(perf_counter_ns() - start)

        futures = [pool.submit(work, row) for row in rows]
        try:
            for one in futures:
                one.result()
        finally:
            stop = True
            together.abort()
            wait(futures)
            into.samples += itertools.chain.from_iterable(rows)
            into.busy_ns += perf_counter_ns() - begun
