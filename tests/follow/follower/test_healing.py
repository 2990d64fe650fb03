"""A device that fails, and a bundle that is poisoned: tried again, and healed by a full set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.testing import FakeAcl

from .. import policy
from ..following import QUICK, following, publish, until


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


@pytest.mark.timed
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
