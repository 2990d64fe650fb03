"""Every call of stages, commits, holds and reads can fail; nothing is lost or stays shut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake, weights

from .test_every_call import CODES, GIVES_BACK, VALUE, Scenario, survive

pytestmark = pytest.mark.usefixtures("fake_acl")
MOST = 400
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture(params=["owned", "library"])
def bundle(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Bundle]:
    """Version 0 is ``mlp.random(9)``; the memory of an update was taken."""
    with ab.Bundle.load(mlp.path, variables=request.param) as loaded:
        loaded.init()
        loaded.update(mlp.random(9), version=0)
        yield loaded


def failing(work: Callable[[int], object], after: Callable[[int], object]) -> None:
    """Repeat some work with each call failing that it makes, but those that give back.

    Args:
        work: What is to fail, by its number.
        after: Looks after it, every call being right again.
    """
    work(1)
    with fake.settings(trace="on"):
        before = len(fake.trace())
        work(1)
        names = [row["function"] for row in fake.trace()[before:]]
    caught: list[ab.AclError] = []
    for nth, name in enumerate(names, 1):
        for code in () if name.startswith(GIVES_BACK) or VALUE.search(name) else CODES:
            fake.fail("*", nth, code)
            try:
                work(nth)  # some failures are got round, of memory say
            except ab.AclError as error:
                caught.append(error)
            fake.fail("*", 0, 0)
            after(nth)
    assert len(caught) > len(names) / 2
    assert {error.code for error in caught} <= {*CODES, 200000}


def test_every_call_of_reading_back(bundle: ab.Bundle, mlp: Any, tmp_path: Path) -> None:
    path, out = tmp_path / "now.safetensors", np.empty((8, 16), np.float32)
    if bundle._writer.area is None:
        return  # its values are on the host

    def as_before(_: int) -> None:
        assert set(tmp_path.iterdir()) <= {path}
        np.testing.assert_array_equal(bundle.read("w1", out), mlp.random(9)["w1"])
        assert bundle.version == 0

    failing(lambda _: bundle.read("w1", out), as_before)
    failing(lambda _: bundle.export(path), as_before)
    with weights.open(path) as found:
        assert weights.diff(found, mlp.random(9)).same


def test_every_call_within_a_hold(bundle: ab.Bundle, mlp: Any) -> None:
    def change(nth: int) -> None:
        with bundle.hold(60_000) as hold:
            try:
                bundle.update(mlp.random(nth), version=nth)
                bundle.restore(saved)
            finally:
                assert hold.active

    def as_before(nth: int) -> None:
        assert bundle.version in (0, nth)  # the restore failed
        now = mlp.random(nth if bundle.version else 9)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(now), **CLOSE)
        bundle.restore(saved)

    with bundle.snapshot() as saved:
        change(1)
        failing(change, as_before)


def test_every_call_of_a_stage(bundle: ab.Bundle, mlp: Any) -> None:
    """It is discarded; those that fail leave nothing, and what is kept is used again."""

    def stage(nth: int) -> None:
        large = {**mlp.random(nth), "w1": mlp.random(nth)["w1"].T.copy().T}
        with bundle.stage(large, expect=0), bundle.stage({"w1": mlp.random(2)["w1"]}):
            pass

    def as_before(_: int) -> None:
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(9)), **CLOSE)

    stage(1)
    live = len(fake.live())
    failing(stage, as_before)
    assert len(fake.live()) == live


def test_every_call_of_a_commit(bundle: ab.Bundle, mlp: Any) -> None:
    """Whichever fails, the set is there still, and goes in whole."""
    staged: list[ab.Staged] = []

    def commit(nth: int) -> None:
        staged[:] = [bundle.stage(mlp.random(nth), version=nth)]
        fake.fail("*", 0, 0)
        fake.fail("*", nth, 507011)
        staged[0].commit()

    def again(nth: int) -> None:
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(9)), **CLOSE)
        staged[0].commit()
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(nth)), **CLOSE)
        bundle.update(mlp.random(9), version=0)

    for nth in range(1, MOST):
        try:
            commit(nth)
        except ab.AclError:
            fake.fail("*", 0, 0)
            again(nth)
        else:
            fake.fail("*", 0, 0)
            break
    assert 1 < nth < MOST - 1


class Ahead(Scenario):
    """The scenario, with updates that are staged beside others."""

    def run(self) -> None:
        """Run all of it, or raise what the library's failure became."""
        mlp = self.mlp
        with ab.Bundle.load(mlp.path, variables=self.flow) as self.bundle:
            bundle = self.bundle
            self.commit(bundle.init, 0, mlp.answer())
            with bundle.stage(mlp.random(1)) as staged, bundle.stage({"b1": mlp.random(2)["b1"]}):
                np.testing.assert_array_equal(self.infer(), self.answer)
                self.commit(staged.commit, 1)


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_from_load_to_close(mlp: Any, flow: Any) -> None:
    survive(lambda: Ahead(mlp, flow).run())


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_of_a_pairs_stage(mlp: Any, flow: Any) -> None:
    with ab.Pair.load(mlp.path, variables=flow) as pair:
        pair.init()
        for _ in range(2):
            pair.update(mlp.random(9), version=0)
        before = pair.infer(mlp.x)

        def stage(nth: int) -> None:
            pair.stage({"w1": mlp.random(nth)["w1"]}, version=nth).discard()

        def as_before(_: int) -> None:
            assert pair.version == 0
            np.testing.assert_array_equal(pair.infer(mlp.x), before)

        failing(stage, as_before)
        with pair.stage({"w1": mlp.random(5)["w1"]}) as staged:
            as_before(0)
            staged.commit()
        want = mlp.answer({**mlp.random(9), "w1": mlp.random(5)["w1"]})
        np.testing.assert_allclose(pair.infer(mlp.x), want, **CLOSE)
