"""Ctrl-C ends every call that waits for another thread, and leaves everything as it was."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from ..readers import CLOSE

pytestmark = pytest.mark.usefixtures("fake_acl")
LONG = 60_000


@contextmanager
def handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Have SIGALRM come to this thread in a moment, once."""
    before = signal.signal(signal.SIGALRM, handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGALRM))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        signal.signal(signal.SIGALRM, before)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Calls:
    """Every call that waits, of one bundle."""

    def __init__(self, bundle: ab.Bundle, mlp: Any) -> None:
        infer, x = bundle.infer, mlp.x
        self._device = ab.to_device(x)
        y = np.empty((4, 3), np.float32)
        bound, saved = infer.bind({"x": x}, {"y": y}), bundle.snapshot()
        staged, new = bundle.stage(mlp.random(9)), mlp.random(9)
        self.named: dict[str, Callable[[], object]] = {
            "call": lambda: infer(x),
            "run": lambda: infer.run({"x": x}, {"y": y}),
            "device": lambda: infer(self._device, out="device"),
            "bound": bound,
            "timeout": lambda: infer.run([x], timeout_ms=LONG),
            "submit": lambda: infer.submit(x).result(),
            "stream": lambda: next(infer.stream([x])),
            "init": bundle.init,
            "update": lambda: bundle.update(new),
            "commit": staged.commit,
            "snapshot": bundle.snapshot,
            "restore": lambda: bundle.restore(saved),
            "read": lambda: bundle.read("w1"),
            "hold": lambda: bundle.hold(LONG),
            "close": bundle.close,
        }
        self._given = staged.discard, saved.close, bound.close, self._device.free

    def close(self) -> None:
        for end in self._given:
            end()


INFER = ["call", "run", "device", "bound", "timeout", "submit", "stream"]
WRITE = ["init", "update", "commit", "snapshot", "restore", "read", "hold", "close"]


@pytest.fixture(params=[1, 2], ids=["one", "replicas"])
def bundle(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path, replicas=request.param) as loaded:
        loaded.init()
        yield loaded


@pytest.fixture
def calls(bundle: ab.Bundle, mlp: Any) -> Iterator[Calls]:
    made = Calls(bundle, mlp)
    yield made
    made.close()


@contextmanager
def beside(work: Callable[[threading.Event, threading.Event], object]) -> Iterator[threading.Event]:
    """Have another thread do something until the block ends; yields what ends it."""
    begun, done = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work, begun, done)
        try:
            assert begun.wait(20)
            yield done
        finally:
            done.set()
            running.result(60)


def holds(bundle: ab.Bundle) -> Callable[[threading.Event, threading.Event], object]:
    def work(begun: threading.Event, done: threading.Event) -> None:
        with bundle.hold(LONG):
            begun.set()
            done.wait(20)
        done.set()

    return work


@pytest.mark.parametrize("name", INFER + WRITE)
def test_a_wait_for_another_threads_hold(
    bundle: ab.Bundle, calls: Calls, mlp: Any, name: str
) -> None:
    with beside(holds(bundle)) as done:
        with handled(interrupt), pytest.raises(KeyboardInterrupt):
            calls.named[name]()
        assert not done.is_set()
    if name == "close":
        return
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)
    bundle.update(mlp.random(1))
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(1)), **CLOSE)


@pytest.mark.timed
@pytest.mark.parametrize("name", INFER)
def test_a_wait_for_another_threads_update(
    bundle: ab.Bundle, calls: Calls, mlp: Any, name: str
) -> None:
    """An update whose first step does not come to an end keeps the gate shut."""
    if name == "device":
        calls.named[name]()  # the first one allocates

    def work(begun: threading.Event, done: threading.Event) -> None:
        fake.latency("aclmdlExecute", 2)
        begun.set()
        bundle.update(mlp.random(1))
        fake.latency("aclmdlExecute", 0)
        done.set()

    with beside(work) as done:
        time.sleep(0.2)
        with handled(interrupt), pytest.raises(KeyboardInterrupt):
            calls.named[name]()
        assert not done.is_set()
        assert done.wait(30)
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(1)), **CLOSE)


@pytest.mark.timed
@pytest.mark.parametrize("name", ["call", "run", "device", "bound"])
def test_a_wait_for_other_threads_inferences(mlp: Any, name: str) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        calls = Calls(bundle, mlp)

        def work(begun: threading.Event, done: threading.Event) -> None:
            fake.latency("aclmdlExecute", 2)
            begun.set()
            bundle.infer(mlp.x)
            done.set()

        with beside(work) as done:
            time.sleep(0.2)
            with handled(interrupt), pytest.raises(KeyboardInterrupt):
                calls.named[name]()
            assert not done.is_set()
            assert done.wait(30)
            fake.latency("aclmdlExecute", 0)
        calls.named[name]()
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)
        calls.close()


@pytest.mark.parametrize("name", ["call", "run", "device", "timeout", "submit"])
def test_a_handler_may_infer_while_its_thread_waits(
    bundle: ab.Bundle, calls: Calls, mlp: Any, name: str
) -> None:
    """The handler waits behind the call that it came to; both go on when the hold ends."""
    seen: list[Any] = []
    with beside(holds(bundle)) as done:

        def handler(*_: object) -> None:
            threading.Timer(0.5, done.set).start()
            seen.append(bundle.infer(mlp.x))

        with handled(handler):
            calls.named[name]()
    np.testing.assert_allclose(seen[0], mlp.answer(), **CLOSE)


def test_a_handler_that_calls_a_binding_in_use_is_refused(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=2) as bundle:
        bundle.init()
        calls = Calls(bundle, mlp)
        seen: list[BaseException] = []
        with beside(holds(bundle)) as done:

            def handler(*_: object) -> None:
                for one in (calls.named["bound"], calls.named["bound"].close):  # type: ignore[attr-defined]
                    with pytest.raises(ab.BusyError, match="within a call of it") as refused:
                        one()
                    seen.append(refused.value)
                done.set()

            with handled(handler):
                calls.named["bound"]()
        assert len(seen) == 2
        calls.close()


def test_a_handler_that_holds_has_its_own_inference_refused(bundle: ab.Bundle, mlp: Any) -> None:
    kept: list[ab.Hold] = []
    with beside(holds(bundle)) as done:

        def handler(*_: object) -> None:
            done.set()
            kept.append(bundle.hold(LONG))

        with handled(handler), pytest.raises(ab.BusyError, match="this thread holds the bundle"):
            bundle.infer(mlp.x)
    kept[0].release()
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)


@pytest.mark.timed
@pytest.mark.parametrize("replicas", [1, 2])
def test_those_who_wait_keep_their_order(mlp: Any, replicas: int) -> None:
    """Each waits for several of the steps after which a wait looks for signals."""
    order: list[int] = []
    with ab.Bundle.load(mlp.path, replicas=replicas) as bundle, ThreadPoolExecutor(12) as pool:
        bundle.init()

        def infer(number: int) -> None:
            bundle.infer(mlp.x)
            order.append(number)

        fake.latency("aclmdlExecute", 2)
        waiting: list[Future[None]] = []
        for number in range(0, 5 * replicas, replicas):
            waiting += [pool.submit(infer, number) for _ in range(replicas)]
            time.sleep(0.2)
        fake.latency("aclmdlExecute", 0.2)
        for one in waiting:
            one.result(60)
        fake.latency("aclmdlExecute", 0)
    assert order == sorted(order)
