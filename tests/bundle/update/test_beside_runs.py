"""Updates beside running inferences, and interrupts in the middle of updates."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")
INTERRUPTS = 200


@contextlib.contextmanager
def readers(bundle: ab.Bundle, mlp: Any, count: int, seen: list[ab.Outputs]) -> Iterator[None]:
    """Threads that infer without pause; each keeps what it saw change."""
    done = threading.Event()

    def infer() -> None:
        last: Any = object()
        while not done.is_set():
            out = bundle.infer.run({"x": mlp.x})
            if out.version != last:
                last = out.version
                seen.append(out)

    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(infer) for _ in range(count)]
        try:
            yield
        finally:
            done.set()
        for one in running:
            one.result()


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_eight_threads_through_a_thousand_updates_see_whole_versions(mlp: Any, flow: Any) -> None:
    values = [mlp.random(seed) for seed in range(10)]
    answers = [mlp.answer(value) for value in values]
    seen: list[ab.Outputs] = []
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.update(values[0], version=0)
        with readers(bundle, mlp, 8, seen):
            for version in range(1, 1001):
                bundle.update(values[version % 10], version=version)
                time.sleep(1e-4)  # lets the readers have the GIL
    assert len({out.version for out in seen}) > 50
    for out in seen:
        assert isinstance(out.version, int)
        np.testing.assert_allclose(out["y"], answers[out.version % 10], rtol=1e-4, atol=1e-4)


@pytest.mark.timed
def test_a_busy_bundle_is_left_alone_when_waiting_is_not_wanted(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle, ThreadPoolExecutor(2) as pool:
        bundle.init()
        bundle.infer(mlp.x)
        fake.latency("aclmdlExecute", 0.4)
        running = pool.submit(bundle.infer, mlp.x)
        time.sleep(0.05)
        started = time.monotonic()
        with pytest.raises(ab.BusyError, match=r"when_busy='fail'\): inferences still run"):
            bundle.update(mlp.random(1), when_busy="fail")
        assert time.monotonic() - started < 0.2
        with pytest.raises(ab.BusyError, match=r"timeout_ms=150\): inferences still run"):
            bundle.init(timeout_ms=150)
        assert bundle.version == 0
        running.result()
        updating = pool.submit(bundle.update, mlp.random(1))
        time.sleep(0.05)
        with pytest.raises(ab.BusyError, match="another update or init goes on"):
            bundle.update(mlp.random(2), when_busy="fail")
        with pytest.raises(ab.BusyError, match="another update or init goes on"):
            bundle.update(mlp.random(2), timeout_ms=50)
        updating.result()
        fake.latency("aclmdlExecute", 0)
        assert bundle.update(mlp.random(2), when_busy="fail").version == 2


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_an_interrupt_at_any_moment_of_an_update(mlp: Any, flow: Any) -> None:
    values = [mlp.random(seed) for seed in range(4)]
    answers = [mlp.answer(value) for value in values]
    generator, interrupted = random.Random(7), 0

    def strike(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, strike)
    try:
        with ab.Bundle.load(mlp.path, variables=flow) as bundle:
            bundle.update(values[0], version=0)
            live = len(fake.live())
            reports = [bundle.update(values[0], version=0) for _ in range(9)]
            longest = 1.5 * min(sum(report.seconds.values()) for report in reports)
            for _ in range(20 * INTERRUPTS):
                if interrupted == INTERRUPTS:
                    break
                was = bundle.version
                assert isinstance(was, int)
                try:
                    signal.setitimer(signal.ITIMER_REAL, generator.uniform(1e-6, longest))
                    bundle.update(values[(was + 1) % 4], version=was + 1)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    interrupted += 1
                signal.setitimer(signal.ITIMER_REAL, 0)
                out = bundle.infer.run({"x": mlp.x})
                assert out.version == bundle.version
                assert out.version in (was, was + 1)
                want = answers[out.version % 4]  # type: ignore[operator]
                np.testing.assert_allclose(out["y"], want, rtol=1e-4, atol=1e-4)
                assert signal.getsignal(signal.SIGALRM) is strike
            bundle.update(values[0], when_busy="fail")
            assert len(fake.live()) <= live + 2, "the staging area and the copy for rollback"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted == INTERRUPTS
    assert fake.live() == []


@pytest.mark.timed
@pytest.mark.parametrize("flow", ["owned", "library"])
def test_an_interrupt_while_waiting_for_inferences_changes_nothing(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle, ThreadPoolExecutor(1) as pool:
        bundle.init()
        fake.latency("aclmdlExecute", 1.0)
        running = pool.submit(bundle.infer, mlp.x)
        time.sleep(0.05)
        threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            bundle.update(mlp.random(1))
        assert not running.done(), "it did not wait for the inference"
        running.result()
        fake.latency("aclmdlExecute", 0)
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


@pytest.mark.timed
def test_a_long_update_of_a_lazy_mapping_can_be_interrupted(mlp: Any) -> None:
    class View(Mapping[str, Any]):
        """A mapping that is no dict, and so lazy."""

        def __init__(self, inner: dict[str, Any]) -> None:
            self.inner = inner

        def __getitem__(self, name: str) -> Any:
            time.sleep(0.2)
            return self.inner[name]

        def __iter__(self) -> Iterator[str]:
            return iter(self.inner)

        def __len__(self) -> int:
            return len(self.inner)

    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            bundle.update(View(mlp.random(1)))
        assert time.monotonic() - started < 0.5, "four values, fetched twice, take 1.6 s"
        assert bundle.version == 0
        assert bundle.update(mlp.random(1)).version == 1


@pytest.mark.timed
def test_a_bundle_is_not_poisoned_while_a_commit_writes(fake_acl: Any, mlp: Any) -> None:
    """T1 commits, T2 asks whether the bundle is poisoned, as a server does before each run."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.latency("aclmdlExecute", 0.2)
        updating = threading.Thread(target=bundle.update, args=(mlp.weights,))
        updating.start()
        told = []
        while updating.is_alive():
            told.append(bundle.poisoned)
        updating.join()
    assert told
    assert not any(told)
