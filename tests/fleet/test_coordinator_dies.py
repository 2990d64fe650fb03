"""The coordinator dies between any two of its actions; a new one, or the replicas, go on.

Its actions are what others see of it: calls of replicas, of the record and of the store. At the
n-th one it is dead, before or after it was done, and can do nothing any more, not even clean up.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from acl_bundle.errors import UpdateError
from acl_bundle.fleet import DecisionRecord, FencedError, Fleet, Store
from acl_bundle.fleet._store.store import SharedStore

from .scene import Direct, answers, lapse, replicas

pytestmark = pytest.mark.usefixtures("fake_acl")
MOST = 200
WAYS = [("rolling", False), ("rolling", True), ("strict", False), ("strict", True)]


class Died(BaseException):
    """The coordinator is no more."""


class Life:
    """Ends at an action.

    Attributes:
        actions: What was done, in order.
        end: At which one.
        over: Whether it ended.
    """

    def __init__(self, end: int | None, after: bool) -> None:
        self.end, self._after = end, after
        self.actions: list[str] = []
        self.over = False

    def lives(self, what: str, work: Callable[[], Any]) -> Any:
        if self.over:
            raise Died
        self.actions.append(what)
        self.over = len(self.actions) - 1 == self.end
        if self.over and not self._after:
            raise Died
        done = work()
        if self.over:
            raise Died
        return done


class Watched:
    """Something that the coordinator acts on; `names` are the actions."""

    def __init__(self, real: Any, life: Life, *names: str) -> None:
        self._real, self._life, self._names = real, life, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in self._names:
            return found
        return lambda *a, **k: self._life.lives(
            f"{name} {a[0] if name == 'start' else ''}", lambda: found(*a, **k)
        )

    def close(self) -> None:
        """The replica outlives its coordinator."""


def coordinator(ones: list[Direct], record: DecisionRecord, life: Life) -> Fleet:
    handles: list[Any] = [Watched(one, life, "start") for one in ones]
    watched: Any = Watched(record, life, "read", "claim", "decide", "resolve")
    store: Store = Watched(SharedStore(), life, "put", "keep", "drop")  # type: ignore[assignment]
    return Fleet(handles, record=watched, store=store)


def agree(ones: list[Direct], record: DecisionRecord, mlp: Any) -> None:
    """All answer, with what is decided."""
    decided = record.read().version or 0
    assert set(answers(ones, mlp).values()) == {decided}


def dies(
    ones: list[Direct], record: DecisionRecord, mlp: Any, consistency: Any, end: int, after: bool
) -> Life:
    """The next version is on its way when the coordinator dies."""
    life = Life(None, after)
    fleet = coordinator(ones, record, life)
    life.actions.clear()
    life.end = end
    version = int(fleet.version or 0) + 1
    try:
        fleet.update(mlp.random(version), version=version, consistency=consistency)
    except Died:
        assert life.over
    return life


def test_the_actions_are_all_there(mlp: Any) -> None:
    with replicas(mlp) as (ones, record):
        life = dies(ones, record, mlp, "strict", MOST, False)
    names = ("status", "prepare", "close_gate", "commit", "open_gate")
    ask, prepare, close, commit, opened = ([f"start {step}"] * 3 for step in names)
    assert life.actions == [
        "read ", *ask, "claim ", "put ", *prepare, *close, "decide ", "keep ", *commit, *opened,
    ]  # fmt: skip


@pytest.mark.parametrize(("consistency", "after"), WAYS)
def test_a_new_coordinator_goes_on(mlp: Any, consistency: str, after: bool) -> None:
    with replicas(mlp) as (ones, record):
        for end in range(MOST):
            before = record.read().version
            life = dies(ones, record, mlp, consistency, end, after)
            if not life.over:
                assert end == {"rolling": 14, "strict": 20}[consistency]
                return
            found = set(answers(ones, mlp).values()) - {None}
            assert found <= {before or 0, record.read().version or 0}
            assert consistency == "rolling" or len(found) <= 1
            coordinator(ones, record, Life(None, after))
            agree(ones, record, mlp)


@pytest.mark.parametrize("model", ["owned", "pair"])
@pytest.mark.parametrize(("consistency", "after"), WAYS)
def test_replicas_help_themselves(mlp: Any, model: str, consistency: str, after: bool) -> None:
    with replicas(mlp, model) as (ones, record):
        coordinator(ones, record, Life(None, False))
        for end in range(MOST):
            life = dies(ones, record, mlp, consistency, end, after)
            lapse(ones)
            agree(ones, record, mlp)
            if not life.over:
                return


@pytest.mark.parametrize(("consistency", "after"), WAYS)
def test_the_next_coordinator_dies_too(mlp: Any, consistency: str, after: bool) -> None:
    """Wherever that is; the third one goes on."""
    with replicas(mlp, count=2) as (ones, record):
        for end in range(MOST):
            for then in range(MOST):
                life = dies(ones, record, mlp, consistency, end, after)
                second = Life(then, not after)
                with suppress(Died):
                    coordinator(ones, record, second)
                if second.over:
                    coordinator(ones, record, Life(None, after))
                agree(ones, record, mlp)
                if not (life.over and second.over):
                    break
            if not life.over:
                assert end > 10
                return


@pytest.mark.parametrize("at", range(13))
def test_one_that_was_only_slow_is_fenced(mlp: Any, at: int) -> None:
    """Before the decision another one takes over; the first one goes on, and can do nothing."""
    with replicas(mlp) as (ones, record):
        life = Slow(lambda: Fleet(ones, record=record).update(mlp.random(2), version=2))
        first = coordinator(ones, record, life)
        life.at = at
        with pytest.raises(UpdateError, match=r"epoch|another coordinator"):
            first.update(mlp.random(1), version=1, consistency="strict")
        assert record.read().version == 2
        agree(ones, record, mlp)
        with pytest.raises(FencedError, match="another coordinator has taken over"):
            first.update(mlp.random(3), version=3)


class Slow(Life):
    """Stands still before an action, while something else is done."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        super().__init__(None, False)
        self._meanwhile, self.at = meanwhile, -1

    def lives(self, what: str, work: Callable[[], Any]) -> Any:
        if self.at == 0:
            self._meanwhile()
        self.at -= 1
        return work()
