"""Closing a bundle whose results somebody is about to fetch, or that others close as well."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, om

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def wide(tmp_path: Path) -> Iterator[ab.Bundle]:
    """A graph whose outputs take a while to fetch."""
    path = tmp_path / "wide.om"
    build.null({"x": ("float32", (4,))}, {"y": ("float32", (16 << 20,))}).save(path)
    with ab.Bundle.load(path) as bundle:
        bundle.infer.run([np.zeros(4, np.float32)], timeout_ms=5000)
        fake.latency("aclmdlExecuteAsync", 0.25)
        yield bundle


@pytest.mark.timed
def test_a_run_with_a_timeout_gets_its_outputs(wide: ab.Bundle) -> None:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(wide.infer.run, [np.zeros(4, np.float32)], timeout_ms=5000)
        time.sleep(0.05)
        wide.close()
        assert run.result(5)["y"].shape == (16 << 20,)
    assert fake.violations() == []


@pytest.mark.timed
def test_a_handler_of_a_signal_closes_under_a_run(wide: ab.Bundle) -> None:
    """Nobody fetches the outputs any more, and nobody waits for that."""
    before = signal.signal(signal.SIGALRM, lambda *_: wide.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        with pytest.raises(ab.ClosedError):
            wide.infer.run([np.zeros(4, np.float32)], timeout_ms=5000)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert fake.violations() == []


@pytest.mark.timed
def test_a_callback_and_another_thread_close_at_once(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    bundle.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.1)
    futures = [bundle.infer.submit(mlp.x) for _ in range(6)]
    closing = threading.Event()

    def close(_: Any) -> None:
        closing.wait(5)
        time.sleep(0.02)
        bundle.close()

    futures[0].add_done_callback(close)
    futures[0].result(5)
    closing.set()
    bundle.close()
    errors = [future.exception(5) for future in futures]
    assert errors[:3] == [None] * 3
    assert all(isinstance(error, ab.ClosedError) for error in errors[4:])
    assert fake.violations() == []


def test_the_callbacks_of_two_graphs_close_at_once(mlp: Any, tmp_path: Path) -> None:
    file = om.open_bundle(mlp.path)
    infer = file.roles["infer"]
    path = tmp_path / "two.om"
    om.write_bundle([*file.models, file.models[infer]], file.variable_size).save(path)
    bundle = ab.Bundle.load(path, roles=file.roles)
    bundle.init()
    graphs = bundle.graphs[infer], bundle.graphs[3]
    together = threading.Barrier(2)
    closed = [threading.Event() for _ in graphs]
    for graph, event in zip(graphs, closed, strict=True):

        def close(_: Any, event: threading.Event = event) -> None:
            together.wait(5)
            bundle.close()
            event.set()

        graph.submit(mlp.x).add_done_callback(close)
    assert all(event.wait(5) for event in closed)
    assert bundle.closed
    assert fake.violations() == []
