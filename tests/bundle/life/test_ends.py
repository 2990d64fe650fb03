"""Bundles and snapshots that go while they are at work: collected, closed, or at exit."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

FLOWS = ("owned", "library")


def in_a_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start it; what it returns or raises comes into the list."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


@pytest.mark.timed
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("slow", ["aclrtMemcpy", "aclmdlExecute"])
def test_a_bundle_is_not_collected_in_an_update(
    mlp: Any, fake_acl: Any, flow: Any, slow: str
) -> None:
    """The handle alone does not keep it, the call does."""
    bundle = ab.Bundle.load(mlp.path, variables=flow)
    bundle.init()
    update = bundle.update
    fake.latency(slow, 0.1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread, found = in_a_thread(lambda: update(mlp.random(1)))
        time.sleep(0.03)
        del bundle
        thread.join()
        gc.collect()
    assert found[0].version == 1
    assert "unclosed Bundle" in str(caught[0].message)
    with pytest.raises(ab.ClosedError):
        update(mlp.random(2))


SCRIPT = """
import atexit, sys, threading, time
from acl_bundle import fake
fake.activate()
atexit.register(lambda: print(len(fake.violations()), len(fake.live())))
import numpy as np
import acl_bundle as ab
path, flow, slow = sys.argv[1:]
bundle = ab.Bundle.load(path, variables=flow)
bundle.init()
fake.latency(slow, 0.03)
begun = threading.Event()
def work():
    while True:
        bundle.update({"b2": np.ones(3, "f4")})
        begun.set()
threading.Thread(target=work, daemon=True).start()
begun.wait()
time.sleep(0.04)
"""


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("slow", ["aclrtMemcpy", "aclmdlExecute"])
def test_exit_waits_for_an_update(mlp: Any, flow: str, slow: str) -> None:
    command = [sys.executable, "-c", SCRIPT, str(mlp.path), flow, slow]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "0 0\n", done.stderr
    assert "AclInternalError" not in done.stderr
    assert done.returncode == 0


@pytest.mark.timed
def test_a_snapshot_is_not_closed_under_a_restore(mlp: Any, fake_acl: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        snapshot = bundle.snapshot()
        bundle.update(mlp.random(1))
        fake.latency("aclrtMemcpy", 0.1)
        thread, found = in_a_thread(lambda: bundle.restore(snapshot))
        time.sleep(0.05)
        snapshot.close()
        thread.join()
        fake.latency("aclrtMemcpy", 0)
        assert found == [None]
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


class Calling(Mapping[str, Any]):
    """Calls something whenever it is asked for a value."""

    def __init__(self, weights: dict[str, Any], call: Callable[[], Any]) -> None:
        self._weights, self._call = weights, call

    def __getitem__(self, name: str) -> Any:
        self._call()
        return self._weights[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


@pytest.mark.parametrize("call", ["snapshot", "verify", "close", "init", "update.plan"])
def test_what_waits_for_itself_is_refused(mlp: Any, fake_acl: Any, call: str) -> None:
    """As a mapping of weights that calls back would, for ever and deaf to Ctrl-C."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        calls: dict[str, Callable[[], Any]] = {
            "snapshot": bundle.snapshot,
            "verify": bundle.verify,
            "close": bundle.close,
            "init": bundle.init,
            "update.plan": lambda: bundle.update.plan({}),
        }
        with pytest.raises(ab.BusyError, match="from within"):
            bundle.update(Calling(mlp.random(1), calls[call]))
        assert bundle.version == 0
        assert bundle.update(mlp.random(1)).version == 1
        assert bundle.infer.submit(mlp.x).result().shape == (4, 3)


def test_a_handler_that_closes_the_bundle_in_its_update(mlp: Any, fake_acl: Any) -> None:
    """It cannot: it would wait for what it has interrupted. It says so instead."""
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    before = signal.signal(signal.SIGTERM, lambda *_: bundle.close())
    times = iter([signal.SIGTERM])

    def once() -> None:
        for number in times:
            os.kill(os.getpid(), number)

    try:
        with pytest.raises(ab.BusyError, match="close is refused"):
            bundle.update(Calling(mlp.random(1), once))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert bundle.version == 0
    bundle.close()
