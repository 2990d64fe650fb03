"""Pair: updates beside inference, tried before they count, and taken back at once."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from ..readers import reading

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOWS = ("owned", "library")


@pytest.fixture(params=FLOWS)
def pair(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Pair]:
    with ab.Pair.load(mlp.path, variables=request.param) as pair:
        pair.init()
        yield pair


def answers(pair: ab.Pair, mlp: Any, weights: dict[str, Any], version: Any) -> None:
    """The pair computes with these weights, and says which version they are."""
    out = pair.infer.run({"x": mlp.x})
    np.testing.assert_allclose(out["y"], mlp.answer(weights), rtol=1e-4, atol=1e-4)
    assert out.version == pair.version == version


def test_partial_updates_add_up_over_both_sides(pair: ab.Pair, mlp: Any) -> None:
    now: dict[str, Any] = {}
    answers(pair, mlp, now, 0)
    for version, names in enumerate((["w1"], ["b1"], ["w2", "b2"], ["w1"], list(mlp.weights)), 1):
        new = {name: mlp.random(version)[name] for name in names}
        report = pair.update(new)
        now |= new
        assert report.changed == tuple(name for name in mlp.weights if name in names)
        answers(pair, mlp, now, version)


def test_the_caller_may_change_his_arrays_after_the_update(pair: ab.Pair, mlp: Any) -> None:
    mine = {"w1": mlp.random(1)["w1"].copy()}
    pair.update(mine)
    mine["w1"][...] = np.nan
    pair.update({"b1": mlp.random(2)["b1"]})
    answers(pair, mlp, {"w1": mlp.random(1)["w1"], "b1": mlp.random(2)["b1"]}, 2)


def test_revert_and_switch(pair: ab.Pair, mlp: Any) -> None:
    one, two = ({"w1": mlp.random(seed)["w1"]} for seed in (1, 2))
    pair.update(one)
    pair.update(two)
    pair.revert()
    answers(pair, mlp, one, 1)
    with pytest.raises(ab.UpdateError, match="no version before 1"):
        pair.revert()
    pair.switch()
    answers(pair, mlp, two, 2)
    pair.revert()
    pair.update({"b2": mlp.random(3)["b2"]})
    answers(pair, mlp, {**one, "b2": mlp.random(3)["b2"]}, 2)
    pair.update({"b1": mlp.random(4)["b1"]})
    three = {**one, "b2": mlp.random(3)["b2"], "b1": mlp.random(4)["b1"]}
    answers(pair, mlp, three, 3)


def test_there_is_nothing_to_revert_to_at_first(mlp: Any) -> None:
    with ab.Pair(mlp.path) as pair:
        with pytest.raises(ab.UpdateError, match="to go back to"):
            pair.revert()
        pair.init()
        with pytest.raises(ab.UpdateError, match="holds no version"):
            pair.revert()
        with pytest.raises(ab.UpdateError, match="holds no version"):
            pair.switch()


@pytest.mark.parametrize("names", [("w1",), ("w1", "b1", "w2", "b2")])
@pytest.mark.parametrize("verdict", [False, None, RuntimeError("accuracy 0.1")])
def test_a_probe_refuses(pair: ab.Pair, mlp: Any, verdict: Any, names: tuple[str, ...]) -> None:
    good = {"b2": mlp.random(1)["b2"]}
    pair.update(good)
    bad = {name: mlp.random(2)[name] for name in names}

    def probe(infer: ab.Graph) -> Any:
        np.testing.assert_allclose(infer(mlp.x), mlp.answer({**good, **bad}), rtol=1e-4, atol=1e-4)
        answers(pair, mlp, good, 1)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    for _ in range(2):
        with pytest.raises(ab.UpdateError, match=r"refused version 2; version 1 is active") as e:
            pair.update(bad, probe=probe)
        assert e.value.__cause__ is (verdict if isinstance(verdict, Exception) else None)
        answers(pair, mlp, good, 1)
    new = {"b1": mlp.random(3)["b1"]}
    pair.update(new, probe=lambda infer: infer is not None)
    answers(pair, mlp, {**good, **new}, 2)


def test_a_refused_version_can_be_switched_to_all_the_same(pair: ab.Pair, mlp: Any) -> None:
    bad = {"w2": mlp.random(1)["w2"]}
    with pytest.raises(ab.UpdateError):
        pair.update(bad, probe=lambda _: False)
    pair.switch()
    answers(pair, mlp, bad, 1)
    pair.revert()
    answers(pair, mlp, {}, 0)


def test_a_mistake_leaves_everything_as_it_was(pair: ab.Pair, mlp: Any) -> None:
    one = mlp.random(1)
    pair.update(one)
    with pytest.raises(ab.WeightError):
        pair.update({**one, "w3": one["w1"]})
    with pytest.raises(TypeError):
        pair.update([one["w1"]])  # type: ignore[arg-type]
    answers(pair, mlp, one, 1)
    pair.revert()
    answers(pair, mlp, {}, 0)


def test_inference_does_not_wait_for_an_update(mlp: Any) -> None:
    with ab.Pair.load(mlp.path) as pair:
        pair.init()
        began, go_on = threading.Event(), threading.Event()

        def probe(_: ab.Graph) -> bool:
            began.set()
            return go_on.wait(10)

        with ThreadPoolExecutor(1) as pool:
            updating = pool.submit(pair.update, mlp.random(1), probe=probe)
            assert began.wait(10)
            answers(pair, mlp, {}, 0)
            with pytest.raises(ab.BusyError, match="under way"):
                pair.revert()
            go_on.set()
            updating.result(10)
        answers(pair, mlp, mlp.random(1), 1)


def test_every_answer_belongs_to_one_version(mlp: Any) -> None:
    with ab.Pair.load(mlp.path) as pair:
        pair.init()
        with reading(pair.infer, mlp, range(1, 16), 4):
            for version in range(1, 16):
                pair.update(mlp.random(version))


def test_the_whole_face_of_the_active_graph(pair: ab.Pair, mlp: Any) -> None:
    pair.update(mlp.random(1))
    expected = mlp.answer(mlp.random(1))
    infer = pair.infer
    assert [spec.name for spec in (*infer.inputs, *infer.outputs)] == ["x", "y"]
    assert pair.weights["w1"].version == 1
    for y in (
        infer(mlp.x),
        infer.run([mlp.x], timeout_ms=5000)["y"],
        infer.submit(mlp.x).result(5),
        *infer.stream([mlp.x, mlp.x], 1),
    ):
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="depth is 0"):
        infer.stream([], 0)


def scenario(mlp: Any, flow: Any) -> None:
    """Partial updates, one refused, one taken back."""
    with ab.Pair.load(mlp.path, variables=flow) as pair:
        pair.init()
        now: dict[str, Any] = {}
        version: Any = 0
        try:
            for version, name in ((1, "w1"), (2, "b1")):
                new = {name: mlp.random(version)[name]}
                pair.update(new, probe=lambda infer: infer(mlp.x) is not None)
                now |= new
            with pytest.raises(ab.UpdateError):
                pair.update({"w2": mlp.random(3)["w2"]}, probe=lambda _: False)
            pair.update({"b2": mlp.random(3)["b2"]})
            version, now = 3, {**now, "b2": mlp.random(3)["b2"]}
        except ab.AclBundleError:
            fake.fail("*", 0, 0)
            version = pair.version
            answers(pair, mlp, now, version)
            pair.update(mlp.random(9))
            answers(pair, mlp, mlp.random(9), pair.version)
            raise
        answers(pair, mlp, now, 3)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("function", ["aclmdlExecute", "aclrtMemcpy", "aclrtMalloc"])
def test_whatever_fails_the_active_side_answers_as_before(
    mlp: Any, flow: Any, function: str
) -> None:
    before = fake.calls().get(function, 0)
    scenario(mlp, flow)
    total = fake.calls()[function] - before
    for nth in range(1, total + 1):
        fake.reset()
        fake.fail(function, nth, 507011)
        try:
            scenario(mlp, flow)
        except ab.AclBundleError:
            pass
        except pytest.fail.Exception:
            raise
        fake.fail("*", 0, 0)
        assert fake.live() == [], nth
        assert fake.violations() == [], nth


def test_closing(mlp: Any) -> None:
    pair = ab.Pair(mlp.path)
    infer = pair.infer
    assert "version None" in repr(pair)
    pair.close()
    pair.close()
    assert repr(pair) == "<Pair closed>"
    for use in (pair.init, pair.revert, pair.switch, lambda: pair.update({}), lambda: infer(mlp.x)):
        with pytest.raises(ab.ClosedError):
            use()
    with pytest.raises(ab.ClosedError), pair:
        pass


def test_a_pair_is_collected_when_it_is_dropped(mlp: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        pair = ab.Pair(mlp.path)
        alive = weakref.ref(pair)
        with pytest.warns(ResourceWarning, match="unclosed Bundle"):
            del pair
        assert alive() is None
        assert fake.live() == []
    finally:
        gc.enable()
