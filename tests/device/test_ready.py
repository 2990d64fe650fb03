"""An array that another stream writes: the fake tells the race, and `ready` ends it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi

from .graphs import W, given, two_outputs

pytestmark = pytest.mark.usefixtures("fake_acl")
NBYTES = 4 * 8 * 4


class Writer:
    """Somebody who fills an array on a stream of their own, late."""

    def __init__(self) -> None:
        self.device = ab.Device(0)
        self._stream, self._event = ffi.new("aclrtStream *"), ffi.new("aclrtEvent *")
        self._host = ffi.new("void **")
        with self.device.activated():
            acl.aclrtCreateStream(self._stream)
            acl.aclrtCreateEvent(self._event)
            acl.aclrtMallocHost(self._host, NBYTES)

    @property
    def event(self) -> int:
        """The address of the event, recorded behind the last `fill`."""
        return int(ffi.cast("uintptr_t", self._event[0]))

    def fill(self, array: ab.DeviceArray, value: Any) -> None:
        """Queue the copy, and record the event behind it."""
        ffi.memmove(self._host[0], np.ascontiguousarray(value).tobytes(), array.nbytes)
        into = ffi.cast("void *", array.pointer)
        with self.device.activated():
            acl.aclrtMemcpyAsync(
                into, array.nbytes, self._host[0], array.nbytes, 1, self._stream[0]
            )
            acl.aclrtRecordEvent(self._event[0], self._stream[0])

    def wait(self) -> None:
        """Wait for the stream."""
        with self.device.activated():
            acl.aclrtSynchronizeStream(self._stream[0])

    def close(self) -> None:
        self.wait()
        with self.device.activated():
            acl.aclrtDestroyEvent(self._event[0])
            acl.aclrtDestroyStream(self._stream[0])
            acl.aclrtFreeHost(self._host[0])
        self.device.close()


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer()
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["static", "gears", "open"])
@pytest.mark.acl(violations="ignore")
def test_a_run_that_does_not_wait_is_a_race(kind: str, writer: Writer) -> None:
    with ab.Bundle.load(two_outputs(kind)) as bundle, ab.to_device(np.zeros((4, 8), "f4")) as x:
        writer.fill(x, given())
        with pytest.raises(ab.AclError, match="nobody waited for"):
            bundle.infer(x)
        writer.wait()
        assert [one["id"] for one in fake.violations()] == ["AB-STR-0004"]


@pytest.mark.parametrize("kind", ["static", "gears", "open"])
def test_a_run_that_waits_is_none(kind: str, writer: Writer) -> None:
    with ab.Bundle.load(two_outputs(kind)) as bundle, ab.to_device(np.zeros((4, 8), "f4")) as x:
        bound = bundle.infer.bind(
            {"x": x}, {"y": (y := np.empty((4, 3), "f4")), "z": np.empty((4, 8), "f4")},
            ready=[writer.event],
        )  # fmt: skip
        for seed, run in enumerate((
            lambda: bundle.infer(x, ready=writer.event)[0],
            lambda: bundle.infer.run([x], ready=SimpleNamespace(npu_event=writer.event))["y"],
            lambda: (bound(), y)[1],
        )):  # fmt: skip
            writer.fill(x, given(4, seed))
            np.testing.assert_allclose(run(), given(4, seed) @ W, rtol=1e-5, atol=1e-6)
        bound.close()
        if kind == "open":
            return
        for seed, later in enumerate((
            lambda: bundle.infer.submit(x, ready=writer.event).result()[0],
            lambda: bundle.infer.run([x], ready=writer.event, timeout_ms=10_000)["y"],
            lambda: next(bundle.infer.stream([[x]], ready=[writer.event]))["y"],
        )):  # fmt: skip
            writer.fill(x, given(4, seed))
            np.testing.assert_allclose(later(), given(4, seed) @ W, rtol=1e-5, atol=1e-6)


@pytest.mark.acl(violations="ignore")
def test_an_update_that_does_not_wait_is_a_race(mlp: Any, writer: Writer) -> None:
    with ab.Bundle.load(mlp.path) as bundle, ab.to_device(mlp.weights["b2"]) as b2:
        bundle.init()
        writer.fill(b2, mlp.random(1)["b2"])
        with pytest.raises(ab.AclError, match="nobody waited for"):
            bundle.update({"b2": b2})
        writer.wait()
        assert [one["id"] for one in fake.violations()] == ["AB-STR-0004"]


def test_an_update_that_waits_is_none(mlp: Any, writer: Writer) -> None:
    with ab.Bundle.load(mlp.path) as bundle, ab.to_device(mlp.weights["b2"]) as b2:
        bundle.init()
        writer.fill(b2, mlp.random(1)["b2"])
        bundle.update({"b2": b2}, ready=writer.event)
        want = mlp.answer({"b2": mlp.random(1)["b2"]})
        np.testing.assert_allclose(bundle.infer(mlp.x), want, rtol=1e-5, atol=1e-5)


def test_an_update_of_a_pair_waits(mlp: Any, writer: Writer) -> None:
    with ab.Pair.load(mlp.path) as pair, ab.to_device(mlp.weights["b2"]) as b2:
        pair.init()
        for seed in (1, 2):
            writer.fill(b2, mlp.random(seed)["b2"])
            pair.update({"b2": b2}, ready=writer.event)
            want = mlp.answer({"b2": mlp.random(seed)["b2"]})
            np.testing.assert_allclose(pair.infer(mlp.x), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("load", [ab.Bundle.load, ab.Pair.load])
@pytest.mark.parametrize("how", ["update", "stage"])
def test_a_generators_array_is_copied_when_it_is_ready(
    mlp: Any, writer: Writer, load: Any, how: str
) -> None:
    """Its copy is made before the update begins; the event is waited for before that."""
    with load(mlp.path) as bundle, ab.empty((3,), "f4") as b2:
        bundle.init()
        writer.fill(b2, mlp.random(1)["b2"])
        given = iter([("b2", b2)])
        if how == "update":
            bundle.update(given, ready=writer.event)
        else:
            with bundle.stage(given, ready=writer.event) as staged:
                staged.commit()
        np.testing.assert_array_equal(bundle.read("b2"), mlp.random(1)["b2"])


@pytest.mark.parametrize(
    ("ready", "error", "text"),
    [
        ("event", TypeError, "ready is 'event'; give the address of an aclrtEvent"),
        (1.5, TypeError, "ready is 1.5"),
        (0, ValueError, "ready is NULL"),
        ([SimpleNamespace(npu_event=0)], ValueError, "a torch.npu.Event that was recorded"),
    ],
)
def test_what_is_no_event_is_refused(mlp: Any, ready: Any, error: Any, text: str) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        for call in (
            lambda: bundle.infer(mlp.x, ready=ready),
            lambda: bundle.infer.stream([mlp.x], ready=ready),
            lambda: bundle.update(mlp.random(1), ready=ready),
        ):
            with pytest.raises(error, match=text):
                call()


@pytest.mark.acl(violations="ignore")
def test_an_event_that_is_gone_is_told(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with pytest.raises(ab.AclError, match="aclrtSynchronizeEvent"):
            bundle.infer(mlp.x, ready=64)
        with pytest.raises(ab.AclError, match="aclrtSynchronizeEvent"):
            bundle.update(mlp.random(1), ready=64)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


LATE_S = 3.0
GRACE_S = 2.0


def interrupted(what: Callable[[], object]) -> bool:
    """Whether Ctrl-C, while a call waits, ends the wait, long before what it waits for."""
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        what()
    return time.monotonic() - begun < GRACE_S


@pytest.mark.timed
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_run_that_waits_for_an_event_feels_ctrl_c(writer: Writer, replicas: int) -> None:
    with (
        ab.Bundle.load(two_outputs("static"), replicas=replicas) as bundle,
        ab.to_device(np.zeros((4, 8), "f4")) as x,
    ):
        outputs = {"y": np.empty((4, 3), "f4"), "z": np.empty((4, 8), "f4")}
        bound = bundle.infer.bind({"x": x}, outputs, ready=writer.event)
        for run in (
            lambda: bundle.infer(x, ready=writer.event),
            lambda: bundle.infer.run([x], ready=writer.event),
            bound,
        ):
            fake.latency("aclrtMemcpyAsync", LATE_S)
            writer.fill(x, given())
            assert interrupted(run)
            other = np.ones((4, 8), np.float32)
            np.testing.assert_allclose(bundle.infer(other)[0], other @ W, rtol=1e-5)
            writer.wait()
        bound.close()


@pytest.mark.timed
@pytest.mark.parametrize("load", [ab.Bundle.load, ab.Pair.load])
@pytest.mark.parametrize("how", ["update", "stage"])
def test_an_update_that_waits_for_an_event_ends_at_its_limit_and_feels_ctrl_c(
    mlp: Any, writer: Writer, load: Any, how: str
) -> None:
    with load(mlp.path) as bundle, ab.to_device(mlp.weights["b2"]) as b2:
        bundle.init()
        fake.latency("aclrtMemcpyAsync", LATE_S)
        writer.fill(b2, mlp.random(1)["b2"])
        change = getattr(bundle, how)
        with pytest.raises(ab.BusyError, match=r"timeout_ms=50.*event of ready= has not come"):
            change({"b2": b2}, ready=writer.event, timeout_ms=50)
        assert interrupted(lambda: change({"b2": b2}, ready=writer.event))
        writer.wait()
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


@pytest.mark.timed
@pytest.mark.parametrize("replicas", [1, 2])
def test_the_close_of_a_binding_beside_a_run_of_it_feels_ctrl_c(replicas: int) -> None:
    """Then calls are refused, and the next close waits for the run that has the arrays."""
    with (
        ab.Bundle.load(two_outputs("static"), replicas=replicas) as bundle,
        ThreadPoolExecutor(1) as pool,
    ):
        outputs = {"y": np.empty((4, 3), "f4"), "z": np.empty((4, 8), "f4")}
        bound = bundle.infer.bind({"x": given()}, outputs)
        fake.latency("aclmdlExecute", LATE_S)
        running = pool.submit(bound)
        while fake.calls().get("aclmdlExecute", 0) == 0:
            time.sleep(0.01)
        assert interrupted(bound.close)
        assert not running.done()
        bound.close()
        assert running.done()
        np.testing.assert_allclose(outputs["y"], given() @ W, rtol=1e-5, atol=1e-6)
        with pytest.raises(ab.ClosedError):
            bound()
