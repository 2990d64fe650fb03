"""Staged updates: the long part now, the commit later, in any order, or never."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, weights

from ..lazy import Lazy
from ..readers import CLOSE, reading
from .test_derived import NAMES, X, answer, network, values

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOWS = ("owned", "library")


@pytest.fixture(params=FLOWS)
def bundle(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path, variables=request.param) as loaded:
        loaded.init()
        yield loaded


def answers(bundle: ab.Bundle, mlp: Any, values: dict[str, Any], version: Any) -> None:
    out = bundle.infer.run([mlp.x])
    assert out.version == bundle.version == version
    np.testing.assert_allclose(out["y"], mlp.answer(values), **CLOSE)
    for name, value in values.items():
        np.testing.assert_array_equal(bundle.read(name), value)


def test_nothing_is_seen_before_the_commit(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    given = {name: value.copy() for name, value in new.items()}
    with bundle.stage(given, version="next") as staged:
        for value in given.values():
            value[...] = np.nan  # they are the caller's again
        assert (staged.version, staged.names) == ("next", tuple(new))
        assert staged.nbytes >= sum(value.nbytes for value in new.values())
        told = f"<Staged: version 'next', 4 weights, {staged.nbytes} bytes on the device>"
        assert repr(staged) == told
        answers(bundle, mlp, mlp.weights, 0)
        report = staged.commit()
        assert report.changed == tuple(new)
        assert set(report.seconds) == {"plan", "stage", "snapshot", "commit", "publish"}
        assert staged.nbytes == 0
        assert repr(staged) == "<Staged: was committed as version 'next'>"
        answers(bundle, mlp, new, "next")
    answers(bundle, mlp, new, "next")


def test_the_commit_moves_nothing(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(2))  # the copy for rollback has its memory
        with bundle.stage(mlp.random(1)) as staged, fake.settings(trace="on"):
            staged.commit()
            calls = fake.trace()
        copies = [row["args"] for row in calls if row["function"] == "aclrtMemcpy"]
        assert len(copies) == 1
        assert "kind=3" in copies[0], "all that is copied is the rollback's, on the device"
        assert {row["function"] for row in calls}.isdisjoint({"aclrtMalloc", "aclrtFree"})


def test_two_sets_are_committed_in_any_order(bundle: ab.Bundle, mlp: Any) -> None:
    one = {"w1": mlp.random(1)["w1"], "b1": mlp.random(1)["b1"]}
    two = {"b1": mlp.random(2)["b1"], "w2": mlp.random(2)["w2"]}
    for first, second in ((one, two), (two, one)):
        with bundle.stage(first) as a, bundle.stage(second) as b:
            bundle.update({"b2": mlp.random(3)["b2"]}, version=10)
            a.commit()
            answers(bundle, mlp, {**first, "b2": mlp.random(3)["b2"]}, 11)
            b.commit()
            answers(bundle, mlp, {**first, **second, "b2": mlp.random(3)["b2"]}, 12)
            with bundle.stage(first, version="a") as last:
                last.commit()
            answers(bundle, mlp, {**second, **first, "b2": mlp.random(3)["b2"]}, "a")
        bundle.init()


def test_what_is_discarded_changes_nothing(bundle: ab.Bundle, mlp: Any) -> None:
    with bundle.stage(mlp.random(1)) as staged:
        pass
    staged.discard()
    assert repr(staged) == "<Staged: was discarded>"
    with pytest.raises(ab.UpdateError, match="commit is refused: this staged update was discard"):
        staged.commit()
    answers(bundle, mlp, mlp.weights, 0)


def test_a_set_is_committed_once(bundle: ab.Bundle, mlp: Any) -> None:
    with bundle.stage(mlp.random(1)) as staged:
        staged.commit()
        with pytest.raises(ab.UpdateError, match="was committed as version 1"):
            staged.commit()
        staged.discard()
        with pytest.raises(ab.UpdateError, match="was committed"), staged:
            pass
    answers(bundle, mlp, mlp.random(1), 1)


def test_another_version_than_the_expected_one_is_refused(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.raises(ab.VersionError, match=r"version is 0, where 5 is expected; nothing was ch"):
        bundle.stage(mlp.random(1), expect=5)
    with bundle.stage(mlp.random(1), version="a", expect=bundle.version) as staged:
        bundle.update(mlp.random(2), version="b")
        with pytest.raises(ab.VersionError, match="version is 'b', where 0 is expected"):
            staged.commit()
        answers(bundle, mlp, mlp.random(2), "b")
        bundle.init()
        staged.commit()  # it is 0 again
    answers(bundle, mlp, mlp.random(1), "a")
    with pytest.raises(TypeError, match="expect is an int or a str"):
        bundle.stage(mlp.random(1), expect=1.5)  # type: ignore[arg-type]


def test_before_the_first_commit_no_version_is_expected(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        with bundle.stage(mlp.random(1), expect=None) as staged:
            bundle.update(mlp.random(2))
            with pytest.raises(ab.VersionError, match="where None is expected"):
                staged.commit()
        with pytest.raises(ab.VersionError, match="version is 1, where None is expected"):
            bundle.stage(mlp.random(1), expect=None)


@pytest.mark.parametrize("rollback", ["auto", "none"])
def test_a_commit_that_fails_may_be_tried_again(bundle: ab.Bundle, mlp: Any, rollback: Any) -> None:
    with bundle.stage(mlp.random(1), version=7, rollback=rollback) as staged:
        fake.fail("aclmdlExecute", 1, 507011)
        text = "version 0 is in place as before" if rollback == "auto" else "may hold a mixture"
        with pytest.raises(ab.AclError, match=text):
            staged.commit()
        if rollback == "auto":
            answers(bundle, mlp, mlp.weights, 0)
        assert staged.nbytes > 0
        staged.commit()
    out = bundle.infer.run([mlp.x])
    assert out.version == 7
    np.testing.assert_allclose(out["y"], mlp.answer(mlp.random(1)), **CLOSE)


def test_a_part_does_not_heal_a_poisoned_bundle(bundle: ab.Bundle, mlp: Any) -> None:
    part = {"w1": mlp.random(1)["w1"]}
    with bundle.stage(part) as some, bundle.stage(mlp.random(1), version="all") as whole:
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="mixture"):
            bundle.update(part, rollback="none")
        with pytest.raises(ab.PoisonedError, match="leaves out b1, w2, b2"):
            some.commit()
        whole.commit()
        answers(bundle, mlp, mlp.random(1), "all")
        some.commit()
        answers(bundle, mlp, mlp.random(1), 1)


def test_snapshots_and_rollbacks_know_staged_versions(bundle: ab.Bundle, mlp: Any) -> None:
    with bundle.stage({"w1": mlp.random(1)["w1"]}, version="s") as staged:
        staged.commit()
    with bundle.snapshot() as saved:
        bundle.update(mlp.random(2))
        bundle.restore(saved)
    answers(bundle, mlp, {"w1": mlp.random(1)["w1"], "b1": mlp.weights["b1"]}, "s")
    assert bundle.weights["w1"].version == "s"
    fake.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError, match="version 's' is in place"):
        bundle.update(mlp.random(3))
    answers(bundle, mlp, {"w1": mlp.random(1)["w1"], "b1": mlp.weights["b1"]}, "s")


def test_digests_are_read_back_at_the_commit(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with bundle.stage(mlp.random(1), digest=True) as staged:
            staged.commit()
        bundle.verify()
        with bundle.stage(mlp.random(2), version="r", digest=True) as staged:
            fake.fail("aclrtMemcpy", 2, 507011)  # the first is the copy for rollback
            with pytest.raises(ab.AclError) as caught:
                staged.commit()
            assert "version 'r' is in place, but was not read back" in str(caught.value)
            with pytest.raises(ab.UpdateError, match="was committed as version 'r'"):
                staged.commit()
        answers(bundle, mlp, mlp.random(2), "r")


def test_what_was_left_out_as_unchanged_must_be_so(bundle: ab.Bundle, mlp: Any) -> None:
    tokens = dict.fromkeys(mlp.weights, 1)
    bundle.update(mlp.random(1), tokens=tokens)
    with bundle.stage(mlp.random(1), tokens={**tokens, "b2": 2}) as staged:
        assert staged.names == ("b2",)
        bundle.update({"w1": mlp.random(2)["w1"]})
        with pytest.raises(ab.VersionError, match="counts on 'w1', which a later commit has chang"):
            staged.commit()
        bundle.update({"w1": mlp.random(1)["w1"]}, tokens={"w1": 1})
        staged.commit()
    answers(bundle, mlp, mlp.random(1), 4)
    with bundle.stage(mlp.random(1), skip_unchanged=True) as first:
        first.commit()
    with bundle.stage(mlp.random(1), skip_unchanged=True) as again:
        assert (again.names, again.nbytes) == ((), 0)
        bundle.init()
        with pytest.raises(ab.VersionError, match="counts on 'w1', 'b1', 'w2', 'b2'"):
            again.commit()


@pytest.fixture(params=FLOWS)
def derived(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ab.Bundle]:
    """A network whose constants a weight program makes."""
    path = build.from_onnx(network(values(0)), list(NAMES)).save(tmp_path / "n.om")
    with ab.Bundle.load(path, variables=request.param) as loaded:
        loaded.init()
        yield loaded


def test_what_is_joined_must_hold_still(derived: ab.Bundle) -> None:
    part = {"bn.weight": values(1)["bn.weight"], "fc.weight": values(1)["fc.weight"]}
    with derived.stage(part) as staged:
        derived.update({"fc.weight": values(2)["fc.weight"]})  # joined with nothing
        staged.commit()
    now = values(0) | part
    np.testing.assert_allclose(derived.infer(X), answer(now), rtol=1e-5, atol=1e-6)
    more = {"bn.bias": values(3)["bn.bias"]}
    with derived.stage(more) as staged:
        before = derived.infer(X)
        derived.update({"bn.running_mean": values(4)["bn.running_mean"]})
        with pytest.raises(ab.VersionError, match=r"counts on 'bn.running_mean', which"):
            staged.commit()
        assert not np.array_equal(derived.infer(X), before)
        with derived.stage(more) as again:
            again.commit()
    now |= more | {"bn.running_mean": values(4)["bn.running_mean"]}
    np.testing.assert_allclose(derived.infer(X), answer(now), rtol=1e-5, atol=1e-6)
    derived.update({"conv.bias": values(5)["conv.bias"]})
    now |= {"conv.bias": values(5)["conv.bias"]}
    np.testing.assert_allclose(derived.infer(X), answer(now), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "options", "error"),
    [
        ({"w9": 0}, {}, ab.WeightError),
        ({"w1": np.zeros((2, 2), np.float32)}, {}, ab.WeightError),
        ({"w1": np.zeros((8, 16))}, {}, ab.WeightError),
        ({"b1": np.full(16, np.nan, np.float32)}, {"finite": True}, ab.WeightError),
        ({"b1": np.full(16, 1e300)}, {"cast": "same_kind", "on_overflow": "error"}, ab.WeightError),
        ({"b1": np.zeros(16, np.float32)}, {"cast": "never"}, ValueError),
        ({"b1": np.zeros(16, np.float32)}, {"threads": 0}, ValueError),
        ({"b1": np.zeros(16, np.float32)}, {"when_busy": "never"}, ValueError),
        ([1, 2], {}, TypeError),
    ],
)
def test_what_an_update_refuses_a_stage_does(
    bundle: ab.Bundle, mlp: Any, wrong: Any, options: Any, error: Any
) -> None:
    live = len(fake.live())
    with pytest.raises(error):
        bundle.stage(wrong, **options)
    answers(bundle, mlp, mlp.weights, 0)
    with bundle.stage(mlp.random(1)) as staged:
        staged.commit()
    answers(bundle, mlp, mlp.random(1), 1)
    assert len(fake.live()) <= live + 4, "an area, host memory, and the copy for rollback"


def test_a_model_without_weights_has_nothing_to_stage(mlp: Any) -> None:
    with (
        ab.Bundle.load(build.model(mlp.onnx).to_bytes()) as bundle,
        pytest.raises(ab.RoleError, match="no update graph"),
    ):
        bundle.stage({"w1": 1})


def test_the_steady_state_takes_no_memory(bundle: ab.Bundle, mlp: Any) -> None:
    def turn(seed: int) -> None:
        with (
            bundle.stage(mlp.random(seed)) as one,
            bundle.stage({"w1": mlp.random(9)["w1"]}) as two,
        ):
            two.commit()
            one.commit()
        bundle.update(mlp.random(seed))
        with bundle.stage(mlp.random(seed)):
            pass

    turn(1)
    turn(2)
    with fake.settings(trace="on"):
        turn(3)
        made = {row["function"] for row in fake.trace()}
    assert made.isdisjoint({"aclrtMalloc", "aclrtMallocHost", "aclrtFree", "aclrtFreeHost"})


def test_a_full_device_refuses_a_set_and_serves_updates(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(1))
        fake.set("memory_ends", "1")
        with pytest.raises(ab.AclResourceError):
            bundle.stage(mlp.random(2))
        bundle.update(mlp.random(3))
        answers(bundle, mlp, mlp.random(3), 2)
        fake.set("memory_ends", "never")


def _snapshot(bundle: ab.Bundle, _: Any) -> object:
    return bundle.snapshot("device")


ALLOCATES: dict[str, Callable[[ab.Bundle, Any], Any]] = {
    "empty": lambda *_: ab.empty((4, 8), "f4"),
    "to_device": lambda _, mlp: ab.to_device(mlp.x),
    "snapshot": _snapshot,
    "load": lambda _, mlp: ab.Bundle.load(mlp.path),
    "device": lambda bundle, mlp: bundle.infer(mlp.x, out="device"),
    "stage": lambda bundle, mlp: bundle.stage(mlp.random(3)),
}


@pytest.mark.parametrize("ended", ["discarded", "collected", "closed"])
@pytest.mark.parametrize("name", ALLOCATES)
@pytest.mark.filterwarnings("ignore:a staged update was neither:ResourceWarning")
def test_a_kept_area_goes_where_anything_needs_its_room(mlp: Any, name: str, ended: str) -> None:
    with ab.Bundle.load(mlp.path) as bundle, ab.Bundle.load(mlp.path) as other:
        bundle.init()
        other.init()
        staged: ab.Staged | None = other.stage(mlp.random(1))
        if ended == "discarded":
            staged.discard()  # type: ignore[union-attr]
        staged = None
        gc.collect()
        if ended == "closed":
            other.close()
        fake.fail("aclrtMalloc", 1, 207001)
        if ended == "closed":
            with pytest.raises(ab.AclResourceError):
                ALLOCATES[name](bundle, mlp)
            return
        made = ALLOCATES[name](bundle, mlp)
        getattr(made, "close", getattr(made, "free", getattr(made, "discard", None)))()
        with other.stage(mlp.random(2)) as again:
            again.commit()
        answers(other, mlp, mlp.random(2), 1)


def test_a_set_that_is_wanted_keeps_its_area(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with bundle.stage(mlp.random(1)) as staged:
            fake.fail("aclrtMalloc", 1, 207001)
            with pytest.raises(ab.AclResourceError):
                ab.empty(8, "f4")
            staged.commit()
        answers(bundle, mlp, mlp.random(1), 1)


def test_a_kept_area_goes_where_an_update_needs_its_room(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with bundle.stage(mlp.random(1)) as staged:
            pass
        fake.fail("aclrtMalloc", 1, 207001)
        with fake.settings(trace="on"):
            report = bundle.update(mlp.random(2))
            freed = [row["function"] for row in fake.trace()].count("aclrtFree")
        assert freed == 1
        assert report.version == 1
        answers(bundle, mlp, mlp.random(2), 1)
        assert staged.nbytes == 0


def test_a_commit_waits_for_no_stage(bundle: ab.Bundle, mlp: Any) -> None:
    began, goes_on = threading.Event(), threading.Event()

    class Slow(Lazy):
        def __getitem__(self, name: str) -> Any:
            began.set()
            assert goes_on.wait(20)
            return super().__getitem__(name)

    with ThreadPoolExecutor(1) as pool, bundle.stage(mlp.random(1), version="first") as staged:
        running = pool.submit(bundle.stage, Slow(mlp.random(2)), version="slow")
        assert began.wait(20)
        staged.commit(when_busy="fail")
        answers(bundle, mlp, mlp.random(1), "first")
        bundle.update(mlp.random(3), version="second", when_busy="fail")
        answers(bundle, mlp, mlp.random(3), "second")
        for limit in ({"when_busy": "fail"}, {"timeout_ms": 30}):
            with pytest.raises(ab.BusyError, match="another stage goes on"):
                bundle.stage(mlp.random(4), **limit)
        goes_on.set()
        with running.result(20) as slow:
            slow.commit()
    answers(bundle, mlp, mlp.random(2), "slow")


def test_from_within_a_stage_or_an_update(bundle: ab.Bundle, mlp: Any) -> None:
    class Calls(Lazy):
        call: Callable[[], object]

        def __getitem__(self, name: str) -> Any:
            self.call()
            return super().__getitem__(name)

    lazy = Calls(mlp.random(1))
    for call in (lambda: bundle.stage(mlp.random(2)), bundle.close):
        lazy.call = call
        with pytest.raises(ab.BusyError, match="from within a stage of the same bundle"):
            bundle.stage(lazy)
    with bundle.stage(mlp.random(2)) as staged:
        for call in (lambda: bundle.stage(mlp.random(2)), staged.commit, staged.discard):
            lazy.call = call
            with pytest.raises(ab.BusyError, match="from within an update"):
                bundle.update(lazy)
    answers(bundle, mlp, mlp.weights, 0)


def test_commits_from_other_threads_in_a_hold(bundle: ab.Bundle, mlp: Any) -> None:
    with ThreadPoolExecutor(1) as pool, bundle.stage(mlp.random(1)) as staged:
        with bundle.hold(60_000):
            with pytest.raises(ab.BusyError, match="holds the bundle"):
                pool.submit(staged.commit, when_busy="fail").result(20)
            pool.submit(bundle.stage, mlp.random(2)).result(20).discard()
            staged.commit()
        answers(bundle, mlp, mlp.random(1), 1)
    with bundle.stage(mlp.random(2)) as staged, ThreadPoolExecutor(1) as pool:
        pool.submit(staged.commit).result(20)
    answers(bundle, mlp, mlp.random(2), 2)


def test_discard_does_not_go_by_holds(bundle: ab.Bundle, mlp: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        kept = bundle.stage(mlp.random(1))
        with bundle.hold(60_000):
            bundle.stage(mlp.random(2)).discard()
            pool.submit(kept.discard).result(20)
        assert kept.nbytes == 0
        late = bundle.stage(mlp.random(1))
        held = bundle.hold(20)
        while held.active:
            time.sleep(0.01)
        with pytest.raises(ab.BusyError, match="Release it first"):
            late.commit()
        late.discard()
        assert late.nbytes == 0
        with pytest.raises(ab.BusyError, match="its limit of 20 ms passed"):
            held.release()
    bundle.update(mlp.random(3))
    answers(bundle, mlp, mlp.random(3), 1)


@pytest.mark.timed
def test_the_end_of_a_block_does_not_hide_why_it_failed(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with pytest.raises(KeyError, match="mine"), bundle.hold(20), bundle.stage(mlp.random(1)):
            _fails_late()
        staged = bundle.stage(mlp.random(1))
        fake.latency("aclmdlExecuteAsync", 0.6)
        with pytest.raises(ab.AclTimeoutError), staged:
            staged.commit(timeout_ms=50)  # which cannot be discarded yet
        fake.latency("aclmdlExecuteAsync", 0)
        end = time.monotonic() + 20
        while bundle.poisoned and time.monotonic() < end:
            time.sleep(0.02)
        staged.discard()
        answers(bundle, mlp, mlp.weights, 0)


def _fails_late() -> None:
    time.sleep(0.2)
    raise KeyError("mine")


@pytest.mark.timed
def test_an_interrupt_while_staging_takes_nothing(bundle: ab.Bundle, mlp: Any) -> None:
    class Slow(Lazy):
        def __getitem__(self, name: str) -> Any:
            time.sleep(0.2)
            return super().__getitem__(name)

    threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        bundle.stage(Slow(mlp.random(1)))
    answers(bundle, mlp, mlp.weights, 0)


@pytest.mark.timed
def test_a_commit_that_hangs_may_still_read_its_set(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with bundle.stage(mlp.random(1), version="late") as staged:
            fake.latency("aclmdlExecuteAsync", 0.6)
            with pytest.raises(ab.AclTimeoutError):
                staged.commit(timeout_ms=50)
            fake.latency("aclmdlExecuteAsync", 0)
            with pytest.raises(ab.BusyError, match="still on the device"):
                staged.discard()
            with pytest.raises(ab.BusyError):
                staged.commit(when_busy="fail")
            end = time.monotonic() + 20
            while bundle.poisoned and time.monotonic() < end:
                time.sleep(0.02)
            answers(bundle, mlp, mlp.weights, 0)
            staged.commit()
        answers(bundle, mlp, mlp.random(1), "late")


def test_a_forgotten_set_is_given_back(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.warns(ResourceWarning, match="neither committed nor discarded"):
        _forget(bundle, mlp)
    live = len(fake.live())
    with bundle.stage(mlp.random(2)) as staged:
        assert len(fake.live()) == live, "the area of the forgotten set was not used again"
        staged.commit()


def _forget(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.stage(mlp.random(1))
    gc.collect()


def test_the_bundle_may_be_closed_over_it(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        staged = bundle.stage(mlp.random(1))
    assert fake.live() == []
    with pytest.raises(ab.ClosedError):
        staged.commit()
    staged.discard()
    del staged
    gc.collect()


@pytest.mark.timed
def test_close_waits_for_a_stage(mlp: Any) -> None:
    began = threading.Event()

    class Slow(Lazy):
        def __getitem__(self, name: str) -> Any:
            began.set()
            time.sleep(0.1)
            return super().__getitem__(name)

    bundle = ab.Bundle.load(mlp.path)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bundle.stage, Slow(mlp.random(1)))
        assert began.wait(20)
        bundle.close()
        assert running.done() or running.result(20)
        with pytest.raises(ab.ClosedError):
            running.result(20).commit()
    assert fake.live() == []


def test_a_forked_child_has_none_of_it(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with bundle.stage(mlp.random(1)) as staged:
            child = os.fork()
            if child == 0:
                code = 1
                with suppress(BaseException):
                    for call in (staged.commit, staged.discard):
                        try:
                            call()
                        except ab.ClosedError:
                            code -= 0.5
                os._exit(int(code))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            staged.commit()
        answers(bundle, mlp, mlp.random(1), 1)


def test_a_staged_update_is_not_pickled(bundle: ab.Bundle, mlp: Any) -> None:
    with bundle.stage(mlp.random(1)) as staged, pytest.raises(TypeError, match="this Staged holds"):
        pickle.dumps(staged)


def test_saturated_and_cast_values_are_staged(single: Any) -> None:
    half = np.dtype(np.float16)
    built = single("Mul", np.ones((2,), half), np.ones((2,), half))
    given = {"w": np.array([70000, 1 / 3], np.float32)}
    for flow in FLOWS:
        with ab.Bundle.load(built.to_bytes(), variables=flow) as bundle:
            bundle.init()
            with bundle.stage(weights.cast(given, "float16", on_overflow="saturate")) as staged:
                report = staged.commit()
            assert report.casts["w"].overflow == 1
            np.testing.assert_array_equal(bundle.read("w"), np.array([65504, 1 / 3], half))


@pytest.mark.parametrize("flow", FLOWS)
def test_threads_that_stage_commit_and_infer_see_whole_versions(mlp: Any, flow: Any) -> None:
    versions = range(1, 6)
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.update(mlp.weights, version=0)
        done = []

        def change(seed: int) -> None:
            rng = np.random.default_rng(seed)
            for _ in range(40):
                version = int(rng.integers(1, 6))
                with bundle.stage(mlp.random(version), version=version) as staged:
                    kind = rng.integers(4)
                    if kind == 0:
                        continue
                    if kind == 1:
                        other = int(rng.integers(1, 6))
                        bundle.update(mlp.random(other), version=other)
                    if kind == 2:
                        with bundle.hold(60_000):
                            staged.commit()
                    else:
                        staged.commit()
                    done.append(version)

        with reading(bundle.infer, mlp, versions, 3), ThreadPoolExecutor(3) as pool:
            for running in [pool.submit(change, seed) for seed in range(3)]:
                running.result(60)
        assert len(done) > 40
        out = bundle.infer.run([mlp.x])
        np.testing.assert_allclose(out["y"], mlp.answer(mlp.random(out.version)), **CLOSE)


def test_arrays_on_the_device_are_copied_there(bundle: ab.Bundle, mlp: Any) -> None:
    array = ab.to_device(mlp.random(1)["w1"])
    with fake.settings(trace="on"):
        staged = bundle.stage({"w1": array, "b1": mlp.random(1)["b1"]}, version="d")
        copies = [row["args"] for row in fake.trace() if row["function"] == "aclrtMemcpy"]
    assert any("kind=3" in one for one in copies), "it did not go from device to device"
    array.free()  # the set has its own
    staged.commit()
    want = {name: mlp.random(1)[name] for name in ("w1", "b1")}
    answers(bundle, mlp, want, "d")
    with ab.to_device(np.zeros((2, 2), np.float32)) as wrong, pytest.raises(ab.WeightError):
        bundle.stage({"w1": wrong})


@pytest.mark.parametrize("between", ["nothing", "a commit", "a commit that fails", "init"])
def test_what_was_saved_early_is_put_back_only_if_it_is_what_was_there(
    bundle: ab.Bundle, mlp: Any, between: str
) -> None:
    bundle.update(mlp.random(1), version=1)
    with bundle.stage(mlp.random(2), version=2) as staged:
        staged._save()
        now, version = mlp.random(1), 1
        if between == "a commit":
            now, version = mlp.random(3), 3
            bundle.update(now, version=version)
        elif between == "a commit that fails":
            fake.fail("aclmdlExecute", 1, 507011)
            with pytest.raises(ab.AclError):
                bundle.update({"w1": mlp.random(4)["w1"]})
        elif between == "init":
            bundle.init()
            now, version = mlp.weights, 0
        answers(bundle, mlp, now, version)
        for _ in range(2):
            fake.fail("aclmdlExecute", 1, 507011)
            with pytest.raises(ab.AclError, match="is in place as before"):
                staged.commit()
            answers(bundle, mlp, now, version)
        staged.commit()
        answers(bundle, mlp, mlp.random(2), 2)


def test_a_commit_does_not_save_again_what_was_saved_early(mlp: Any) -> None:
    def copies(early: bool) -> int:
        with bundle.stage(mlp.random(2)) as staged:
            if early:
                staged._save()
            before = len(fake.trace())
            staged.commit()
            return sum(row["function"] == "aclrtMemcpy" for row in fake.trace()[before:])

    with ab.Bundle.load(mlp.path) as bundle, fake.settings(trace="on"):
        bundle.init()
        assert copies(early=False) > copies(early=True)
