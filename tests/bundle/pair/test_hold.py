"""A pair that is held: nobody infers, the holder changes it, and all go on with what is active."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from ..readers import CLOSE, repeating

pytestmark = pytest.mark.usefixtures("fake_acl")
LONG = 60_000


@pytest.fixture
def pair(mlp: Any) -> Iterator[ab.Pair]:
    with ab.Pair.load(mlp.path) as loaded:
        loaded.init()
        yield loaded


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def waits(running: Future[Any]) -> bool:
    with suppress(TimeoutError):
        running.result(0.1)
    return not running.done()


def test_inferences_wait_and_meet_what_is_active_in_the_end(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    tried: list[Any] = []

    def probe(infer: Any) -> bool:
        tried.append(infer(mlp.x))
        return True

    with pair.hold(LONG) as held:
        assert held.active
        assert 0 < held.left_ms <= held.limit_ms == LONG
        assert repr(held).startswith(f"<Hold: thread {held.owner!r} holds the pair, for ")
        running = [pool.submit(pair.infer.run, [mlp.x]) for _ in range(3)]
        submitted = pool.submit(pair.infer.submit, [mlp.x])
        streamed = pool.submit(lambda: next(pair.infer.stream([[mlp.x]])))
        assert all(map(waits, [*running, submitted, streamed]))
        pair.update(mlp.random(1), version="one", probe=probe)
        pair.update({"b1": mlp.random(2)["b1"]}, version="two", probe=probe)
        with pair.stage(mlp.random(3), version="three") as staged:
            staged.commit()
        pair.revert()
        pair.switch()
        assert all(map(waits, [*running, submitted, streamed]))
    assert not held.active
    assert len(tried) == 2
    outs = [one.result(20) for one in running]
    outs += [submitted.result(20).result(20), streamed.result(20)]
    for out in outs:
        assert out.version == "three"
        np.testing.assert_allclose(out["y"], mlp.answer(mlp.random(3)), **CLOSE)
    held.release()  # harmless


def test_pairs_change_at_one_instant(mlp: Any) -> None:
    seen: list[tuple[Any, ...]] = []
    with ExitStack() as stack:
        pairs = [stack.enter_context(ab.Pair.load(mlp.path)) for _ in range(2)]
        for one in pairs:
            one.init()

        def infer() -> None:
            seen.append(tuple(one.infer.run([mlp.x]).version for one in pairs))

        with repeating(infer, 4):
            for version in range(1, 25):
                with ExitStack() as holds:
                    for one in pairs:
                        holds.enter_context(one.hold(LONG))
                    for one in pairs:
                        one.update(mlp.random(version), version=version)
    assert len({versions[0] for versions in seen}) > 1
    for versions in seen:
        assert list(versions) == sorted(versions)


@pytest.mark.timed
def test_a_hold_waits_for_runs_that_are_under_way(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    pair.infer.submit(mlp.x).result(20)
    fake.latency("aclmdlExecute", 0.4)
    fake.latency("aclmdlExecuteAsync", 0.4)
    running = pool.submit(pair.infer, mlp.x)
    behind = pair.infer.submit(mlp.x)
    time.sleep(0.1)
    with pytest.raises(ab.BusyError, match=r"the hold was given up \(when_busy='fail'"):
        pair.hold(LONG, when_busy="fail")
    with pytest.raises(ab.BusyError, match=r"timeout_ms=50\): inferences that began before"):
        pair.hold(LONG, timeout_ms=50)
    with pair.hold(LONG):
        assert running.done()
        assert behind.done()
    fake.latency("aclmdlExecute", 0)
    fake.latency("aclmdlExecuteAsync", 0)
    pair.infer(mlp.x)


def test_the_holders_own_inference_is_refused(pair: ab.Pair, mlp: Any) -> None:
    pair.infer(mlp.x)
    with pair.hold(LONG):
        for infer in (
            lambda: pair.infer(mlp.x),
            lambda: pair.infer.run([mlp.x]),
            lambda: pair.infer.run([mlp.x], timeout_ms=LONG),
            lambda: pair.infer.submit(mlp.x),
            lambda: list(pair.infer.stream([mlp.x])),
        ):
            with pytest.raises(ab.BusyError, match=r"this thread holds the pair \(Pair\.hold\)"):
                infer()
        with pytest.raises(ab.BusyError, match=r"hold is refused: thread .* holds the pair, for"):
            pair.hold(LONG)
    pair.infer(mlp.x)


@pytest.mark.timed
def test_other_threads_changes_wait_or_are_refused(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    pair.update(mlp.random(1), version=1)
    waiting: tuple[Callable[..., Any], ...] = (
        lambda **busy: pair.update(mlp.random(2), **busy),
        lambda **busy: pair.stage(mlp.random(2), **busy).discard(),
        lambda **busy: pair.hold(LONG, **busy).release(),
    )
    staged = pool.submit(pair.stage, mlp.random(3), version="staged").result(20)
    with pair.hold(LONG):
        for change in waiting:
            with pytest.raises(ab.BusyError, match=r"thread .* holds the pair"):
                pool.submit(change, when_busy="fail").result(20)
            with pytest.raises(ab.BusyError, match=r"timeout_ms=30\): thread .* holds the pair"):
                pool.submit(change, timeout_ms=30).result(20)
        for change in (pair.switch, pair.revert):
            with pytest.raises(ab.BusyError, match=r"thread .* holds the pair"):
                pool.submit(change).result(20)
        with pytest.raises(ab.BusyError, match=r"an inference was given up \(timeout_ms=50\)"):
            pool.submit(pair.infer.run, [mlp.x], timeout_ms=50).result(20)
        pool.submit(staged.discard).result(20)
        assert pair.version == 1
        running = [pool.submit(change) for change in (*waiting, pair.init)]
        assert all(map(waits, running))
    for one in running:
        one.result(20)


def test_the_limit_ends_it(pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor) -> None:
    held = pair.hold(80)
    assert pool.submit(pair.infer.run, [mlp.x]).result(20).version == 0
    assert not held.active
    text = rf"the hold of thread '{held.owner}' is over: its limit of 80 ms passed"
    for change in (lambda: pair.update(mlp.random(1)), pair.init, pair.switch):
        with pytest.raises(ab.BusyError, match=rf"is refused: {text}. Release it first"):
            change()
    pool.submit(pair.update, mlp.random(3)).result(20)
    with pytest.raises(ab.BusyError, match=f"{text}, so inferences were let in before"):
        held.release()
    pair.update(mlp.random(1))


def test_a_thread_that_ends_holds_nothing(pair: ab.Pair, mlp: Any) -> None:
    kept: list[ab.Hold] = []
    thread = threading.Thread(target=lambda: kept.append(pair.hold(LONG)))
    thread.start()
    thread.join()
    pair.infer(mlp.x)
    assert not kept[0].active
    with pytest.raises(ab.BusyError, match="its thread ended"):
        kept[0].release()


@pytest.mark.timed
def test_an_interrupt_while_waiting_holds_nothing(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    fake.latency("aclmdlExecute", 1.0)
    running = pool.submit(pair.infer, mlp.x)
    time.sleep(0.1)
    threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        pair.hold(LONG)
    assert not running.done()
    fake.latency("aclmdlExecute", 0)
    running.result(20)
    pair.infer(mlp.x)


def test_an_interrupt_ends_an_inference_that_waits(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    go_on = threading.Event()

    def hold() -> None:
        with pair.hold(LONG):
            go_on.wait(20)

    holding = pool.submit(hold)
    while pair._turns.hold is None:
        time.sleep(0.01)
    threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        pair.infer(mlp.x)
    go_on.set()
    holding.result(20)
    pair.infer(mlp.x)


@pytest.mark.timed
def test_a_hold_in_a_callback_that_others_wait_for(pair: ab.Pair, mlp: Any) -> None:
    pair.infer.submit(mlp.x).result(20)
    fake.latency("aclmdlExecuteAsync", 0.05)
    told: Future[Any] = Future()

    def hold(_: Any) -> None:
        try:
            told.set_result(pair.hold(LONG))
        except ab.BusyError as error:
            told.set_result(error)

    pair.infer.submit(mlp.x).add_done_callback(hold)
    last = pair.infer.submit(mlp.x)
    assert "this callback" in str(told.result(20))
    last.result(20)
    pair.infer(mlp.x)


def test_close_within_the_hold_ends_it(mlp: Any, pool: ThreadPoolExecutor) -> None:
    pair = ab.Pair.load(mlp.path)
    pair.init()
    with pair.hold(LONG) as held:
        running = pool.submit(pair.infer, mlp.x)
        assert waits(running)
        pair.close()
        with pytest.raises(ab.ClosedError):
            running.result(20)
        assert not held.active
    with pytest.raises(ab.ClosedError):
        pair.hold(LONG)
    assert fake.live() == []


def test_close_by_another_thread_waits(mlp: Any, pool: ThreadPoolExecutor) -> None:
    pair = ab.Pair.load(mlp.path)
    pair.init()
    with pair.hold(LONG):
        closing = pool.submit(pair.close)
        assert waits(closing)
        pair.update(mlp.random(1))
    closing.result(20)
    assert fake.live() == []


def test_a_failed_update_within_the_hold_changes_nothing(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    with pair.hold(LONG):
        running = pool.submit(pair.infer.run, [mlp.x])
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError):
            pair.update(mlp.random(1))
        assert waits(running)
    assert running.result(20).version == 0


@pytest.mark.parametrize("limit", [0, -1, 1.5, None, True, "1"])
def test_a_limit_that_is_none_is_refused(pair: ab.Pair, limit: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="limit_ms is "):
        pair.hold(limit)


def test_close_after_a_limit_closes(mlp: Any) -> None:
    with ab.Pair.load(mlp.path) as pair:
        pair.init()
        held = pair.hold(20)
        while held.active:
            time.sleep(0.01)


@pytest.mark.timed
def test_a_callback_may_infer_while_a_hold_waits_for_runs(
    pair: ab.Pair, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    """As active.py tells: the hold waits for the second run, the second run for the callback."""
    in_callback, go_on, answers = threading.Event(), threading.Event(), list[Any]()

    def infer_once_more(_: Any) -> None:
        in_callback.set()
        go_on.wait(60)
        answers.append(pair.infer(mlp.x))

    fake.latency("aclmdlExecuteAsync", 0.3)
    first = pair.infer.submit([mlp.x])
    first.add_done_callback(infer_once_more)
    second = pair.infer.submit([mlp.x])
    assert in_callback.wait(60)

    def hold() -> None:
        with pair.hold(LONG):
            pass

    holding = pool.submit(hold)
    time.sleep(0.1)
    go_on.set()
    holding.result(60)
    second.result(60)
    assert len(answers) == 1
