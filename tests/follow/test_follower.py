"""The follower itself: what it applies, tries again, refuses, tells, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.testing import FakeAcl

from . import policy

QUICK = follow.Backoff(0.01, 0.05)


def following(bundle: ab.Bundle, folder: Path, **options: Any) -> follow.Follower:
    options.setdefault("backoff", QUICK)
    return ab.follow(bundle, follow.Directory(folder, poll=0.05), **options)


def publish(folder: Path, version: int, weights: Mapping[str, Any] | None = None) -> None:
    follow.publish_directory(folder, weights or policy.weights(version), version)


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


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
        pytest.raises(TypeError, match="transform returned list; a mapping is right"),
    ):
        follower.wait_for(1, 10)


def test_a_failing_device_is_tried_again_until_it_works(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    errors: list[Exception] = []
    fake_acl.fail("aclmdlExecute", nth=0, code=507011)
    with following(bundle, tmp_path, after=0, on_error=errors.append) as follower:
        publish(tmp_path, 1)
        publish(tmp_path, 2)
        until(lambda: len(errors) >= 3)
        fake_acl.fail("aclmdlExecute", code=0)
        follower.wait_for(2, 10)
        metrics = follower.metrics
    assert {type(one) for one in errors} == {ab.AclInternalError}
    assert (metrics.applied, metrics.refused, metrics.errors) == (2, 0, len(errors))
    assert policy.held(bundle) == 2


def test_a_full_set_heals_a_poisoned_bundle(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    fake_acl.fail("aclmdlExecute", code=507011)
    errors: list[Any] = []
    with following(
        bundle, tmp_path, rollback="none", on_error=lambda e: errors.append((e, bundle.poisoned))
    ) as follower:
        publish(tmp_path, 1)
        follower.wait_for(1, 10)
    assert errors[0][1] is True
    assert policy.held(bundle) == 1


def test_a_partial_version_that_poisons_is_healed_by_the_full_set_before_it(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    versions: list[Any] = []
    pytest.importorskip("watchfiles")  # or else the first version waits for the poll
    source = follow.Directory(tmp_path, poll=1000)
    with ab.follow(
        bundle,
        source,
        backoff=QUICK,
        rollback="none",
        on_applied=lambda r: versions.append(r.version),
    ) as follower:
        publish(tmp_path, 5)
        follower.wait_for(5, 10)
        publish(tmp_path, 6, {"b": np.full(policy.COLUMNS, 5, np.float32)})
        follower.wait_for(6, 10)
        fake_acl.fail("aclmdlExecute", code=507011)
        publish(tmp_path, 7, {"b": np.full(policy.COLUMNS, 5, np.float32)})
        follower.wait_for(7, 10)
        until(lambda: len(versions) == 5)
        metrics = follower.metrics
    assert versions == [5, 6, 5, 6, 7]
    assert (metrics.seen, metrics.applied, metrics.healed) == (3, 3, 2)
    assert policy.held(bundle) == 5
    assert bundle.version == 7


def test_a_bundle_that_others_poisoned_is_healed_without_a_new_version(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    publish(tmp_path, 5)
    with following(bundle, tmp_path) as follower:
        follower.wait_for(5, 10)
        fake_acl.fail("aclmdlExecute", code=507011)
        with pytest.raises(ab.AclError):
            bundle.update({"b": np.zeros(policy.COLUMNS, np.float32)}, rollback="none")
        until(lambda: follower.metrics.healed == 1)
    assert policy.held(bundle) == 5


def test_a_partial_version_alone_cannot_heal_and_a_newer_full_one_does(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    errors: list[Any] = []
    fake_acl.fail("aclmdlExecute", code=507011)
    with following(bundle, tmp_path, rollback="none", on_error=errors.append) as follower:
        publish(tmp_path, 1, {"b": np.zeros(policy.COLUMNS, np.float32)})
        until(lambda: any(isinstance(one, ab.PoisonedError) for one in errors))
        publish(tmp_path, 2)
        follower.wait_for(2, 10)
        metrics = follower.metrics
    assert policy.held(bundle) == 2
    assert (metrics.applied, metrics.passed) == (1, 1)


def test_an_update_that_failed_when_all_was_done_is_not_repeated(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    class Late:
        """A bundle whose update raises after the commit, as a failed read-back does."""

        version = property(lambda self: bundle.version)
        updates = 0

        def update(self, weights: Any, **options: Any) -> Any:
            self.updates += 1
            bundle.update(weights, **options)
            raise OSError("too late")

    late = Late()
    publish(tmp_path, 1)
    with following(late, tmp_path) as follower:  # type: ignore[arg-type]
        follower.wait_for(1, 10)
        time.sleep(0.2)
        metrics = follower.metrics
    assert late.updates == 1
    assert (metrics.applied, metrics.errors) == (1, 1)


def test_a_pair_takes_versions_and_its_probe_refuses_some(
    policy_file: Path, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    with ab.Pair.load(policy_file) as pair:
        pair.init()

        def probe(infer: Any) -> bool:
            return bool(infer(policy.X)[0, 0] != 2 * (policy.ROWS + 1))

        refused: list[Any] = []
        with following(
            pair,  # type: ignore[arg-type]
            tmp_path, after=0, probe=probe, on_refused=lambda *what: refused.append(what),
        ) as follower:  # fmt: skip
            for version in (1, 2, 3):
                publish(tmp_path, version)
            publish(tmp_path, 4, {"b": np.full(policy.COLUMNS, 3, np.float32)})
            assert follower.wait_for(4, 10) == 4
            metrics = follower.metrics
        assert [version for version, _ in refused] == [2]
        assert isinstance(refused[0][1], ab.UpdateError)
        assert (metrics.applied, metrics.refused) == (3, 1)
        assert (pair.infer(policy.X) == 3 * (policy.ROWS + 1)).all()


def test_stale_is_told_once_and_ends_with_the_next_version(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    ages: list[float] = []
    with following(bundle, tmp_path, stale_after=0.2, on_stale=ages.append) as follower:
        assert not follower.stale
        until(lambda: ages)
        assert follower.stale
        time.sleep(0.5)
        assert len(ages) == 1
        publish(tmp_path, 1)
        follower.wait_for(1, 10)
        assert not follower.stale
        until(lambda: len(ages) == 2)
    assert all(0.2 <= age < 2 for age in ages)


def test_stale_is_told_while_the_source_fails(bundle: ab.Bundle, tmp_path: Path) -> None:
    ages: list[float] = []
    backoff = follow.Backoff(30, 30)
    missing = tmp_path / "missing"
    with following(
        bundle, missing, stale_after=0.2, on_stale=ages.append, backoff=backoff
    ) as follower:
        until(lambda: ages, 5)
        assert follower.metrics.errors >= 1
        assert isinstance(follower.metrics.last_error, FileNotFoundError)


def test_callbacks_that_raise_harm_nobody(
    bundle: ab.Bundle, tmp_path: Path, fake_acl: FakeAcl, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(*_: object) -> None:
        raise SystemExit("a callback")

    fake_acl.fail("aclmdlExecute", code=507011)
    with following(
        bundle, tmp_path, stale_after=0.1,
        on_applied=raises, on_refused=raises, on_error=raises, on_stale=raises,
    ) as follower:  # fmt: skip
        publish(tmp_path, 1)
        follower.wait_for(1, 10)
        publish(tmp_path, 2, {"nobody": np.zeros(1, np.float32)})
        publish(tmp_path, 3)
        follower.wait_for(3, 10)
        until(lambda: follower.metrics.callback_errors >= 5)
        assert follower.running
    told = {record.getMessage().split()[0] for record in caplog.records}
    assert {"on_applied", "on_refused", "on_error", "on_stale"} <= told


def test_closing_from_a_callback(bundle: ab.Bundle, tmp_path: Path) -> None:
    box: list[follow.Follower] = []
    publish(tmp_path, 1)
    ready = threading.Event()

    def close(_: object) -> None:
        ready.wait()
        box[0].close()

    box.append(following(bundle, tmp_path, on_applied=close))
    ready.set()
    until(lambda: not box[0].running)
    assert box[0].closed
    assert bundle.version == 1


def test_closing_the_bundle_ends_the_follower(
    policy_file: Path, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    errors: list[Exception] = []
    with ab.Bundle.load(policy_file) as bundle:
        follower = following(bundle, tmp_path, on_error=errors.append)
        publish(tmp_path, 1)
        follower.wait_for(1, 10)
    with pytest.raises(ab.ClosedError, match="the bundle is closed"):
        follower.wait_for(2, 10)
    assert not follower.running
    follower.close()
    follower.close()
    with pytest.raises(ab.ClosedError):
        follower.wait_for(1)
    assert follower.metrics.applied == 1


def test_close_does_not_wait_for_the_source(bundle: ab.Bundle, tmp_path: Path) -> None:
    follower = ab.follow(bundle, follow.Directory(tmp_path, poll=100))
    time.sleep(0.3)
    start = time.monotonic()
    follower.close()
    assert time.monotonic() - start < 2
    assert not [one for one in threading.enumerate() if one.name == "acl_bundle.follow"]


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
        ab.follow(bundle, "checkpoints")


@pytest.mark.parametrize("delays", [(0, 1), (2, 1), (-1, 1), (1, float("inf"))])
def test_delays_that_are_none(delays: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="0 < first <= most is right"):
        follow.Backoff(*delays)


def test_delays_grow_to_a_limit() -> None:
    backoff = follow.Backoff(0.1, 2)
    for failures, most in ((1, 0.1), (2, 0.2), (4, 0.8), (9, 2), (100_000, 2)):
        delays = [backoff.delay(failures) for _ in range(200)]
        assert most / 2 <= min(delays)
        assert max(delays) <= most
        assert len(set(delays)) > 100
