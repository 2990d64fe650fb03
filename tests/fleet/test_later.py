"""Replicas that are behind catch up by themselves, and the thread for that ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

import pytest

from acl_bundle.fleet import Fleet
from acl_bundle.fleet._coordinator import later

from .scene import Direct, answers, fleet_of, replicas

pytestmark = pytest.mark.usefixtures("fake_acl")
SECONDS = 60
TRIES = 6


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "PAUSES", tuple(0.01 * 2**n for n in range(TRIES)))


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def none_is_left() -> bool:
    return not any(one.name == "acl_bundle fleet catches up" for one in threading.enumerate())


def counted(one: Direct) -> list[str]:
    """The steps that are started there, from now on."""
    start, steps = one.start, []

    def noted(step: str, *arguments: Any) -> Any:
        steps.append(step)
        return start(step, *arguments)

    one.start = noted  # type: ignore[method-assign]
    return steps


@pytest.mark.timed
def test_one_that_could_not_commit_catches_up(mlp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "PAUSES", (0.01,) * 1000)
    with fleet_of(mlp) as (fleet, ones):
        fleet.update(mlp.random(1), version=1)
        assert none_is_left()
        ones[1].refuses = {"commit", "catch_up"}
        assert fleet.update(mlp.random(2), version=2).closed == ("r1",)
        assert " of 1000 to catch up in 0.0 s" in str(fleet.status())
        ones[1].refuses = set()
        until(lambda: all(one.state == "idle" for one in fleet.status().replicas))
        until(none_is_left)
        assert set(answers(ones, mlp).values()) == {2}
        assert fleet.status().catching_up == ""


@pytest.mark.timed
def test_tries_end_and_an_update_begins_them_anew(mlp: Any) -> None:
    with fleet_of(mlp) as (fleet, ones):
        steps = counted(ones[2])
        ones[2].fails, ones[2].refuses = {"commit": 1}, {"catch_up"}
        for version in (1, 2):
            steps.clear()
            fleet.update(mlp.random(version), version=version)
            until(none_is_left)
            assert TRIES <= steps.count("catch_up") <= TRIES + 2
            assert answers(ones, mlp) == {"r0": version, "r1": version, "r2": None}


@pytest.mark.timed
def test_one_that_an_inference_finds_closed(mlp: Any) -> None:
    with fleet_of(mlp) as (fleet, ones):
        fleet.update(mlp.random(1), version=1)
        ones[0].participant.retire("for a test")
        for _ in range(3):
            assert fleet.infer({"x": mlp.x}).version == 1
        until(none_is_left)
        assert set(answers(ones, mlp).values()) == {1}


@pytest.mark.timed
@pytest.mark.parametrize("way", ["closed", "fenced"])
def test_a_fleet_that_is_no_more_tries_no_more(
    mlp: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    pause = 60 if way == "closed" else 0.02
    monkeypatch.setattr(later, "PAUSES", (pause,) * 1_000_000)
    with replicas(mlp) as (ones, record):
        fleet = Fleet(ones, record=record)
        ones[0].refuses = {"commit", "catch_up"}
        fleet.update(mlp.random(1), version=1)
        assert not none_is_left()
        if way == "closed":
            fleet.close()
        else:
            ones[0].refuses = set()
            Fleet(ones, record=record).update(mlp.random(2), version=2)
            assert fleet.version == 1
        until(none_is_left)


class Work:
    def is_behind(self) -> bool:
        return True


@pytest.mark.timed
def test_it_keeps_nothing_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "PAUSES", (0.01,) * 1_000_000)
    work = Work()
    later.CatchUpLater(WeakMethod(work.is_behind)).begin()
    assert not none_is_left()
    del work
    until(none_is_left)


@pytest.mark.timed
def test_a_record_that_cannot_be_reached_is_asked_again(mlp: Any) -> None:
    with fleet_of(mlp) as (fleet, ones):
        ones[0].refuses = {"commit", "catch_up"}
        record: Any = fleet._coordinator.record
        read, asked = record.read, []

        def fails() -> Any:
            asked.append(1)
            if len(asked) == 2:
                ones[0].refuses = set()
                raise OSError("no route")
            return read()

        record.read = fails
        fleet.update(mlp.random(1), version=1)
        until(none_is_left)
        assert set(answers(ones, mlp).values()) == {1}
