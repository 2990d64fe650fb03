"""What a follower tells while it runs, and how it ends."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.follow._follower.ledger import Ledger
from acl_bundle.testing import FakeAcl

from ..following import following, publish, until
from ..memory import Memory


@pytest.mark.timed
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


@pytest.mark.timed
def test_close_does_not_wait_for_the_source(bundle: ab.Bundle, tmp_path: Path) -> None:
    follower = ab.follow(bundle, follow.Directory(tmp_path, poll=100))
    time.sleep(0.3)
    start = time.monotonic()
    follower.close()
    assert time.monotonic() - start < 2
    assert not [one for one in threading.enumerate() if one.name == "acl_bundle.follow"]


def test_who_waits_for_a_version_sees_the_metrics_of_it() -> None:
    source, ledger = Memory(), Ledger(None)
    source.put(1, {})
    writer = threading.Thread(target=ledger.applied, args=(source.listed[0], None))
    with ledger.changed:
        writer.start()
        writer.join(0.1)
        assert writer.is_alive()
        assert (ledger.reached, ledger.metrics.version) == (None, None)
    writer.join()
    assert (ledger.reached, ledger.metrics.version) == ((1, 1), 1)
