"""A Pair in bad company: queued runs, probes that close, interrupts, limits."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture(params=["owned", "library"])
def pair(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Pair]:
    with ab.Pair.load(mlp.path, variables=request.param) as pair:
        pair.init()
        yield pair


def refuse(pair: ab.Pair, weights: Any, version: str = "refused") -> None:
    with pytest.raises(ab.UpdateError, match="the probe refused"):
        pair.update(weights, version=version, probe=lambda _: False)


def one(mlp: Any, seed: int, name: str) -> dict[str, Any]:
    return {name: mlp.random(seed)[name]}


@pytest.mark.timed
def test_runs_that_wait_for_their_turn_meet_no_refused_version(pair: ab.Pair, mlp: Any) -> None:
    pair.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.02)
    futures = [pair.infer.submit([mlp.x]) for _ in range(12)]
    pair.update(mlp.random(1))
    refuse(pair, mlp.random(2))
    assert {future.result(5).version for future in futures} == {0}


def test_runs_that_are_late_meet_no_refused_version(pair: ab.Pair, mlp: Any) -> None:
    seen: set[Any] = set()
    done = threading.Event()

    def infer() -> None:
        while not done.is_set():
            seen.add(pair.infer.run([mlp.x]).version)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(infer) for _ in range(4)]
            try:
                for k in range(40):
                    pair.update(mlp.random(1), version=f"good {k}")
                    refuse(pair, mlp.random(2))
            finally:
                done.set()
            for reader in readers:
                reader.result()
    finally:
        sys.setswitchinterval(interval)
    assert "refused" not in seen
    assert len(seen) > 1


@pytest.mark.timed
def test_an_update_in_a_callback_that_others_wait_for(pair: ab.Pair, mlp: Any) -> None:
    pair.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.05)
    told: Future[Any] = Future()
    switched = threading.Event()

    def update(_: Any) -> None:
        switched.wait(5)
        try:
            told.set_result(pair.update(mlp.random(2)))
        except ab.BusyError as error:
            told.set_result(error)

    pair.infer.submit(mlp.x).add_done_callback(update)
    last = pair.infer.submit(mlp.x)
    pair.update(mlp.random(1))
    switched.set()
    assert "this callback" in str(told.result(5))
    last.result(5)
    pair.update(mlp.random(2))


@pytest.mark.parametrize("name", ["close", "init", "update"])
def test_a_probe_that_changes_the_pair(pair: ab.Pair, mlp: Any, name: str) -> None:
    again = {
        "close": pair.close,
        "init": pair.init,
        "update": lambda: pair.update(mlp.random(2)),
    }[name]
    with pytest.raises(ab.UpdateError, match="within an update") as caught:
        pair.update(mlp.random(1), probe=lambda _: again())
    assert isinstance(caught.value.__cause__, ab.BusyError)
    assert pair.version == 0


@pytest.mark.timed
def test_an_interrupt_that_comes_during_init(pair: ab.Pair, mlp: Any) -> None:
    """It is told when init is through: the shadow is not what it was."""
    now: dict[str, Any] = {}
    for seed, name in enumerate(("w1", "w2", "b2")):
        pair.update(one(mlp, seed, name))
        now |= one(mlp, seed, name)
    fake.latency("aclmdlExecute", 0.1)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            pair.init()
    finally:
        signal.signal(signal.SIGALRM, before)
        fake.latency("aclmdlExecute", 0)
    pair.update(one(mlp, 4, "b1"))
    now |= one(mlp, 4, "b1")
    np.testing.assert_allclose(pair.infer(mlp.x), mlp.answer(now), rtol=1e-4, atol=1e-4)


@pytest.mark.timed
def test_the_limits_of_an_update_are_its_own(pair: ab.Pair, mlp: Any) -> None:
    """Making up for what was missed waits as long as this update may, not that one."""
    pair.update(one(mlp, 1, "w1"), when_busy="fail")
    late = pair._sides.shadow
    fake.latency("aclmdlExecute", 0.4)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(late.infer, mlp.x)
        time.sleep(0.1)
        fake.latency("aclmdlExecute", 0)
        start = time.monotonic()
        with pytest.raises(ab.BusyError, match="timeout_ms"):
            pair.update(one(mlp, 2, "b1"), timeout_ms=50)
        assert time.monotonic() - start < 0.25
        with pytest.raises(ab.BusyError, match="when_busy='fail'"):
            pair.update(one(mlp, 2, "b1"), when_busy="fail")
        pair.update(one(mlp, 2, "b1"))
        running.result(5)
    now = one(mlp, 1, "w1") | one(mlp, 2, "b1")
    np.testing.assert_allclose(pair.infer(mlp.x), mlp.answer(now), rtol=1e-4, atol=1e-4)


def test_another_update_is_not_waited_for_longer_than_allowed(pair: ab.Pair, mlp: Any) -> None:
    go_on, began = threading.Event(), threading.Event()

    def probe(_: ab.Graph) -> bool:
        began.set()
        return go_on.wait(5)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pair.update, mlp.random(1), probe=probe)
        began.wait(5)
        for limit in ({"timeout_ms": 30}, {"when_busy": "fail"}):
            with pytest.raises(ab.BusyError, match="another update of this Pair"):
                pair.update(mlp.random(2), **limit)  # type: ignore[arg-type]
        go_on.set()
        first.result(5)
    assert pair.version == 1


def test_a_mistake_does_not_cost_the_version_to_revert_to(pair: ab.Pair, mlp: Any) -> None:
    pair.update(one(mlp, 1, "w1"))
    for wrong in ({"w3": mlp.x}, {"w1": mlp.x}, {"b1": mlp.random(1)["b1"].astype(np.int64)}):
        with pytest.raises(ab.WeightError):
            pair.update(wrong)
    with pytest.raises(TypeError):
        pair.update({"w1": "text"})
    pair.revert()
    assert pair.version == 0


def test_values_that_nobody_kept(mlp: Any) -> None:
    with ab.Pair.load(mlp.path, variables="library") as pair:
        pair.init()
        for seed in range(1, 5):
            pair.update(mlp.random(seed), rollback="none")
        refuse(pair, mlp.random(5))
        with pytest.raises(ab.UpdateError, match="update every weight"):
            pair.update(one(mlp, 6, "w1"))
        pair.update(mlp.random(7))
        np.testing.assert_allclose(
            pair.infer(mlp.x), mlp.answer(mlp.random(7)), rtol=1e-4, atol=1e-4
        )
