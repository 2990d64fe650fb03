"""What an update leaves out, what it ignores, and what `plan` tells of both."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from ..lazy import Made

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def bundle(mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        yield bundle


def check(bundle: ab.Bundle, mlp: Any, weights: Mapping[str, Any]) -> None:
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(dict(weights)), rtol=1e-5, atol=1e-5)


def test_digests_find_what_has_changed(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    assert bundle.update(new, skip_unchanged=True).changed == ("w1", "b1", "w2", "b2")
    again = {name: value.copy() for name, value in new.items()}
    report = bundle.update(again, skip_unchanged=True)
    assert (report.changed, report.nbytes) == ((), 0)
    assert report.unchanged == report.kept == ("w1", "b1", "w2", "b2")
    again["b1"][3] += 1
    again["w2"] = np.asfortranarray(again["w2"])
    report = bundle.update(again, skip_unchanged=True)
    assert report.changed == ("b1",)
    check(bundle, mlp, again)


def test_minus_zero_and_other_nans_are_changes(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.update({"b2": np.zeros(3, "f4")}, skip_unchanged=True)
    assert bundle.update({"b2": -np.zeros(3, "f4")}, skip_unchanged=True).changed == ("b2",)


def test_the_same_bytes_of_another_dtype_are_a_change(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.update({"b2": np.zeros(3, "f4")}, skip_unchanged=True)
    assert bundle.update({"b2": np.zeros(3, "f2")}, skip_unchanged=True).changed == ("b2",)
    assert bundle.update({"b2": np.zeros(3, "f2")}, skip_unchanged=True).changed == ()


class Untouchable(dict[str, Any]):
    """Fails where a value is looked at."""

    def get(self, *_: Any) -> Any:
        raise AssertionError("looked at")

    __getitem__ = get


def test_a_token_saves_the_look(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    tokens = {"w1": 1, "b1": ("step", 1), "w2": "1", "b2": None}
    assert len(bundle.update(new, tokens=tokens).changed) == 4
    report = bundle.update(Untouchable.fromkeys(new), tokens=tokens)
    assert report.unchanged == ("w1", "b1", "w2", "b2")
    report = bundle.update(mlp.random(2), tokens={**tokens, "b1": ("step", 2)})
    assert report.changed == ("b1",)
    check(bundle, mlp, {**new, "b1": mlp.random(2)["b1"]})


def test_an_update_without_a_token_forgets_it(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.update(mlp.random(1), tokens=dict.fromkeys(mlp.weights, 1))
    bundle.update({"b1": mlp.random(2)["b1"]})
    report = bundle.update(mlp.random(1), tokens=dict.fromkeys(mlp.weights, 1))
    assert report.changed == ("b1",)
    check(bundle, mlp, mlp.random(1))


def test_another_token_for_the_same_bytes(bundle: ab.Bundle, mlp: Any) -> None:
    """The digest says unchanged, and the token is taken over all the same."""
    new = mlp.random(1)
    bundle.update(new, tokens=dict.fromkeys(new, 1), skip_unchanged=True)
    assert bundle.update(new, tokens=dict.fromkeys(new, 2), skip_unchanged=True).changed == ()
    assert bundle.update(new, tokens=dict.fromkeys(new, 2)).changed == ()


@pytest.mark.parametrize("how", [{"skip_unchanged": True},
                                 {"tokens": {"w1": 1, "b1": 1, "w2": 1, "b2": 1}}])  # fmt: skip
def test_init_and_failures_leave_nothing_for_granted(
    bundle: ab.Bundle, mlp: Any, how: dict[str, Any]
) -> None:
    new = mlp.random(1)
    bundle.update(new, **how)
    bundle.init()
    check(bundle, mlp, {})
    assert len(bundle.update(new, **how).changed) == 4
    check(bundle, mlp, new)
    other = {**new, "b1": mlp.random(2)["b1"]}
    tokens = {"tokens": {**how["tokens"], "b1": 2}} if "tokens" in how else {}
    fake.fail("aclrtMemcpy", 1, 507899)
    with pytest.raises(ab.AclError):
        bundle.update(other, **{**how, **tokens})
    report = bundle.update(new, **how)
    assert {"w1", "w2", "b2"} <= {*report.unchanged}
    check(bundle, mlp, new)


def test_after_a_failed_commit_everything_is_moved(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    bundle.update(new, skip_unchanged=True)
    fake.fail("aclmdlExecute", 1, 507899)
    with pytest.raises(ab.AclError):
        bundle.update(mlp.random(2), skip_unchanged=True)
    bundle.update(new, skip_unchanged=True)
    check(bundle, mlp, new)


def test_unknown_names_can_be_ignored(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    given = {"optimizer.step": 7, **new, 3: None}
    with pytest.raises(ab.WeightError, match=r"has no weight 'optimizer\.step', 3; it has w1, b1"):
        bundle.update(given)
    report = bundle.update(given, unknown="ignore")
    assert report.ignored == ("optimizer.step", 3)
    assert report.changed == ("w1", "b1", "w2", "b2")
    check(bundle, mlp, new)


def test_tokens_are_for_weights_there_are(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.raises(ab.WeightError, match="no weight for the token 'w9'"):
        bundle.update(mlp.random(1), tokens={"w9": 1})
    bundle.update(mlp.random(1), tokens={"w9": 1}, unknown="ignore")
    with pytest.raises(TypeError, match=r"token of weight 'w1' is not hashable: \[1\]"):
        bundle.update(mlp.random(1), tokens={"w1": [1]})


def test_a_plan_tells_and_does_nothing(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    bundle.update({"w2": new["w2"]}, skip_unchanged=True)
    before, calls = bundle.infer(mlp.x), sum(fake.calls().values())
    given = {"other": 1, "w2": new["w2"], "b1": new["b1"]}
    report = bundle.update.plan(given, skip_unchanged=True)
    assert report.changed == ("b1",)
    assert report.unchanged == ("w2",)
    assert report.kept == ("w1", "w2", "b2")
    assert report.missing == ("w1", "b2")
    assert report.unknown == ("other",)
    assert report.nbytes == new["b1"].nbytes
    assert sum(fake.calls().values()) == calls
    assert bundle.update.plan(given, skip_unchanged=True) == report
    assert (bundle.infer(mlp.x) == before).all()
    with pytest.raises(ab.WeightError, match="weight 'b1' has shape"):
        bundle.update.plan({"b1": new["b2"]})


def test_digests_without_xxhash(
    bundle: ab.Bundle, mlp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xxhash", None)
    with pytest.raises(
        ab.UnsupportedError, match=r"need xxhash: from a checkout, pip install '\.\[w"
    ):
        bundle.update(mlp.random(1), skip_unchanged=True)
    assert bundle.version == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_lazy_values_can_be_unchanged(bundle: ab.Bundle, mlp: Any, threads: int) -> None:
    new = mlp.random(1)
    bundle.update(Made(new), skip_unchanged=True, threads=threads)
    assert bundle.update(Made(new), skip_unchanged=True, threads=threads).changed == ()
    assert bundle.update(new, skip_unchanged=True, threads=threads).changed == ()
    new["w1"] = mlp.random(2)["w1"]
    assert bundle.update(Made(new), skip_unchanged=True, threads=threads).changed == ("w1",)
    check(bundle, mlp, new)
