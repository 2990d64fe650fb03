"""Commits that the device does not finish in time: given up, waited for, rolled back."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOWS = ("owned", "library")


def wait_until(condition: Any, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def answers(bundle: ab.Bundle, mlp: Any) -> bool:
    try:
        bundle.infer(mlp.x)
    except ab.PoisonedError:
        return False
    return True


@pytest.mark.parametrize("flow", FLOWS)
def test_an_update_within_its_time(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init(timeout_ms=5000)
        for seed in (1, 2):
            assert bundle.update(mlp.random(seed), timeout_ms=5000).version == seed
        want = mlp.answer(mlp.random(2))
        np.testing.assert_allclose(bundle.infer(mlp.x), want, rtol=1e-5, atol=1e-5)
        bundle.update(mlp.random(3))  # the other id goes on as it was
        assert bundle.version == 3


@pytest.mark.timed
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("arguments", [(), (2,)], ids=["init", "update"])
def test_what_hangs_is_rolled_back_when_it_is_over(mlp: Any, flow: Any, arguments: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        bundle.update(mlp.random(1))
        before = bundle.infer(mlp.x)
        fake.latency("aclmdlExecuteAsync", 0.5)
        change: Any = bundle.update if arguments else bundle.init
        with pytest.raises(ab.AclTimeoutError, match="version 1 was put back") as caught:
            change(*map(mlp.random, arguments), timeout_ms=60)
        assert caught.value.function == "aclrtSynchronizeStreamWithTimeout"
        assert isinstance(caught.value, TimeoutError)
        with pytest.raises(ab.PoisonedError):
            bundle.infer(mlp.x)
        for call in (bundle.init, bundle.snapshot, lambda: bundle.update(mlp.random(3))):
            with pytest.raises(ab.BusyError, match="still on the device"):
                call()
        wait_until(lambda: answers(bundle, mlp))
        fake.latency("aclmdlExecuteAsync", 0)
        np.testing.assert_array_equal(bundle.infer(mlp.x), before)
        assert bundle.version == 1
        assert bundle.update(mlp.random(4), timeout_ms=5000).version == 2
    assert not [t for t in threading.enumerate() if t.name.startswith("acl_bundle")]


@pytest.mark.timed
def test_a_first_update_that_hangs_leaves_nothing_to_go_back_to(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        fake.latency("aclmdlExecuteAsync", 0.3)
        with pytest.raises(ab.AclTimeoutError, match=r"When it is over .* a mixture") as caught:
            bundle.update(mlp.random(1), timeout_ms=50)
        assert "was put back" not in str(caught.value)

        def heals() -> bool:
            try:
                bundle.init()
            except ab.BusyError:
                return False
            return True

        wait_until(heals)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


@pytest.mark.timed
def test_a_bundle_that_closes_while_it_hangs_does_not_wait(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    fake.latency("aclmdlExecuteAsync", 2)
    with pytest.raises(ab.AclTimeoutError):
        bundle.update(mlp.random(1), timeout_ms=50)
    started = time.monotonic()
    with pytest.warns(ResourceWarning, match="still on the device"):
        bundle.close()
    assert time.monotonic() - started < 1
    with pytest.raises(ab.ClosedError):
        bundle.infer(mlp.x)
    wait_until(lambda: fake.live() == [])


@pytest.mark.timed
@pytest.mark.parametrize("function", ["aclmdlExecuteAsync", "aclrtSynchronizeStreamWithTimeout"])
def test_a_failure_on_the_stream_is_rolled_back(mlp: Any, function: str) -> None:
    """At once, or, when the stream does not say that it is done, when it is."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(1), timeout_ms=5000)
        before = bundle.infer(mlp.x)
        fake.fail(function, 1, 507011)
        with pytest.raises(ab.AclInternalError, match=r"version 1 (is in place|was put back)"):
            bundle.update(mlp.random(2), timeout_ms=5000)
        wait_until(lambda: answers(bundle, mlp))
        np.testing.assert_array_equal(bundle.infer(mlp.x), before)


@pytest.mark.timed
@pytest.mark.parametrize("flow", FLOWS)
def test_a_refused_execute_that_left_something_on_the_stream(mlp: Any, flow: Any) -> None:
    """It may have begun a part of the graph: rolled back when the stream says it is done."""
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        bundle.update(mlp.random(1), timeout_ms=5000)
        before = bundle.infer(mlp.x)
        fake.fail("aclmdlExecuteAsync", 1, 507011)
        fake.fail("aclrtStreamQuery", 0, 507899)
        with pytest.raises(ab.AclInternalError, match="version 1 was put back"):
            bundle.update(mlp.random(2), timeout_ms=5000)
        with pytest.raises(ab.PoisonedError):
            bundle.infer(mlp.x)
        fake.fail("aclrtStreamQuery", 0, 0)
        wait_until(lambda: answers(bundle, mlp))
        np.testing.assert_array_equal(bundle.infer(mlp.x), before)


@pytest.mark.timed
@pytest.mark.parametrize("flow", FLOWS)
def test_the_limit_is_not_for_staging(mlp: Any, flow: Any) -> None:
    """It is for what is waited for: the device has all of it, however long the copies took."""
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        bundle.update(mlp.random(1), timeout_ms=5000)
        fake.latency("aclrtMemcpy", 0.3)
        fake.latency("aclmdlExecuteAsync", 0.05)
        assert bundle.update(mlp.random(2), timeout_ms=250).version == 2
        fake.latency("aclrtMemcpy", 0)
