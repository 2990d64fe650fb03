"""A trainer killed at a random moment, a hundred times: nothing torn, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import follow

from .. import policy
from ..conftest import Trainers

KILLS = {"directory": 100, "redis": 100, "file": 50, "folder": 50}


@pytest.fixture(params=KILLS)
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(how: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if how == "redis":
        return str(request.getfixturevalue("server").url)
    return str(tmp_path)


@pytest.fixture
def trainers(how: str, place: str) -> Iterator[Trainers]:
    started = Trainers(how, place)
    yield started
    started.close()


def source(how: str, place: str) -> follow.Source:
    if how == "redis":
        return follow.Redis(place, "policy", poll=0.2)
    return follow.Directory(place, poll=0.2)


def test_each_version_is_whole_and_applied_once(
    how: str, place: str, trainers: Trainers, bundle: ab.Bundle
) -> None:
    applied: list[int] = []
    held: list[int] = []
    refused: list[Any] = []

    def look(report: Any) -> None:
        applied.append(report.version)
        held.append(policy.held(bundle))

    with follow.Follower(
        bundle,
        source(how, place),
        on_applied=look,
        on_refused=lambda *what: refused.append(what),
        backoff=follow.Backoff(0.01, 0.05),
    ) as follower:
        moments = random.Random(7)
        for _ in range(KILLS[how]):
            child = trainers.start()
            time.sleep(moments.uniform(0.005, 0.06))
            os.kill(child, signal.SIGKILL)
        trainers.start()  # the last one lives long enough to publish something whole
        count = follower.metrics.applied
        for _ in range(3):
            follower.wait_for(timeout=20)
        trainers.close()
        metrics = follower.metrics
    assert metrics.callback_errors == 0
    assert refused == []
    assert held == applied, "a torn version"
    assert applied == sorted(set(applied)), "a version came twice, or out of order"
    assert len(applied) > count > KILLS[how] // 10
    assert metrics.seen >= metrics.applied + metrics.passed
