"""What cannot be is refused before anything has changed; and what is kept, and how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle.fleet import Fleet, FleetUpdateError

from .scene import answers, fleet_of

pytestmark = pytest.mark.usefixtures("fake_acl")
W = np.ones((8, 16), np.float32)

WRONG: list[tuple[Callable[[Fleet], Any], type[Exception], str]] = [
    (lambda f: f.update(7), TypeError, "give the weights as a mapping"),
    (lambda f: f.update({"w1": W}, version=1.5), TypeError, "version is an int or a str"),
    (lambda f: f.update({"w1": W}, version=0), ab.UpdateError, "version 0 is in force already"),
    (lambda f: f.update({"w1": W}, expect=3), ab.VersionError, "is 0, where 3 is expected"),
    (lambda f: f.update({"w1": W}, consistency="lax"), ValueError, "consistency is 'rolling' or"),
    (lambda f: f.update({"w1": W}, on_lost="wait"), ValueError, "on_lost is 'fail' or 'drop'"),
    (lambda f: f.update({"w1": W}, timeout=0), ValueError, "timeout is 0; a number of seconds"),
    (lambda f: f.update({"w1": W}, timeout="1"), TypeError, "timeout is a number of seconds"),
    (lambda f: f.update({"w1": W}, timeout=float("nan")), ValueError, "timeout is nan"),
    (lambda f: f.update({"w1": W}, tokens={}), TypeError, "no option 'tokens'; there are cast"),
    (lambda f: f.update({"w1": W}, ignore="w"), TypeError, "ignore is 'w'"),
    (lambda f: f.update({"w1": W.astype(object)}), TypeError, "weight 'w1' has dtype object"),
    (lambda f: f.update({"w1": "text"}), TypeError, "weight 'w1' is a str"),
    (lambda f: f.update({"w1": W[1:]}), FleetUpdateError, "r2: WeightError: weight 'w1' has"),
    (lambda f: f.update({"ww": W}), FleetUpdateError, "has no weight 'ww'"),
    (lambda f: f.update({"w1": W.astype(np.float64)}), FleetUpdateError, "has dtype float64"),
    (lambda f: f.update({"w1": W}, cast="wild"), FleetUpdateError, "cast is"),
    (lambda f: f.infer({"z": W}), ValueError, "has no input 'z'"),
    (lambda f: f.infer({}, timeout_ms=-1), ValueError, "timeout_ms is -1"),
    (lambda f: f.remove("none"), ValueError, "no replica 'none'; it has 'r0', 'r1', 'r2'"),
    (lambda f: Fleet([]), ValueError, "at least one replica"),
    (lambda f: Fleet([next(iter(f._members)).replica], lease=-1), ValueError, "lease is -1"),
    (lambda f: Fleet([next(iter(f._members)).replica], lease=0.1), ValueError, "at least 0.3"),
    (lambda f: Fleet.local("x.om", devices=[]), ValueError, "devices is empty"),
    (lambda f: Fleet.local("x.om", devices="01"), TypeError, "devices is a list of indices"),
    (lambda f: Fleet.processes("x.om", devices=[None]), TypeError, "a device of a child process"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_it_is_refused_and_nothing_changes(mlp: Any, number: int) -> None:
    act, kind, text = WRONG[number]
    with fleet_of(mlp) as (fleet, ones):
        held = fleet._coordinator.store.nbytes
        with pytest.raises(kind, match=text):
            act(fleet)
        assert set(answers(ones, mlp).values()) == {0}
        assert fleet._coordinator.store.nbytes == held
        fleet.update({"w1": W}, version=1)
        assert {one.participant.status().version for one in ones} == {1}


def test_a_closed_fleet_is_refused(mlp: Any) -> None:
    fleet = Fleet.local(mlp.path)
    assert repr(fleet) == "<Fleet of 1 replicas, 1 open, version 0>"
    fleet.close()
    fleet.close()
    for act in (fleet.status, fleet.catch_up, lambda: fleet.infer({}), lambda: fleet.update({})):
        with pytest.raises(ab.ClosedError):
            act()
    assert repr(fleet) == "<Fleet closed>"


def test_weights_are_kept_twice_and_no_more(mlp: Any) -> None:
    with fleet_of(mlp, count=1) as (fleet, _):
        store = fleet._coordinator.store
        assert store.nbytes == 0
        for version in range(1, 6):
            fleet.update(mlp.random(version), version=version)
            sizes = store.nbytes
        room = sum(-(-one.nbytes // 64) * 64 for one in mlp.weights.values())
        assert sizes == 2 * room
        fleet.update({"w1": mlp.random(9)["w1"]}, version=9)
        assert store.nbytes == sizes
        assert store.committed is not None
        with store.committed.opened() as kept:
            np.testing.assert_array_equal(kept["w1"], mlp.random(9)["w1"])
            np.testing.assert_array_equal(kept["b1"], mlp.random(5)["b1"])
            with pytest.raises(ValueError, match="read-only"):
                kept["w1"][0, 0] = 1


class Plain:
    """An array, and nothing more is known of it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self._value


def test_bytes_are_counted_of_whatever_is_given(mlp: Any) -> None:
    whole = mlp.random(1)
    nbytes = sum(one.nbytes for one in whole.values())
    with fleet_of(mlp, count=1) as (fleet, _):
        assert fleet.update(iter(whole.items())).nbytes == nbytes
        assert fleet.update({n: Plain(one) for n, one in whole.items()}).nbytes == nbytes


def test_what_is_given_may_be_changed_afterwards(mlp: Any) -> None:
    given = mlp.random(1)
    with fleet_of(mlp) as (fleet, ones):
        fleet.update(given.items(), version=1, ignore=["nothing*"])
        for one in given.values():
            one[...] = 7
        ones[1].participant.retire("it is tried here")
        ones[1].participant._epoch = 0
        fleet.catch_up()
        assert set(answers(ones, mlp).values()) == {1}
