"""Ctrl-C at every action of the coordinator: before the decision nothing has changed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from .scene import answers, replicas
from .test_coordinator_dies import MOST, Life, agree, coordinator

pytestmark = pytest.mark.usefixtures("fake_acl")


class Interrupted(Life):
    """Has Ctrl-C at one action, within it or behind it."""

    def lives(self, what: str, work: Callable[[], Any]) -> Any:
        self.actions.append(what)
        self.over = len(self.actions) - 1 == self.end
        if self.over and not self._after:
            signal.raise_signal(signal.SIGINT)
        done = work()
        if self.over and self._after:
            signal.raise_signal(signal.SIGINT)
        return done


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_ctrl_c_anywhere(mlp: Any, consistency: Any, after: bool) -> None:
    early = late = 0
    with replicas(mlp) as (ones, record):
        life = Interrupted(None, after)
        fleet = coordinator(ones, record, life)
        for end in range(MOST):
            life.actions, life.end = [], end
            before = int(fleet.version or 0)
            try:
                fleet.update(mlp.random(before + 1), version=before + 1, consistency=consistency)
            except KeyboardInterrupt:
                assert "decide " not in life.actions or fleet.version == before + 1
                early += fleet.version == before
                late += fleet.version == before + 1
            else:
                assert end == len(life.actions)
                break
            assert set(answers(ones, mlp).values()) == {fleet.version}
            agree(ones, record, mlp)
    assert early > 7
    assert late > 4


def test_ctrl_c_while_a_replica_hangs(mlp: Any) -> None:
    """It is felt while the coordinator waits, and what was prepared is dropped."""
    with replicas(mlp) as (ones, record):
        fleet = coordinator(ones, record, Life(None, False))
        start = ones[2].start

        def hang(step: str, *arguments: Any) -> Any:
            future = start(step, *arguments)
            if step != "prepare":
                return future
            signal.raise_signal(signal.SIGINT)
            return type(future)()  # nobody ever answers

        ones[2].start = hang  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            fleet.update(mlp.random(1), version=1)
        ones[2].start = start  # type: ignore[method-assign]
        assert set(answers(ones, mlp).values()) == {0}
        assert {one.participant.status().state for one in ones} == {"idle"}
