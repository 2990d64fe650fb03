"""Threads: many infer while one updates, closes, or has another context."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi

from ..readers import reading, repeating

pytestmark = pytest.mark.usefixtures("fake_acl")


def current() -> Any:
    pointer = ffi.new("aclrtContext *")
    acl.aclrtGetCurrentContext(pointer)
    return pointer[0]


def test_every_answer_belongs_to_one_version(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with reading(bundle.infer, mlp, range(1, 21), 4):
            for version in range(1, 21):
                bundle.update(mlp.random(version), version=version)
                time.sleep(0.002)


@pytest.mark.timed
def test_a_stream_of_inferences_cannot_keep_an_update_out(mlp: Any) -> None:
    fake.latency("aclmdlExecute", 0.02)
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with repeating(lambda: bundle.infer(mlp.x), 8):
            for version in range(1, 6):
                bundle.update(mlp.random(version))
                assert bundle.version == version


def test_a_worker_thread_that_never_set_a_context(mlp: Any) -> None:
    """Facts 1.3: a new thread has no current context."""
    with ab.Bundle.load(mlp.path) as bundle, ThreadPoolExecutor(1) as pool:
        pool.submit(bundle.init).result()
        pool.submit(bundle.update, mlp.random(1)).result()
        y = pool.submit(bundle.infer, mlp.x).result()
        np.testing.assert_allclose(y, mlp.answer(mlp.random(1)), rtol=1e-5, atol=1e-5)


def test_load_on_one_thread_and_close_on_another(mlp: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        bundle = pool.submit(ab.Bundle.load, mlp.path).result()
        bundle.init()
        bundle.close()
    with ThreadPoolExecutor(1) as pool:
        bundle = ab.Bundle.load(mlp.path)
        pool.submit(bundle.close).result()


def test_a_context_of_another_library_is_put_back(mlp: Any) -> None:
    with ab.Device(0), ab.Bundle.load(mlp.path) as bundle:
        theirs = ffi.new("aclrtContext *")
        acl.aclrtCreateContext(theirs, 1)
        try:
            for use in (
                bundle.init,
                lambda: bundle.infer(mlp.x),
                lambda: bundle.update(mlp.random(1)),
                lambda: ab.Bundle.load(mlp.path).close(),
            ):
                assert current() == theirs[0]
                use()
                assert current() == theirs[0]
        finally:
            acl.aclrtDestroyContext(theirs[0])


def test_a_context_is_put_back_after_a_failure(mlp: Any) -> None:
    with ab.Device(0), ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        theirs = ffi.new("aclrtContext *")
        acl.aclrtCreateContext(theirs, 0)
        try:
            fake.fail("aclmdlExecute", 1, 507011)
            with pytest.raises(ab.AclError):
                bundle.infer(mlp.x)
            assert current() == theirs[0]
        finally:
            acl.aclrtDestroyContext(theirs[0])


@pytest.mark.timed
def test_close_waits_for_a_running_inference(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    fake.latency("aclmdlExecute", 0.3)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bundle.infer, mlp.x)
        time.sleep(0.1)
        bundle.close()
        assert running.done() or running.result(timeout=1) is not None
        np.testing.assert_allclose(running.result(), mlp.answer(), rtol=1e-5, atol=1e-5)
    with pytest.raises(ab.ClosedError):
        bundle.infer.run({"x": mlp.x})


def test_close_during_many_inferences(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    infer = bundle.infer

    def until_closed() -> int:
        for count in range(10**9):
            try:
                infer(mlp.x)
            except ab.ClosedError:
                return count
        return -1

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(until_closed) for _ in range(4)]
        time.sleep(0.05)
        bundle.close()
        assert all(reader.result() >= 0 for reader in readers)


def test_updates_from_many_threads_take_turns(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle, ThreadPoolExecutor(4) as pool:
        bundle.init()
        reports = list(pool.map(lambda seed: bundle.update(mlp.random(seed)), range(12)))
        assert sorted(report.version for report in reports) == list(range(1, 13))
        last = max(range(12), key=lambda seed: int(reports[seed].version))
        np.testing.assert_allclose(
            bundle.infer(mlp.x), mlp.answer(mlp.random(last)), rtol=1e-4, atol=1e-4
        )


@pytest.mark.timed
def test_ctrl_c_while_an_update_waits_changes_nothing(mlp: Any) -> None:
    """Design 5: waiting for inferences returns to Python every 100 ms."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.latency("aclmdlExecute", 1.5)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(bundle.infer, mlp.x)
            time.sleep(0.1)
            threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT)).start()
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                bundle.update(mlp.random(1))
            assert time.monotonic() - start < 1.2
            running.result()
        fake.latency("aclmdlExecute", 0)
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        bundle.update(mlp.random(2))
        assert bundle.version == 1
