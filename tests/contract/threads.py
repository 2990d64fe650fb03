"""Running a piece of a test on other threads, and seeing what came of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def elsewhere(work: Callable[[], T]) -> T:
    """Run it on a thread of its own, which has no context, and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def at_once(count: int, work: Callable[[], T]) -> list[T]:
    """Run it on so many threads that start together."""
    barrier = Barrier(count)

    def run() -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(count)]]
