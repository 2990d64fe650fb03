"""The thread's context: what was found is put back, unless it has ended meanwhile.

A thread that had none keeps ours (there is no way to have none again), so what the next call finds
may be ours, of another device, which another thread closes before the call ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi, lib

pytestmark = pytest.mark.usefixtures("fake_acl")


def current() -> Any:
    pointer = ffi.new("aclrtContext *")
    acl.aclrtGetCurrentContext(pointer)
    return pointer[0]


@contextmanager
def a_context(device: int) -> Iterator[Any]:
    """A context of another library's."""
    made = ffi.new("aclrtContext *")
    acl.aclrtCreateContext(made, device)
    try:
        yield made[0]
    finally:
        acl.aclrtDestroyContext(made[0])


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true() and time.monotonic() < end:
        time.sleep(0.002)


def sets() -> int:
    return fake.calls().get("aclrtSetCurrentContext", 0) + fake.calls().get("aclrtSetDevice", 0)


def timed(bundle: ab.Bundle, x: Any) -> Any:
    return bundle.infer.run({"x": x}, timeout_ms=10_000)["y"]


def snapshot(bundle: ab.Bundle, _: Any) -> None:
    with bundle.snapshot("host") as taken:
        bundle.restore(taken)


SLOW = ("aclrtMemcpy", "aclmdlExecute", "aclmdlExecuteAsync", "aclrtSynchronizeStreamWithTimeout",
        "aclmdlBundleLoadModel", "aclmdlBundleInitFromMem", "aclrtMalloc")  # fmt: skip
USES: dict[str, Callable[[ab.Bundle, Any], Any]] = {
    "infer": lambda bundle, x: bundle.infer(x),
    "run": lambda bundle, x: bundle.infer.run({"x": x})["y"],
    "bind": lambda bundle, x: bundle.infer.bind({"x": x}, {"y": np.empty((4, 3), "f4")})(),
    "submit": lambda bundle, x: bundle.infer.submit(x).result(),
    "stream": lambda bundle, x: list(bundle.infer.stream([x])),
    "timeout": timed,
    "init": lambda bundle, _: bundle.init(),
    "init timed": lambda bundle, _: bundle.init(timeout_ms=10_000),
    "update": lambda bundle, x: bundle.update({"w1": np.zeros((8, 16), "f4")}),
    "update timed": lambda bundle, x: bundle.update({"b2": np.ones(3, "f4")}, timeout_ms=10_000),
    "snapshot, restore": snapshot,
    "load, close": lambda bundle, _: ab.Bundle.load(_PATH[0], device=1).close(),
    "device": lambda bundle, _: ab.Device(1).close(),
}
_PATH: list[Path] = []


@pytest.mark.timed
@pytest.mark.parametrize("use", USES)
def test_a_device_of_ours_that_another_thread_closes_meanwhile(mlp: Any, use: str) -> None:
    _PATH[:] = [mlp.path]
    with ab.Bundle.load(mlp.path, device=1) as bundle, ThreadPoolExecutor(1) as pool:
        bundle.init()
        USES[use](bundle, mlp.x)  # its second ids are loaded
        other = pool.submit(ab.Device, 0).result()  # whose context the thread keeps
        for function in SLOW:
            fake.latency(function, 0.05)
        before = sets()
        result = pool.submit(USES[use], bundle, mlp.x)
        until(lambda: sets() > before)
        other.close()
        result.result()
        for function in SLOW:
            fake.latency(function, 0)
        pool.submit(bundle.infer, mlp.x).result()


@pytest.mark.timed
@pytest.mark.parametrize("shapes", [{"dynamic_batch": [1, 4]}, {"dynamic_shape": True}])
def test_a_device_closed_while_a_plain_file_runs(mlp: Any, shapes: Any) -> None:
    data = build.model(_batched(mlp), **shapes)
    with ab.Bundle.load(data.to_bytes(), device=1) as bundle, ThreadPoolExecutor(1) as pool:
        other = pool.submit(ab.Device, 0).result()
        fake.latency("aclmdlExecute", 0.05)
        before = sets()
        result = pool.submit(bundle.infer, mlp.x)
        until(lambda: sets() > before)
        other.close()
        np.testing.assert_allclose(result.result(), mlp.answer(), rtol=1e-5, atol=1e-5)


def _batched(mlp: Any) -> Any:
    model = type(mlp.onnx).FromString(mlp.onnx.SerializeToString())
    for end in (*model.graph.input, *model.graph.output):
        end.type.tensor_type.shape.dim[0].dim_param = "n"
    return model


def test_a_dead_context_of_ours_is_not_set_again() -> None:
    """The same in steps, on one thread."""

    def steps() -> None:
        first, second, visit = ab.Device(0), ab.Device(1), ffi.new("ab_visit *")
        assert current() == first.context
        assert lib.ab_context_enter(second.context, visit) == 0
        first.close()
        before = fake.calls()["aclrtSetCurrentContext"]
        lib.ab_context_leave(visit)
        assert fake.calls()["aclrtSetCurrentContext"] == before
        assert current() == second.context
        second.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(steps).result()


def test_a_living_context_of_ours_is_put_back() -> None:
    """Somebody may have chosen the device on this thread after us."""

    def steps() -> None:
        with ab.Device(0) as first, ab.Device(1) as second:
            assert current() == first.context
            with second.activated():
                assert current() == second.context
            assert current() == first.context

    with ThreadPoolExecutor(1) as pool:
        pool.submit(steps).result()


def test_a_device_that_the_caller_has_set_is_his_whatever_we_close() -> None:
    def steps() -> None:
        acl.aclInit(b"")
        acl.aclrtSetDevice(0)
        theirs = current()
        with ab.Device(1) as second:
            ours = ab.Device(0)
            assert ours.context == theirs
            with second.activated():
                ours.close()
            assert current() == theirs
        acl.aclrtResetDevice(0)
        acl.aclFinalizeReference(ffi.NULL)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(steps).result()


@pytest.mark.parametrize("use", USES)
def test_a_context_that_cannot_be_put_back_takes_nothing_away(mlp: Any, use: str) -> None:
    _PATH[:] = [mlp.path]
    with ab.Bundle.load(mlp.path, device=1) as bundle, a_context(0) as theirs:
        bundle.init()
        USES[use](bundle, mlp.x)
        fake.set("trace", "on")
        USES[use](bundle, mlp.x)
        want = hex(int(ffi.cast("uintptr_t", theirs)))
        rows = [row for row in fake.trace() if row["function"] == "aclrtSetCurrentContext"]
        backs = [at for at, row in enumerate(rows, 1) if want in row["args"]]
        for nth in backs:
            fake.fail("aclrtSetCurrentContext", nth, 107000)
            USES[use](bundle, mlp.x)
            fake.fail("aclrtSetCurrentContext", 0, 0)
            acl.aclrtSetCurrentContext(theirs)
    assert backs or use in ("submit", "stream")


def test_a_context_that_cannot_be_put_back_hides_no_failure(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, device=1) as bundle, a_context(0):
        bundle.init()
        fake.fail("aclmdlExecute", 1, 507011)
        fake.fail("aclrtSetCurrentContext", 2, 107000)
        with pytest.raises(ab.AclError) as caught:
            bundle.infer(mlp.x)
        assert (caught.value.function, caught.value.code) == ("aclmdlExecute", 507011)


def test_a_block_of_a_device_keeps_its_own_exception() -> None:
    with ab.Device(1) as device, a_context(0) as theirs:
        with pytest.raises(KeyError), device.activated():  # noqa: PT012
            fake.fail("aclrtSetCurrentContext", 1, 107000)
            raise KeyError("mine")
        acl.aclrtSetCurrentContext(theirs)


@pytest.mark.parametrize("back", ["aclmdlDestroyDesc", "aclrtFree", "aclmdlBundleUnload"])
def test_what_cannot_be_given_back_does_not_hide_why_a_load_failed(mlp: Any, back: str) -> None:
    fake.fail("aclmdlGetDesc", 1, 507011)
    fake.fail(back, 1, 507899)
    with pytest.raises(ab.AclError) as caught:
        ab.Bundle.load(mlp.path)
    assert (caught.value.function, caught.value.code) == ("aclmdlGetDesc", 507011)
    fake.reset()  # what was not given back stays alive
