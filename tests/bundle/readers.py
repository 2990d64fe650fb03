"""Threads that infer while somebody updates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@contextmanager
def reading(graph: Any, mlp: Any, versions: Iterable[int], threads: int) -> Iterator[None]:
    """Infer in some threads; each answer must be that of the version it names.

    Args:
        graph: The inference graph.
        mlp: Its model; version 0 are its own weights, v is ``mlp.random(v)``.
        versions: Those that may come up besides 0.
        threads: How many; each must have had an answer.
    """
    answers = {0: mlp.answer()} | {v: mlp.answer(mlp.random(v)) for v in versions}

    def check() -> None:
        out = graph.run({"x": mlp.x})
        np.testing.assert_allclose(out["y"], answers[out.version], **CLOSE)  # type: ignore[arg-type]

    with repeating(check, threads):
        yield


@contextmanager
def repeating(work: Callable[[], object], threads: int) -> Iterator[None]:
    """Repeat something in some threads; each must have done it once, and may raise."""
    done = threading.Event()

    def repeat() -> int:
        count = 0
        while not done.is_set():
            work()
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(repeat) for _ in range(threads)]
        try:
            yield
        finally:
            done.set()
        assert all(one.result(20) > 0 for one in running)
