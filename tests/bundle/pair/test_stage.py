"""A pair's shadow is prepared, and takes over when its update is committed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from ..readers import CLOSE, reading

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture(params=["owned", "library"])
def pair(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Pair]:
    with ab.Pair.load(mlp.path, variables=request.param) as pair:
        pair.init()
        yield pair


def answers(pair: ab.Pair, mlp: Any, weights: dict[str, Any], version: Any) -> None:
    out = pair.infer.run({"x": mlp.x})
    np.testing.assert_allclose(out["y"], mlp.answer(weights), **CLOSE)
    assert out.version == pair.version == version


def test_the_commit_only_switches(pair: ab.Pair, mlp: Any) -> None:
    one = {"w1": mlp.random(1)["w1"]}
    with pair.stage(one, version="one", expect=0) as staged:
        answers(pair, mlp, {}, 0)
        assert (staged.version, staged.names) == ("one", ("w1",))
        with fake.settings(trace="on"):
            report = staged.commit()
            calls = {row["function"] for row in fake.trace()}
        assert calls.isdisjoint({"aclmdlExecute", "aclrtMemcpy", "aclrtMalloc"})
        assert (report.version, report.changed) == ("one", ("w1",))
        answers(pair, mlp, one, "one")
        with pytest.raises(ab.UpdateError, match="was committed as version 'one'"):
            staged.commit()
    pair.revert()
    answers(pair, mlp, {}, 0)
    pair.switch()
    two = {"b1": mlp.random(2)["b1"]}
    with pair.stage(two) as staged:
        staged.commit()
    answers(pair, mlp, {**one, **two}, 1)
    pair.update({"b2": mlp.random(3)["b2"]})
    answers(pair, mlp, {**one, **two, "b2": mlp.random(3)["b2"]}, 2)


def test_what_is_discarded_is_taken_back_by_the_next_change(pair: ab.Pair, mlp: Any) -> None:
    with pair.stage({"w1": mlp.random(1)["w1"]}):
        pass
    answers(pair, mlp, {}, 0)
    pair.update({"b1": mlp.random(2)["b1"]})
    answers(pair, mlp, {"b1": mlp.random(2)["b1"]}, 1)
    with pair.stage({"w1": mlp.random(3)["w1"]}), pair.stage({"w2": mlp.random(4)["w2"]}) as last:
        last.commit()
    answers(pair, mlp, {"b1": mlp.random(2)["b1"], "w2": mlp.random(4)["w2"]}, 2)


def test_another_change_takes_the_shadow(pair: ab.Pair, mlp: Any) -> None:
    for change in (
        lambda: pair.update({"b1": mlp.random(2)["b1"]}),
        lambda: pair.stage({"b1": mlp.random(2)["b1"]}).discard(),
        pair.init,
    ):
        with pair.stage({"w1": mlp.random(1)["w1"]}, version="late") as staged:
            change()
            was = pair.version
            with pytest.raises(ab.VersionError, match="another change of this Pair has had its sh"):
                staged.commit()
            assert pair.version == was
        pair.init()
        answers(pair, mlp, {}, 0)


@pytest.mark.parametrize("how", ["staged", "discarded", "refused", "interrupted"])
def test_a_switch_brings_nothing_that_was_not_committed(pair: ab.Pair, mlp: Any, how: str) -> None:
    pair.update(mlp.random(1), version="one")
    staged = None
    if how == "refused":
        with pytest.raises(ab.UpdateError, match="the probe refused"):
            pair.stage(mlp.random(2), version="two", probe=lambda _: False)
    elif how == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            pair.stage(mlp.random(2), version="two", probe=_interrupt)
    else:
        staged = pair.stage(mlp.random(2), version="two")
    if staged is not None and how == "discarded":
        staged.discard()
    with pytest.raises(ab.UpdateError, match="version 'two', which was staged and not committed"):
        pair.switch()
    with pytest.raises(ab.UpdateError, match="no version before"):
        pair.revert()
    answers(pair, mlp, mlp.random(1), "one")
    if staged is not None and how == "staged":
        staged.commit()
        answers(pair, mlp, mlp.random(2), "two")
        pair.revert()
        pair.switch()
        answers(pair, mlp, mlp.random(2), "two")
    pair.update(mlp.random(3), version="three")
    pair.revert()
    pair.switch()
    answers(pair, mlp, mlp.random(3), "three")


def _interrupt(*_: Any) -> bool:
    raise KeyboardInterrupt


def test_the_expected_version_and_the_probe(pair: ab.Pair, mlp: Any) -> None:
    with pytest.raises(ab.VersionError, match="version is 0, where 3 is expected"):
        pair.stage({"w1": mlp.random(1)["w1"]}, expect=3)
    with pytest.raises(ab.UpdateError, match="the probe refused version 1"):
        pair.stage({"w1": mlp.random(1)["w1"]}, probe=lambda _: False)
    tried = []

    def probe(infer: Any) -> bool:
        tried.append(infer(mlp.x))
        return True

    with pair.stage(mlp.random(1), probe=probe, expect=0) as staged:
        np.testing.assert_allclose(tried[0], mlp.answer(mlp.random(1)), **CLOSE)
        staged.commit()
    answers(pair, mlp, mlp.random(1), 1)


def test_a_stage_that_fails_leaves_the_pair_as_it_was(pair: ab.Pair, mlp: Any) -> None:
    fake.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError):
        pair.stage({"w1": mlp.random(1)["w1"]})
    answers(pair, mlp, {}, 0)
    with pair.stage({"b2": mlp.random(2)["b2"]}) as staged:
        staged.commit()
    answers(pair, mlp, {"b2": mlp.random(2)["b2"]}, 1)


def test_a_closed_pair(mlp: Any) -> None:
    with ab.Pair.load(mlp.path) as pair:
        pair.init()
        staged = pair.stage(mlp.random(1))
        assert staged.nbytes > 0
    with pytest.raises(ab.ClosedError, match="this Pair is closed"):
        staged.commit()
    staged.discard()


def test_inferences_beside_stages_are_of_one_version(pair: ab.Pair, mlp: Any) -> None:
    with reading(pair.infer, mlp, range(1, 6), 3), ThreadPoolExecutor(2) as pool:

        def change(seed: int) -> None:
            for turn in range(30):
                version = (turn * seed) % 5 + 1
                with pair.stage(mlp.random(version), version=version) as staged:
                    try:
                        staged.commit()
                    except ab.VersionError:
                        continue

        for running in [pool.submit(change, seed) for seed in (1, 3)]:
            running.result(60)
