"""Sources that are not as they should be, and what is asked of a follower where it cannot be."""

from __future__ import annotations

import gc
import threading
import time
import traceback
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.testing import FakeAcl

from .. import policy
from ..following import QUICK, following, publish, until
from ..memory import Memory


def memory(*versions: int) -> Memory:
    source = Memory()
    for version in versions:
        source.put(version, policy.weights(version))
    return source


@pytest.mark.timed
def test_a_source_that_cannot_wait_is_not_asked_without_pause(bundle: ab.Bundle) -> None:
    class Deaf(Memory):
        def wait(self, seconds: float, stop: threading.Event) -> None:
            raise OSError("no notices")

    source, backoff = Deaf(), follow.Backoff(0.05, 0.4)
    with ab.follow(bundle, source, backoff=backoff) as follower:
        time.sleep(1)
        assert 2 <= source.looks <= 20
        source.put(1, policy.weights(1))
        follower.wait_for(1, 10)


def test_a_version_that_is_listed_twice_is_applied_once(bundle: ab.Bundle) -> None:
    versions: list[Any] = []
    source = memory(1, 1, 2, 2, 1)
    with ab.follow(
        bundle, source, after=0, on_applied=lambda r: versions.append(r.version)
    ) as follower:
        follower.wait_for(2, 10)
        looks = source.looks
        until(lambda: source.looks > looks + 2)
        metrics = follower.metrics
    assert versions == [1, 2]
    assert (metrics.seen, metrics.applied, metrics.healed) == (2, 2, 0)


@pytest.mark.parametrize("error", [SystemExit("enough"), GeneratorExit()])
def test_a_transform_that_would_end_the_thread_refuses_its_version(
    bundle: ab.Bundle, error: BaseException
) -> None:
    def transform(weights: Any) -> Any:
        if weights["b"][0] == 1:
            raise error
        return weights

    source = memory(1)
    with ab.follow(bundle, source, transform=transform) as follower:
        with pytest.raises(RuntimeError, match=f"{type(error).__name__} was raised"):
            follower.wait_for(1, 10)
        source.put(2, policy.weights(2))
        follower.wait_for(2, 10)


def test_a_source_that_would_end_the_thread_is_asked_again(bundle: ab.Bundle) -> None:
    class Leaving(Memory):
        def versions(self) -> list[follow.Checkpoint]:
            if super().versions() and self.looks < 3:
                raise SystemExit("enough")
            return self.listed

    source = Leaving()
    source.put(1, policy.weights(1))
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        follower.wait_for(1, 10)
        assert follower.metrics.errors == 2


@pytest.mark.parametrize("kind", ["refused", "transform", "failed"])
def test_what_a_version_held_goes_with_it(bundle: ab.Bundle, fake_acl: FakeAcl, kind: str) -> None:
    """An error is kept, and its frames would keep the arrays: 64 versions of them."""
    opened: list[weakref.ref[Any]] = []

    class Held(dict[str, Any]):
        pass

    @contextmanager
    def open_(weights: dict[str, Any]) -> Iterator[Any]:
        held = Held(weights)
        opened.append(weakref.ref(held))
        yield held

    def transform(weights: Any) -> Any:
        try:
            raise KeyError("w")
        except KeyError as error:
            raise ValueError("it is wrong") from error

    weights = {"w": policy.weights(1)["b"]} if kind == "refused" else policy.weights(1)
    source = Memory()
    source.listed = [follow.Checkpoint(1, (1, 1), lambda: open_(weights))]
    if kind == "failed":
        fake_acl.fail("aclmdlExecute", nth=0)
    gc.disable()
    try:
        with ab.follow(
            bundle, source, backoff=QUICK, transform=transform if kind == "transform" else None
        ) as follower:
            until(lambda: follower.metrics.last_error is not None)
            fake_acl.fail("aclmdlExecute", code=0)
        error = follower.metrics.last_error
        assert error is not None
        assert "_update" in "".join(traceback.format_exception(error))  # the lines are still there
        assert [one() for one in opened] == [None] * len(opened)
    finally:
        gc.enable()


def test_a_source_is_followed_by_one_at_a_time(
    bundle: ab.Bundle, policy_file: Path, tmp_path: Path
) -> None:
    source = follow.Directory(tmp_path, poll=0.05)
    publish(tmp_path, 1)
    with ab.Bundle.load(policy_file) as other:
        with ab.follow(bundle, source) as follower:
            with pytest.raises(ab.BusyError, match="is followed already: make another source"):
                ab.follow(other, source)
            with following(other, tmp_path) as second:  # the same place is no matter
                assert follower.wait_for(1, 10) == second.wait_for(1, 10) == 1
        with ab.follow(other, source, after=1) as follower:
            publish(tmp_path, 2)
            follower.wait_for(2, 10)


def test_a_thread_that_cannot_start_leaves_nothing_behind(
    bundle: ab.Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = follow.Directory(tmp_path)
    with monkeypatch.context() as patch:

        def start(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start"):
            ab.follow(bundle, source)
    ab.follow(bundle, source).close()


def test_a_callback_cannot_wait_for_what_it_holds_up(bundle: ab.Bundle) -> None:
    told: list[Any] = []
    followers: list[follow.Follower] = []

    def applied(_: Any) -> None:
        until(lambda: followers)
        told.append(followers[0].wait_for(1))  # that one is there
        followers[0].wait_for(2)

    source = memory(1)
    with ab.follow(bundle, source, on_applied=applied) as follower:
        followers.append(follower)
        until(lambda: follower.metrics.callback_errors == 1)
    assert told == [1]
