"""Each call of the library fails in each step, at each replica: all agree, or one is closed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from acl_bundle import fake
from acl_bundle.fleet import FleetUpdateError, ReplicaClosedError

from .scene import MODELS, answers, counted, fleet_of

pytestmark = pytest.mark.usefixtures("fake_acl")
AT = (0, 1, 2)


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
@pytest.mark.parametrize("model", MODELS)
def test_every_call_before_the_decision(mlp: Any, model: str, consistency: str) -> None:
    calls = counted(mlp, model, consistency)
    steps = ("prepare", "close_gate") if consistency == "strict" else ("prepare",)
    refused = []
    with fleet_of(mlp, model) as (fleet, ones):
        for step in steps:
            for at in AT:
                for nth in calls[step]:
                    before = fleet.version or 0
                    assert isinstance(before, int)
                    ones[at].fails = {step: nth}
                    try:
                        fleet.update(
                            mlp.random(before + 1), version=before + 1, consistency=consistency
                        )
                    except FleetUpdateError as error:
                        refused.append((set(error.reasons), {f"r{at}"}))
                    ones[at].fails = {}
                    now = {fleet.version}
                    assert set(answers(ones, mlp).values()) == now
    assert all(named == right for named, right in refused)
    assert len(refused) >= 3 * (len(calls["prepare"]) - 4) // 2
    print(f"cases: {3 * sum(len(calls[step]) for step in steps)}")


@pytest.mark.parametrize("heals", [True, False])
@pytest.mark.parametrize("consistency", ["rolling", "strict"])
@pytest.mark.parametrize("model", MODELS)
def test_every_call_after_the_decision(mlp: Any, model: str, consistency: str, heals: bool) -> None:
    calls = counted(mlp, model, consistency)
    steps = ("commit", "open_gate") if consistency == "strict" else ("commit",)
    left = cases = 0
    with fleet_of(mlp, model) as (fleet, ones):
        for step in steps:
            for at in AT:
                for nth in calls[step]:
                    cases += 1
                    version = int(fleet.version or 0) + 1
                    ones[at].fails = {step: nth}
                    ones[at].refuses = set() if heals else {"catch_up"}
                    report = fleet.update(
                        mlp.random(version), version=version, consistency=consistency
                    )
                    ones[at].fails, ones[at].refuses = {}, set()
                    assert fleet.version == report.version == version
                    found = answers(ones, mlp)
                    odd = {name for name, one in found.items() if one != version}
                    assert odd == set(report.closed)
                    assert all(found[name] is None for name in odd)
                    if odd:
                        left += 1
                        assert fleet.infer({"x": mlp.x}).version == version
                        fleet.catch_up()
                    assert set(answers(ones, mlp).values()) == {version}
    assert bool(left) == (not heals and model != "pair")
    print(f"cases: {cases}")


@pytest.mark.parametrize("step", ["prepare", "commit"])
@pytest.mark.parametrize("model", MODELS)
def test_every_call_of_the_first_update(mlp: Any, model: str, step: str) -> None:
    """It takes memory that later ones find."""
    calls = counted(mlp, model, "rolling", first=True)
    for at in AT:
        for nth in calls[step]:
            with fleet_of(mlp, model) as (fleet, ones):
                ones[at].fails = {step: nth}
                with suppress(FleetUpdateError):
                    report = fleet.update(mlp.random(1), version=1)
                    assert report.closed == ()
                assert step == "prepare" or fleet.version == 1
                assert set(answers(ones, mlp).values()) == {fleet.version}
    print(f"cases: {3 * len(calls[step])}")


@pytest.mark.parametrize("model", MODELS)
def test_every_call_of_catching_up(mlp: Any, model: str) -> None:
    """A replica that cannot commit catches up in the same update; what fails there is got round."""
    with fleet_of(mlp, model) as (fleet, ones):

        def catches_up(nth: int) -> None:
            version = int(fleet.version or 0) + 1
            ones[1].fails, ones[1].refuses = {"catch_up": nth}, {"commit"}
            fleet.update(mlp.random(version), version=version)
            assert set(answers(ones, mlp).values()) <= {version, None}
            ones[1].fails, ones[1].refuses = {}, set()
            fleet.catch_up()
            assert set(answers(ones, mlp).values()) == {version}

        catches_up(0)
        with fake.settings(trace="on"):
            ones[1].counting = True
            ones[1].refuses = {"commit"}
            fleet.update(mlp.random(2), version=2)
            ones[1].counting = False
        assert len(ones[1].calls["catch_up"]) > 2
        for nth in ones[1].calls["catch_up"]:
            catches_up(nth)


def test_all_closed_says_why(mlp: Any) -> None:
    with fleet_of(mlp, "owned", 2) as (fleet, ones):
        for one in ones:
            one.fails, one.refuses = {"commit": 1}, {"catch_up"}
        report = fleet.update(mlp.random(1), version=1)
        assert report.closed == ("r0", "r1")
        with pytest.raises(
            ReplicaClosedError, match=r"no replica of the fleet is open .*catch_up is"
        ):
            fleet.infer({"x": mlp.x})
        table = str(fleet.status())
        assert table.count("poisoned") == 2
        for one in ones:
            one.fails, one.refuses = {}, set()
        fleet.update(mlp.random(2), version=2)
        assert set(answers(ones, mlp).values()) == {2}
