"""submit and stream: runs behind their callers, in order, with errors in their place."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture
def bundle(mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        yield bundle


def workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("acl_bundle")]


def slow(seconds: float) -> None:
    fake.latency("aclmdlExecuteAsync", seconds)


def blocked(bundle: ab.Bundle, x: Any) -> list[Future[Any]]:
    """Fill every slot, so that what comes next has to wait."""
    slow(0.3)
    return [bundle.infer.submit(x) for _ in range(3)]


def test_what_call_takes_gives_what_calling_gives(bundle: ab.Bundle, mlp: Any) -> None:
    y = bundle.infer.submit(mlp.x).result(5)
    np.testing.assert_allclose(y, mlp.answer(), **CLOSE)
    for given in ({"x": mlp.x}, [mlp.x], (mlp.x,)):
        out = bundle.infer.submit(given).result(5)
        assert isinstance(out, ab.Outputs)
        assert out.version == 0
        np.testing.assert_allclose(out["y"], mlp.answer(), **CLOSE)


def test_several_inputs_and_outputs_and_none(fake_acl: Any, make_bundle: Any) -> None:
    x = np.zeros(3, np.float32)
    two = make_bundle(lambda a, b: {"p": a + b, "q": a - b}, inputs={"a": x, "b": x})
    none = make_bundle(lambda w: {"y": w * 2}, inputs={}, weights={"w": x + 1})
    with ab.Bundle.load(two) as bundle:
        p, q = bundle.infer.submit(x + 3, x + 1).result(5)
        assert (p.tolist(), q.tolist()) == ([4] * 3, [2] * 3)
        pairs = list(bundle.infer.stream([(x + 3, x + 1), {"a": x, "b": x}]))
        assert [one["q"].tolist() for one in pairs] == [[2] * 3, [0] * 3]
    with ab.Bundle.load(none) as bundle:
        bundle.init()
        assert bundle.infer.submit().result(5).tolist() == [2] * 3
        assert bundle.infer.run({}, timeout_ms=5000)["y"].tolist() == [2] * 3


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_a_stream_keeps_the_order(bundle: ab.Bundle, mlp: Any, depth: int) -> None:
    inputs = [mlp.x * k for k in range(40)]
    for k, y in enumerate(bundle.infer.stream(inputs, depth)):
        np.testing.assert_allclose(y, mlp.answer(x=inputs[k]), **CLOSE)
    assert k == 39


def test_a_stream_pulls_no_more_than_depth_items_ahead(bundle: ab.Bundle, mlp: Any) -> None:
    pulled = 0

    def items() -> Iterator[Any]:
        nonlocal pulled
        for _ in range(10):
            pulled += 1
            yield mlp.x

    stream = bundle.infer.stream(items(), 3)
    assert pulled == 0
    for taken in range(1, 11):
        next(stream)
        assert pulled == min(taken + 3, 10)
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.timed
def test_copies_overlap_the_execute(bundle: ab.Bundle, mlp: Any) -> None:
    """The fake checks the order of streams; here it is the time that tells."""
    list(bundle.infer.stream([mlp.x]))
    fake.latency("aclrtMemcpyAsync", 0.08)
    slow(0.16)
    start = time.monotonic()
    assert len(list(bundle.infer.stream([mlp.x] * 6))) == 6
    assert 0.96 <= time.monotonic() - start < 6 * 0.32 - 0.1


def test_an_error_stands_in_its_place(bundle: ab.Bundle, mlp: Any) -> None:
    """Facts 6.27: what fails on the device surfaces when it is waited for."""
    fake.fail("aclmdlExecuteAsync", 3, 500002)
    wrong = mlp.x.astype(np.float64)
    stream = bundle.infer.stream([mlp.x, wrong, mlp.x, mlp.x, {"z": mlp.x}, mlp.x])
    told: list[str] = []
    while True:
        try:
            y = next(stream)
        except StopIteration:
            break
        except (ab.AclError, TypeError, ValueError) as error:
            told.append(type(error).__name__)
        else:
            np.testing.assert_allclose(y, mlp.answer(), **CLOSE)
            told.append("y")
    assert told == ["y", "TypeError", "y", "AclInternalError", "ValueError", "y"]


def test_a_failure_on_the_device_fails_the_right_run(fake_acl: Any, make_bundle: Any) -> None:
    def function(x: Any) -> Any:
        if x[0] == 5:
            raise RuntimeError("five")
        return {"y": x * 2}

    om = make_bundle(function, inputs={"x": np.zeros(1, np.float32)})
    with ab.Bundle.load(om) as bundle:
        futures = [bundle.infer.submit(np.array([k], np.float32)) for k in range(10)]
        for k, future in enumerate(futures):
            if k == 5:
                with pytest.raises(ab.AclInternalError, match="five") as caught:
                    future.result(5)
                assert caught.value.function == "aclrtSynchronizeStreamWithTimeout"
            else:
                assert future.result(5).tolist() == [2 * k]


def test_the_items_own_error_comes_after_the_results_before_it(bundle: ab.Bundle, mlp: Any) -> None:
    def items() -> Iterator[Any]:
        yield mlp.x
        yield mlp.x
        raise KeyError("no more data")

    stream = bundle.infer.stream(items())
    for _ in range(2):
        np.testing.assert_allclose(next(stream), mlp.answer(), **CLOSE)
    with pytest.raises(KeyError, match="no more data"):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)


def test_items_that_go_on_after_an_error(bundle: ab.Bundle, mlp: Any) -> None:
    class Items(Iterator[Any]):
        count = 0

        def __next__(self) -> Any:
            self.count += 1
            if self.count == 2:
                raise OSError("one bad record")
            if self.count > 3:
                raise StopIteration
            return mlp.x * self.count

    stream = bundle.infer.stream(Items())
    np.testing.assert_allclose(next(stream), mlp.answer(x=mlp.x), **CLOSE)
    with pytest.raises(OSError, match="one bad record"):
        next(stream)
    np.testing.assert_allclose(next(stream), mlp.answer(x=mlp.x * 3), **CLOSE)
    assert list(stream) == []


@pytest.mark.timed
def test_a_future_can_be_cancelled_until_it_runs(bundle: ab.Bundle, mlp: Any) -> None:
    running = blocked(bundle, mlp.x)
    waiting = [bundle.infer.submit(mlp.x) for _ in range(4)]
    assert waiting[1].cancel()
    assert waiting[3].cancel()
    assert not running[0].cancel()
    slow(0)
    for future in (*running, waiting[0], waiting[2]):
        np.testing.assert_allclose(future.result(5), mlp.answer(), **CLOSE)
    for future in (waiting[1], waiting[3]):
        with pytest.raises(CancelledError):
            future.result(5)
    assert fake.calls()["aclmdlExecuteAsync"] == 5


@pytest.mark.timed
def test_closing_a_stream_cancels_what_has_not_begun(bundle: ab.Bundle, mlp: Any) -> None:
    slow(0.1)
    with bundle.infer.stream([mlp.x] * 50, 20) as stream:
        bundle.infer.submit(mlp.x)
        next(stream)
    begun = fake.calls()["aclmdlExecuteAsync"]
    assert begun < 30
    assert list(stream) == []
    slow(0)
    bundle.infer.submit(mlp.x).result(5)
    assert fake.calls()["aclmdlExecuteAsync"] == begun + 1


@pytest.mark.timed
def test_a_stream_that_is_dropped_cancels(bundle: ab.Bundle, mlp: Any) -> None:
    running = blocked(bundle, mlp.x)
    stream = bundle.infer.stream([mlp.x] * 9, 5)
    taking = threading.Thread(target=next, args=(stream,))
    taking.start()
    slow(0)
    taking.join(10)
    del stream, taking
    for future in running:
        future.result(5)
    bundle.infer.submit(mlp.x).result(5)
    assert fake.calls()["aclmdlExecuteAsync"] <= 3 + 6 + 1


def test_many_threads_submit(bundle: ab.Bundle, mlp: Any) -> None:
    def one(seed: int) -> None:
        for k in range(60):
            x = mlp.x * (seed * 100 + k)
            if k % 10 == 9:
                y = bundle.infer.run([x], timeout_ms=20000)["y"]
            elif k % 10 == 8:
                y = bundle.infer(x)
            else:
                y = bundle.infer.submit(x).result(20)
            np.testing.assert_allclose(y, mlp.answer(x=x), rtol=1e-3, atol=1e-2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))


def test_many_futures_at_once(bundle: ab.Bundle, mlp: Any) -> None:
    futures = [bundle.infer.submit(mlp.x * k) for k in range(300)]
    for k, future in enumerate(futures):
        np.testing.assert_allclose(future.result(20), mlp.answer(x=mlp.x * k), rtol=1e-3, atol=1e-3)


def test_every_answer_belongs_to_one_version(bundle: ab.Bundle, mlp: Any) -> None:
    expected = {0: mlp.answer()} | {v: mlp.answer(mlp.random(v)) for v in range(1, 31)}
    done, began = threading.Event(), threading.Semaphore(0)

    def items() -> Iterator[Any]:
        while not done.is_set():
            yield {"x": mlp.x}

    def consume() -> int:
        count = 0
        for out in bundle.infer.stream(items(), 4):
            began.release()
            np.testing.assert_allclose(out["y"], expected[out.version], **CLOSE)
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(consume) for _ in range(2)]
        try:
            for _ in range(2):
                assert began.acquire(timeout=20)
            for version in range(1, 31):
                bundle.update(mlp.random(version))
        finally:
            done.set()
        assert all(reader.result(20) > 0 for reader in readers)


def test_updates_back_to_back_do_not_keep_a_first_run_out(bundle: ab.Bundle, mlp: Any) -> None:
    """The second id is loaded beside them."""
    done = threading.Event()

    def update() -> int:
        count = 0
        while not done.is_set():
            count += 1
            bundle.update({"b2": mlp.weights["b2"]})
        return count

    with ThreadPoolExecutor(1) as pool:
        updating = pool.submit(update)
        try:
            for _ in range(3):
                y = bundle.infer.run([mlp.x], timeout_ms=10000)["y"]
                np.testing.assert_allclose(y, mlp.answer(), **CLOSE)
                np.testing.assert_allclose(bundle.infer.submit(mlp.x).result(10), y, **CLOSE)
        finally:
            done.set()
        assert updating.result(10) > 0


def test_an_update_between_two_results(bundle: ab.Bundle, mlp: Any) -> None:
    """The update waits for what is on the device, not for who takes the results."""
    versions = []
    for out in bundle.infer.stream([{"x": mlp.x}] * 6):
        versions.append(out.version)
        bundle.update(mlp.random(len(versions)))
    assert versions == sorted(versions)
    assert versions[0] == 0
    assert bundle.version == 6


@pytest.mark.timed
def test_a_callback_may_use_the_bundle(bundle: ab.Bundle, mlp: Any) -> None:
    """It runs in the worker, while later runs are on the device."""
    seen: list[Any] = []

    def callback(_: Future[Any]) -> None:
        bundle.update(mlp.random(1), version="from a callback")
        seen.append(bundle.infer(mlp.x))
        seen.append(bundle.infer.submit(mlp.x))

    slow(0.02)
    first = bundle.infer.submit(mlp.x)
    first.add_done_callback(callback)
    rest = [bundle.infer.submit(mlp.x) for _ in range(5)]
    for future in (first, *rest):
        future.result(10)
    np.testing.assert_allclose(seen[0], mlp.answer(mlp.random(1)), **CLOSE)
    np.testing.assert_allclose(seen[1].result(10), mlp.answer(mlp.random(1)), **CLOSE)
    assert bundle.version == "from a callback"


@pytest.mark.timed
def test_a_callback_that_raises_does_not_stop_the_worker(
    bundle: ab.Bundle, mlp: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(_: Future[Any]) -> None:
        raise SystemExit(3)

    slow(0.05)
    future = bundle.infer.submit(mlp.x)
    future.add_done_callback(leave)
    assert bundle.infer.submit(mlp.x).result(5) is not None
    assert "SystemExit: 3" in capsys.readouterr().err


@pytest.mark.timed
def test_a_callback_may_close_the_bundle(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    slow(0.4)
    futures = [bundle.infer.submit(mlp.x) for _ in range(6)]
    futures[0].add_done_callback(lambda _: bundle.close())
    outcomes = [future.exception(10) for future in futures]
    assert outcomes[:3] == [None] * 3
    assert all(isinstance(outcome, ab.ClosedError) for outcome in outcomes[4:])
    bundle.close()
    assert fake.live() == []


@pytest.mark.timed
def test_closing_refuses_what_waits_and_ends_the_thread(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    assert workers() == []
    running = blocked(bundle, mlp.x)
    waiting = [bundle.infer.submit(mlp.x) for _ in range(3)]
    assert len(workers()) == 1
    infer = bundle.infer
    bundle.close()
    for future in running:
        np.testing.assert_allclose(future.result(0), mlp.answer(), **CLOSE)
    for future in waiting:
        with pytest.raises(ab.ClosedError, match="closed before this run"):
            future.result(0)
    assert workers() == []
    for use in (lambda: infer.submit(mlp.x), lambda: infer.stream([]),
                lambda: infer.run([mlp.x], timeout_ms=5)):  # fmt: skip
        with pytest.raises(ab.ClosedError):
            use()


@pytest.mark.timed
def test_pending_futures_keep_the_bundle_and_nothing_else_does(mlp: Any) -> None:
    gc.collect()
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    alive = weakref.ref(bundle)
    slow(0.1)
    futures = [bundle.infer.submit(mlp.x) for _ in range(5)]
    gc.disable()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del bundle
            for future in futures:
                np.testing.assert_allclose(future.result(5), mlp.answer(), **CLOSE)
            deadline = time.monotonic() + 5
            while (alive() is not None or fake.live()) and time.monotonic() < deadline:
                time.sleep(0.01)
        assert ["unclosed Bundle" in str(one.message) for one in caught] == [True]
        assert alive() is None
        assert fake.live() == []
    finally:
        gc.enable()
    while workers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers() == []


def test_asyncio(bundle: ab.Bundle, mlp: Any) -> None:
    async def one(k: int) -> Any:
        return await asyncio.wrap_future(bundle.infer.submit(mlp.x * k))

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*map(one, range(10)))

    for k, y in enumerate(asyncio.run(all_of_them())):
        np.testing.assert_allclose(y, mlp.answer(x=mlp.x * k), **CLOSE)


def test_a_context_of_another_library_is_put_back(bundle: ab.Bundle, mlp: Any) -> None:
    from acl_bundle._binding.calls import acl  # noqa: PLC0415
    from acl_bundle._binding.shim import ffi  # noqa: PLC0415

    with ab.Device(0):
        theirs, now = ffi.new("aclrtContext *"), ffi.new("aclrtContext *")
        acl.aclrtCreateContext(theirs, 1)
        try:
            bundle.infer.submit(mlp.x).result(5)
            bundle.infer.run([mlp.x], timeout_ms=5000)
            acl.aclrtGetCurrentContext(now)
            assert now[0] == theirs[0]
        finally:
            acl.aclrtDestroyContext(theirs[0])


@pytest.mark.acl(violations="ignore")  # it reads what nobody set
def test_the_first_inference_without_weights_warns(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        with pytest.warns(RuntimeWarning, match="before w1, b1, w2, b2 had a value"):
            bundle.infer.run([mlp.x], timeout_ms=5000)
        assert bundle.infer.submit(mlp.x).result(5).shape == (4, 3)
    assert [one["id"] for one in fake.violations()] == ["AB-MDL-0018"] * 2


@pytest.mark.timed
@pytest.mark.parametrize("graph", ["init", "update"])
def test_graphs_that_write_are_not_run(bundle: ab.Bundle, mlp: Any, graph: str) -> None:
    handle: ab.Graph = getattr(bundle, graph)
    for use in (
        lambda: handle.submit(mlp.x),
        lambda: handle.stream([]),
        lambda: handle.run({}, timeout_ms=5),
    ):
        with pytest.raises(ab.RoleError, match=rf"bundle\.{graph}"):
            use()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"timeout_ms": 0}, ValueError, "timeout_ms is 0"),
        ({"timeout_ms": -1}, ValueError, "timeout_ms is -1"),
        ({"timeout_ms": 2**31}, ValueError, "timeout_ms is 2147483648"),
        ({"timeout_ms": 1.5}, TypeError, "an int of milliseconds or None, not 1.5"),
        ({"timeout_ms": True}, TypeError, "not True"),
        ({"depth": 0}, ValueError, "depth is 0; give 1 to 63"),
        ({"depth": 64}, ValueError, "depth is 64; give 1 to 63"),
        ({"depth": "2"}, TypeError, "an int, not '2'"),
    ],
)
def test_arguments_that_cannot_be(
    bundle: ab.Bundle, mlp: Any, arguments: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bundle.infer.stream([], **arguments)
    if "timeout_ms" in arguments:
        with pytest.raises(error, match=message):
            bundle.infer.submit(mlp.x, **arguments)
        with pytest.raises(error, match=message):
            bundle.infer.run([mlp.x], **arguments)


def test_what_does_not_fit_is_refused_at_once(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.raises(TypeError, match="float64"):
        bundle.infer.submit(mlp.x.astype("f8"))
    with pytest.raises(ValueError, match="shape"):
        bundle.infer.submit({"x": mlp.x[:2]})
    with pytest.raises(ValueError, match="misses input 'x'"):
        bundle.infer.submit({})
    with pytest.raises(ValueError, match="has 1 inputs"):
        bundle.infer.submit()
    with pytest.raises(TypeError, match="iter"):
        bundle.infer.stream(5)  # type: ignore[arg-type]


def test_an_array_that_is_not_contiguous_or_read_only(bundle: ab.Bundle, mlp: Any) -> None:
    x = np.asfortranarray(mlp.x)
    frozen = mlp.x.copy()
    frozen.flags.writeable = False
    for given in (x, frozen, mlp.x[::-1]):
        y = bundle.infer.submit(given).result(5)
        np.testing.assert_allclose(y, mlp.answer(x=given), **CLOSE)


def test_out_of_a_run_with_a_timeout(bundle: ab.Bundle, mlp: Any) -> None:
    y = np.zeros((4, 3), np.float32)
    out = bundle.infer.run([mlp.x], {"y": y}, timeout_ms=5000)
    assert out["y"] is y
    np.testing.assert_allclose(y, mlp.answer(), **CLOSE)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        bundle.infer.run([mlp.x], {"y": y}, timeout_ms=5000)


EXIT = """
import sys, numpy as np, acl_bundle as ab
from acl_bundle import fake
fake.activate()
bundle = ab.Bundle.load(sys.argv[1])
bundle.init()
fake.latency("aclmdlExecuteAsync", 0.1)
x = np.zeros((4, 8), "f4")
stream = bundle.infer.stream([x] * 100, 10)
next(stream)
futures = [bundle.infer.submit(x) for _ in range(200)]
{end}
"""


@pytest.mark.timed
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "del bundle", "raise SystemExit"])
def test_the_end_of_the_interpreter_does_not_wait_for_all(mlp: Any, end: str) -> None:
    code = EXIT.replace("{end}", end)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(mlp.path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - start < 15  # all of them take 20


@pytest.mark.timed
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_told(bundle: ab.Bundle, mlp: Any) -> None:
    slow(0.05)
    future = bundle.infer.submit(mlp.x)
    stream = bundle.infer.stream([mlp.x] * 4)
    next(stream)
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # one that waits for the parent's threads waits for ever
        for use in (
            lambda: bundle.infer.submit(mlp.x),
            lambda: bundle.infer.run([mlp.x], timeout_ms=100),
            lambda: bundle.infer.stream([mlp.x]),
            lambda: next(stream),
        ):
            try:
                use()
            except ab.ClosedError:
                continue
            os._exit(1)
        stream.close()
        del stream
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    future.result(5)
    assert len(list(stream)) == 3
