"""Holding a bundle: inferences wait, one thread commits, and no hold lasts for ever."""

from __future__ import annotations

import copy
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, om

from ..readers import CLOSE, repeating

pytestmark = pytest.mark.usefixtures("fake_acl")
LONG = 60_000


@pytest.fixture(params=["one", "replicas"])
def bundle(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path, replicas=1 if request.param == "one" else 2) as loaded:
        loaded.init()
        yield loaded


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def waits(running: Future[Any]) -> bool:
    """Whether a call is still under way after a while."""
    with suppress(TimeoutError):
        running.result(0.1)
    return not running.done()


def told(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """The watcher tells, once, when inferences have been let in."""
    end = time.monotonic() + 20
    while not caplog.records and time.monotonic() < end:
        time.sleep(0.01)
    assert [text in record.message for record in caplog.records] == [True]


def test_inferences_wait_and_the_holder_commits(
    bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    with bundle.hold(LONG) as held:
        assert held.active
        assert 0 < held.left_ms <= held.limit_ms == LONG
        assert held.owner == threading.current_thread().name
        assert repr(held).startswith(f"<Hold: thread {held.owner!r} holds the bundle, for ")
        running = [pool.submit(bundle.infer.run, [mlp.x]) for _ in range(4)]
        assert all(map(waits, running))
        bundle.update(mlp.random(1), version="one")
        bundle.update(mlp.random(2), version="two")
        assert (bundle.read("w1") == mlp.random(2)["w1"]).all()
        with bundle.snapshot() as saved:
            bundle.init()
            bundle.restore(saved)
        assert all(map(waits, running))
    assert not held.active
    assert held.left_ms == 0
    for one in running:
        out = one.result(20)
        assert out.version == "two"
        np.testing.assert_allclose(out["y"], mlp.answer(mlp.random(2)), **CLOSE)
    held.release()  # harmless
    assert bundle.infer.run([mlp.x]).version == "two"


def test_many_bundles_change_at_one_instant(mlp: Any) -> None:
    bundles = [ab.Bundle.load(mlp.path) for _ in range(3)]
    seen: list[tuple[Any, ...]] = []

    def infer() -> None:
        """One after another: a later bundle may be of a later version, never of an earlier one."""
        seen.append(tuple(one.infer.run([mlp.x]).version for one in bundles))

    with ExitStack() as stack:
        for one in bundles:
            stack.enter_context(one)
            one.init()
        with repeating(infer, 4):
            for version in range(1, 40):
                with ExitStack() as holds:
                    for one in bundles:
                        holds.enter_context(one.hold(LONG))
                    for one in bundles:
                        one.update({"b2": mlp.random(version)["b2"]}, version=version)
    assert len({versions[0] for versions in seen}) > 1
    for versions in seen:
        assert list(versions) == sorted(versions)


@pytest.mark.parametrize("fails", [False, True])
def test_a_failed_commit_is_undone_within_the_hold(
    bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor, fails: bool
) -> None:
    with bundle.hold(LONG):
        running = pool.submit(bundle.infer, mlp.x)
        assert waits(running)
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="version 0 is in place as before"):
            bundle.update(mlp.random(1))
        assert waits(running), "the failed commit opened the gate"
        if not fails:
            bundle.update(mlp.random(2))
    np.testing.assert_allclose(
        running.result(20), mlp.answer({} if fails else mlp.random(2)), **CLOSE
    )


def test_what_the_library_keeps_is_replayed_within_the_hold(
    mlp: Any, pool: ThreadPoolExecutor
) -> None:
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        bundle.init()
        with bundle.hold(LONG):
            running = pool.submit(bundle.infer, mlp.x)
            fake.fail("aclmdlExecute", 1, 507011)
            with pytest.raises(ab.AclError, match="in place as before"):
                bundle.update(mlp.random(1))
            assert waits(running), "the rollback opened the gate"
        np.testing.assert_allclose(running.result(20), mlp.answer(), **CLOSE)


def test_the_holders_own_inference_is_refused(bundle: ab.Bundle, mlp: Any) -> None:
    out = {"y": np.empty((4, 3), np.float32)}
    bound = bundle.infer.bind({"x": mlp.x}, out)
    with bundle.hold(LONG):
        for infer in (
            lambda: bundle.infer(mlp.x),
            lambda: bundle.infer.run({"x": mlp.x}),
            lambda: bundle.infer.run({"x": mlp.x}, out),
            bound,
            lambda: bundle.infer.run({"x": mlp.x}, timeout_ms=LONG),
            lambda: bundle.infer.submit(mlp.x),
            lambda: bundle.infer.submit(mlp.x, timeout_ms=LONG),
            lambda: list(bundle.infer.stream([mlp.x])),
        ):
            with pytest.raises(ab.BusyError, match=r"this thread holds the bundle \(Bundle\.hold"):
                infer()
    bound()
    assert bundle.infer.submit(mlp.x).result(20).shape == (4, 3)
    bound.close()


def test_a_binding_can_be_closed_within_the_hold(bundle: ab.Bundle, mlp: Any) -> None:
    bound = bundle.infer.bind({"x": mlp.x}, {"y": np.empty((4, 3), np.float32)})
    with bundle.hold(LONG):
        bound.close()


@pytest.fixture(params=["one", "replicas", "dynamic", "dynamic replicas"])
def any_bundle(request: pytest.FixtureRequest, mlp: Any, tmp_path: Path) -> Iterator[ab.Bundle]:
    """A bundle whose graph has the ends of mlp's."""
    path = mlp.path
    if "dynamic" in request.param:
        path = tmp_path / "dynamic.om"
        model = copy.deepcopy(mlp.onnx)
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
        om.write_bundle([build.model(model, dynamic_shape=True).to_bytes()], 0).save(path)
    with ab.Bundle.load(path, replicas=2 if "replicas" in request.param else 1) as loaded:
        if loaded.weights:
            loaded.init()
        yield loaded


def test_the_holder_waits_for_no_call_that_waits_for_it(
    any_bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    y = np.full((4, 3), 7, np.float32)
    bound = any_bundle.infer.bind({"x": mlp.x}, {"y": y})
    with any_bundle.hold(LONG) as held:
        running = [pool.submit(bound) for _ in range(2)]
        assert all(map(waits, running))
        with pytest.raises(ab.BusyError, match=r"this thread holds the bundle \(Bundle\.hold"):
            bound()
        bound.close()
        assert held.active
    for one in running:
        with pytest.raises(ab.ClosedError):
            one.result(20)
    with pytest.raises(ab.ClosedError):
        bound()
    assert (y == 7).all()


class SlowToWrite(np.ndarray[Any, Any]):
    """An array that waits before it is written."""

    begun: threading.Event
    goes_on: threading.Event

    def __setitem__(self, key: Any, value: Any) -> None:
        self.begun.set()
        assert self.goes_on.wait(20)
        super().__setitem__(key, value)


@pytest.mark.parametrize("any_bundle", ["dynamic"], indirect=True)
def test_closing_within_the_hold_waits_for_outputs_that_are_being_given(
    any_bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    y = np.zeros((4, 3), np.float32).view(SlowToWrite)
    y.begun, y.goes_on = threading.Event(), threading.Event()
    bound = any_bundle.infer.bind({"x": mlp.x}, {"y": y})
    running = pool.submit(bound)
    assert y.begun.wait(20)
    with any_bundle.hold(LONG) as held:
        late = pool.submit(bound)
        threading.Timer(0.2, y.goes_on.set).start()
        bound.close()
        assert held.active
        running.result(20)
        np.testing.assert_allclose(np.asarray(y), mlp.answer(), **CLOSE)
        with pytest.raises(ab.ClosedError):
            late.result(20)


def test_a_second_hold_of_the_thread_is_refused(bundle: ab.Bundle) -> None:
    with (
        bundle.hold(LONG),
        pytest.raises(ab.BusyError, match=r"hold is refused: thread .* which is this thread"),
    ):
        bundle.hold(LONG)
    with bundle.hold(LONG):
        pass


@pytest.mark.timed
def test_other_threads_changes_wait(bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor) -> None:
    changes: tuple[Callable[..., Any], ...] = (
        lambda **busy: bundle.update(mlp.random(1), **busy),
        bundle.init,
        lambda **busy: bundle.hold(LONG, **busy).release(),
    )
    with bundle.hold(LONG):
        for change in changes:
            with pytest.raises(ab.BusyError, match=r"when_busy='fail'\): thread .* holds the bund"):
                pool.submit(change, when_busy="fail").result(20)
            with pytest.raises(ab.BusyError, match=r"timeout_ms=30\): thread .* holds the bundle"):
                pool.submit(change, timeout_ms=30).result(20)
        assert bundle.version == 0
        running = [pool.submit(change) for change in (*changes, lambda: bundle.read("w1"))]
        assert all(map(waits, running))
    for one in running:
        one.result(20)


@pytest.mark.timed
def test_a_hold_waits_for_running_inferences(
    bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    fake.latency("aclmdlExecute", 0.4)
    running = pool.submit(bundle.infer, mlp.x)
    time.sleep(0.1)
    with pytest.raises(ab.BusyError, match="inferences still run"):
        bundle.hold(LONG, when_busy="fail")
    with pytest.raises(ab.BusyError, match=r"timeout_ms=50\): inferences still run"):
        bundle.hold(LONG, timeout_ms=50)
    with bundle.hold(LONG):
        running.result(20)
    fake.latency("aclmdlExecute", 0)


@pytest.mark.timed
def test_an_interrupt_while_waiting_holds_nothing(
    bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    fake.latency("aclmdlExecute", 1.0)
    running = pool.submit(bundle.infer, mlp.x)
    time.sleep(0.1)
    threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        bundle.hold(LONG)
    fake.latency("aclmdlExecute", 0)
    assert not running.done()
    running.result(20)
    bundle.infer(mlp.x)


@pytest.mark.timed
def test_an_interrupt_within_the_hold_releases_it(bundle: ab.Bundle, mlp: Any) -> None:
    main = threading.main_thread().ident
    threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt), bundle.hold(LONG):
        time.sleep(20)
    bundle.infer(mlp.x)


def test_the_limit_ends_it_and_later_commits_are_refused(
    bundle: ab.Bundle, mlp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "acl_bundle.update")
    held = bundle.hold(80)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(bundle.infer.run, [mlp.x]).result(20).version == 0
        assert not held.active
        text = rf"the hold of thread '{held.owner}' is over: its limit of 80 ms passed"
        for change in (lambda: bundle.update(mlp.random(1)), bundle.init, bundle.snapshot):
            with pytest.raises(ab.BusyError, match=rf"is refused: {text}. Release it first"):
                change()
        assert bundle.version == 0
        other.submit(bundle.update, mlp.random(3)).result(20)  # others' are not
    with pytest.raises(ab.BusyError, match=rf"{text}, so inferences were let in before"):
        held.release()
    held.release()
    told(caplog, f"the hold of thread '{held.owner}' is over: its limit of 80 ms passed: infe")
    assert bundle.update(mlp.random(1)).version == 2


@pytest.mark.timed
def test_a_block_that_outlasts_its_hold_says_so(bundle: ab.Bundle) -> None:
    with pytest.raises(ab.BusyError, match="its limit of 30 ms passed, so"), bundle.hold(30):
        time.sleep(0.2)
    with pytest.raises(ZeroDivisionError, match="own"), bundle.hold(30):
        _fails_late()


def _fails_late() -> None:
    time.sleep(0.2)
    raise ZeroDivisionError("own")


@pytest.mark.timed
def test_a_limit_within_a_commit_opens_the_gate_behind_it(
    bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    fake.latency("aclmdlExecute", 1.2)
    held = bundle.hold(600)
    running = pool.submit(bundle.infer.run, [mlp.x])
    bundle.update(mlp.random(1))
    assert not held.active
    out = running.result(20)
    assert out.version == 1, "an inference came in while the commit wrote"
    np.testing.assert_allclose(out["y"], mlp.answer(mlp.random(1)), **CLOSE)
    fake.latency("aclmdlExecute", 0)
    with pytest.raises(ab.BusyError):
        held.release()


def test_a_thread_that_ends_holds_nothing(
    bundle: ab.Bundle, mlp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "acl_bundle.update")
    kept: list[ab.Hold] = []
    thread = threading.Thread(target=lambda: kept.append(bundle.hold(LONG)), name="dies")
    thread.start()
    thread.join()
    bundle.infer(mlp.x)
    assert not kept[0].active
    told(caplog, "the hold of thread 'dies' is over: its thread ended")
    bundle.update(mlp.random(1))
    with pytest.raises(ab.BusyError, match="its thread ended"):
        kept[0].release()


def test_another_thread_may_release(bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor) -> None:
    held = bundle.hold(LONG)
    pool.submit(held.release).result(20)
    bundle.infer(mlp.x)
    held.release()


def test_a_hold_that_is_forgotten_is_released(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.warns(ResourceWarning, match="unreleased Hold"):
        _forget(bundle)
    bundle.infer(mlp.x)


def _forget(bundle: ab.Bundle) -> None:
    bundle.hold(LONG)
    gc.collect()


def test_close_within_the_hold_ends_it(mlp: Any, pool: ThreadPoolExecutor) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    with bundle.hold(LONG) as held:
        running = pool.submit(bundle.infer, mlp.x)
        assert waits(running)
        bundle.close()
        with pytest.raises(ab.ClosedError):
            running.result(20)
        assert not held.active
    with pytest.raises(ab.ClosedError):
        bundle.hold(LONG)


def test_close_by_another_thread_waits(mlp: Any, pool: ThreadPoolExecutor) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    with bundle.hold(LONG):
        closing = pool.submit(bundle.close)
        assert waits(closing)
        bundle.update(mlp.random(1))
    closing.result(20)
    assert bundle.closed
    assert fake.live() == []


@pytest.mark.timed
def test_what_is_submitted_waits(bundle: ab.Bundle, mlp: Any, pool: ThreadPoolExecutor) -> None:
    bundle.infer.submit(mlp.x).result(20)
    with bundle.hold(LONG):
        future = pool.submit(bundle.infer.submit, mlp.x).result(20)
        assert waits(future)
        bundle.update(mlp.random(1))
        with pytest.raises((ab.BusyError, TimeoutError)):
            pool.submit(bundle.infer.run, [mlp.x], timeout_ms=50).result(20)
    np.testing.assert_allclose(future.result(20), mlp.answer(mlp.random(1)), **CLOSE)


@pytest.mark.parametrize("limit", [0, -1, 1.5, None, True, "1"])
def test_a_limit_that_is_none_is_refused(bundle: ab.Bundle, limit: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="limit_ms is "):
        bundle.hold(limit)


def test_a_forked_child_holds_nothing(bundle: ab.Bundle, mlp: Any) -> None:
    with bundle.hold(LONG) as held:
        child = os.fork()
        if child == 0:
            code = 1
            with suppress(BaseException):
                held.release()
                code = 0
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert held.active
    bundle.infer(mlp.x)
