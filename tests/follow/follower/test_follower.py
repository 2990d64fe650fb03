"""The follower itself: what it applies, refuses, takes, and waits for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.testing import FakeAcl

from .. import policy
from ..following import following, publish, until


def test_it_starts_with_the_newest_and_goes_on_in_order(bundle: ab.Bundle, tmp_path: Path) -> None:
    for version in (1, 2, 3):
        publish(tmp_path, version)
    reports: list[Any] = []
    with following(bundle, tmp_path, on_applied=reports.append) as follower:
        assert follower.wait_for(3, 10) == 3
        publish(tmp_path, 10)
        publish(tmp_path, 9 + 2)
        assert follower.wait_for(11, 10) == 11
        until(lambda: len(reports) == 3)
        metrics = follower.metrics
    assert [one.version for one in reports] == [3, 10, 11]
    assert policy.held(bundle) == bundle.version == 11
    assert (metrics.seen, metrics.applied, metrics.passed) == (3, 3, 0)
    assert metrics.last_error is None
    assert metrics.lag is not None
    assert 0 <= metrics.lag < 10


def test_after_gives_every_version_since(bundle: ab.Bundle, tmp_path: Path) -> None:
    for version in range(1, 6):
        publish(tmp_path, version)
    reports: list[Any] = []
    with following(bundle, tmp_path, after=2, on_applied=reports.append) as follower:
        follower.wait_for(5, 10)
        until(lambda: len(reports) == 3)
        assert follower.wait_for(1) == 5
    assert [one.version for one in reports] == [3, 4, 5]


@pytest.mark.timed
def test_newest_passes_by_what_is_in_between(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    with following(bundle, tmp_path, after=0, newest=True) as follower:
        fake_acl.latency("aclmdlExecute", 0.3)
        publish(tmp_path, 1)
        until(lambda: follower.metrics.seen == 1)
        for version in (2, 3, 4):
            publish(tmp_path, version)
        follower.wait_for(4, 10)
        metrics = follower.metrics
    assert (metrics.seen, metrics.applied, metrics.passed) == (4, 2, 2)


@pytest.mark.timed
def test_what_the_bundle_refuses_is_refused_once(bundle: ab.Bundle, tmp_path: Path) -> None:
    refused: list[Any] = []
    with following(bundle, tmp_path, on_refused=lambda *what: refused.append(what)) as follower:
        publish(tmp_path, 1, {"w": np.zeros((2, 2), np.float32)})
        with pytest.raises(ab.WeightError, match="shape"):
            follower.wait_for(1, 10)
        time.sleep(0.3)
        publish(tmp_path, 2)
        assert follower.wait_for(2, 10) == 2
        metrics = follower.metrics
    assert [version for version, _ in refused] == [1]
    assert isinstance(refused[0][1], ab.WeightError)
    assert (metrics.seen, metrics.applied, metrics.refused, metrics.errors) == (2, 1, 1, 0)
    assert metrics.last_error is refused[0][1]


@pytest.mark.parametrize("error", [KeyError("w"), ZeroDivisionError(), ab.RoleError("no")])
def test_what_the_transform_raises_refuses_the_version(
    bundle: ab.Bundle, tmp_path: Path, error: Exception
) -> None:
    def transform(weights: Any) -> Any:
        raise error

    publish(tmp_path, 1)
    with (
        following(bundle, tmp_path, transform=transform) as follower,
        pytest.raises(type(error)),
    ):
        follower.wait_for(1, 10)
    assert bundle.version == 0


def test_a_transform_and_options_reach_the_update(bundle: ab.Bundle, tmp_path: Path) -> None:
    def transform(weights: Any) -> Any:
        return files.rename(weights, strip_prefix="model.")

    wide = {f"model.{k}": v.astype(np.float64) for k, v in policy.weights(1).items()}
    publish(tmp_path, 1, {**wide, "model.other": np.zeros(1)})
    with following(
        bundle, tmp_path, transform=transform, cast="same_kind", unknown="ignore"
    ) as follower:
        follower.wait_for(1, 10)
    assert policy.held(bundle) == 1


def test_a_transform_that_gives_no_mapping_refuses(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with (
        following(bundle, tmp_path, transform=list) as follower,
        pytest.raises(TypeError, match="transform returned list: give the weights as a mapping"),
    ):
        follower.wait_for(1, 10)


def test_wait_for_says_what_it_waited_for(bundle: ab.Bundle, tmp_path: Path) -> None:
    (tmp_path / "weights-3.safetensors").write_bytes(b"half")
    with following(bundle, tmp_path) as follower:
        with pytest.raises(TimeoutError, match=r"version 3 was not applied .*: .*weights-3"):
            follower.wait_for(3, 0.3)
        with pytest.raises(ValueError, match="has no number"):
            follower.wait_for("best")
        with pytest.raises(TypeError, match="an int or a str"):
            follower.wait_for(3.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"version": 3}, TypeError, "version cannot be chosen"),
        ({"keep": "reference"}, ValueError, "'copy'"),
        ({"tokens": {"w": 1}}, ValueError, "each version has others"),
        ({"cast": "x"}, ValueError, "cast is 'safe' or 'same_kind', not 'x'"),
        ({"when_busy": "later"}, ValueError, "when_busy is"),
        ({"timeout_ms": 0.5}, TypeError, "timeout_ms is an int"),
        ({"castt": "safe"}, TypeError, "no option 'castt'"),
        ({"stale_after": 0}, ValueError, "stale_after is 0 seconds"),
        ({"after": "best"}, ValueError, "no number"),
        ({"after": 1.5}, TypeError, "an int or a str"),
    ],
)
def test_bad_arguments(
    bundle: ab.Bundle, tmp_path: Path, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ab.follow(bundle, follow.Directory(tmp_path), **options)


def test_a_source_that_is_none(bundle: ab.Bundle) -> None:
    with pytest.raises(TypeError, match="without versions, wait, close"):
        ab.follow(bundle, 7)  # type: ignore[arg-type]


@pytest.mark.parametrize("delays", [(0, 1), (2, 1), (-1, 1), (1, float("inf"))])
def test_delays_that_are_none(delays: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"0 < first <= most is right|a positive number"):
        follow.Backoff(*delays)


def test_delays_grow_to_a_limit() -> None:
    backoff = follow.Backoff(0.1, 2)
    for failures, most in ((1, 0.1), (2, 0.2), (4, 0.8), (9, 2), (100_000, 2)):
        delays = [backoff.delay(failures) for _ in range(200)]
        assert most / 2 <= min(delays)
        assert max(delays) <= most
        assert len(set(delays)) > 100
