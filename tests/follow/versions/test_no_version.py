"""What has the name of a version and is none, or a number beyond bounds: told, and passed by."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.errors import WeightsFormatError

from .. import policy
from ..conftest import Server
from ..following import QUICK, following, publish, until

HUGE = "9" * 4000
FAR = str(2**63)


def test_without_weights_it_is_no_version(bundle: ab.Bundle, tmp_path: Path) -> None:
    told: list[Any] = []
    publish(tmp_path, 1)
    files.save({}, tmp_path / "weights-2.safetensors")
    with following(bundle, tmp_path, on_refused=lambda *what: told.append(what)) as follower:
        follower.wait_for(1, 10)
        with pytest.raises(WeightsFormatError, match="no weights in it, so it is no version"):
            follower.wait_for(2, 10)
        assert bundle.version == 1
        files.save({}, tmp_path / "weights-3.safetensors")
        until(lambda: follower.metrics.refused == 2)
        publish(tmp_path, 4)
        follower.wait_for(4, 10)
        metrics = follower.metrics
    assert [version for version, _ in told] == [2, 3]
    assert policy.held(bundle) == 4
    assert (metrics.seen, metrics.applied, metrics.refused, metrics.passed) == (4, 2, 2, 0)


def test_what_is_replaced_by_a_version_is_one(bundle: ab.Bundle, tmp_path: Path) -> None:
    files.save({}, tmp_path / "weights-1.safetensors")
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.refused)
        files.save(policy.weights(1), tmp_path / "weights-1.safetensors")
        assert follower.wait_for(timeout=10) == 1
        metrics = follower.metrics
    assert (metrics.seen, metrics.applied, metrics.refused) == (1, 1, 0)


def test_however_many_are_none_the_one_below_is_found(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    for number in range(2, 40):
        files.save({}, tmp_path / f"weights-{number}.safetensors")
    with following(bundle, tmp_path) as follower:
        follower.wait_for(1, 20)
    assert bundle.version == 1


@pytest.mark.timed
@pytest.mark.parametrize("digits", [FAR, "9" * 200])
def test_a_name_beyond_all_numbers_is_refused_once_and_blocks_nobody(
    bundle: ab.Bundle, tmp_path: Path, digits: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Any] = []
    publish(tmp_path, 1)
    files.save(policy.weights(9), tmp_path / f"weights-{digits}.safetensors")
    with following(bundle, tmp_path, on_refused=lambda *what: told.append(what)) as follower:
        follower.wait_for(1, 10)
        publish(tmp_path, 2)
        follower.wait_for(2, 10)
        time.sleep(0.2)
        metrics = follower.metrics
    assert policy.held(bundle) == bundle.version == 2
    ((name, error),) = told
    assert name == f"weights-{digits}.safetensors"
    assert f"at most {2**63 - 1} is right" in str(error)
    assert (metrics.seen, metrics.applied, metrics.refused, metrics.errors) == (3, 2, 1, 0)
    assert sum("is refused" in one.getMessage() for one in caplog.records) == 1


def test_the_last_number_that_counts(tmp_path: Path) -> None:
    most = 2**63 - 1
    assert follow.publish_directory(tmp_path, policy.weights(1), most).name.count(str(most))
    for wrong, message in (
        (2**63, "64 bits; 0 or more is right, up to 9223372036854775807"),
        (10**4000, "bits; 0 or more"),
        (-(10**4000), "bits; 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            follow.publish_directory(tmp_path, policy.weights(1), wrong)


@pytest.mark.parametrize("text", [HUGE, f"weights-{HUGE}.safetensors", f"step-{FAR}"])
def test_latest_beyond_all_numbers(bundle: ab.Bundle, tmp_path: Path, text: str) -> None:
    (tmp_path / "LATEST").write_text(text)
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert isinstance(follower.metrics.last_error, ValueError)
        assert len(str(follower.metrics.last_error)) < 400
        publish(tmp_path, 1)
        (tmp_path / "LATEST").write_text("weights-1.safetensors")
        follower.wait_for(1, 10)


@pytest.mark.parametrize("version", [10**4000, HUGE, f"step-{FAR}", "1-" * 200])
def test_a_version_beyond_all_numbers_cannot_be_waited_for(
    bundle: ab.Bundle, tmp_path: Path, version: Any
) -> None:
    with following(bundle, tmp_path) as follower, pytest.raises(ValueError, match="at most"):
        follower.wait_for(version, 1)
    with pytest.raises(ValueError, match="at most"):
        following(bundle, tmp_path, after=version)


def redis_follower(bundle: ab.Bundle, server: Server, **options: Any) -> follow.Follower:
    source = follow.Redis(server.url, "policy", poll=0.05)
    return ab.follow(bundle, source, backoff=QUICK, **options)


@pytest.mark.parametrize("text", [HUGE, FAR, "9" * 5000])
def test_redis_a_version_beyond_all_numbers(bundle: ab.Bundle, server: Server, text: str) -> None:
    server.client.set("policy:version", text)
    with redis_follower(bundle, server) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert "key 'policy:version'" in str(follower.metrics.last_error)
        assert len(str(follower.metrics.last_error)) < 400
        with pytest.raises(ValueError, match="at most"):
            follow.publish_redis(server.url, policy.weights(1), 1, key="policy")
        server.client.delete("policy:version")
        follow.publish_redis(server.url, policy.weights(1), 1, key="policy")
        follower.wait_for(1, 10)


@pytest.mark.timed
def test_redis_one_impossible_entry_does_not_block_the_others(
    bundle: ab.Bundle, server: Server
) -> None:
    told: list[str] = []
    for version in (1, 2, 3):
        follow.publish_redis(server.url, policy.weights(version), version, key="policy", keep=9)
    server.client.linsert("policy:versions", "AFTER", "1", HUGE)
    server.client.linsert("policy:versions", "AFTER", "1", "9" * 5000)
    server.client.linsert("policy:versions", "AFTER", "1", FAR)
    applied: list[Any] = []
    with redis_follower(
        bundle, server, after=0,
        on_refused=lambda version, _: told.append(str(version)),
        on_applied=lambda report: applied.append(report.version),
    ) as follower:  # fmt: skip
        follower.wait_for(3, 10)
        until(lambda: len(applied) == 3)
        time.sleep(0.2)
    assert applied == [1, 2, 3]
    assert {*told} == {FAR, "9" * 255}  # two of them begin with the same 255 characters
    assert len(told) == 2


@pytest.mark.parametrize("kind", ["hash", "torn", "large"])
def test_redis_one_impossible_value_does_not_block_the_next_version(
    bundle: ab.Bundle, server: Server, kind: str
) -> None:
    server.client.set("policy:version", 1)
    place = "policy:weights:1"
    if kind == "hash":
        server.client.hset(place, "w", "1")
    else:
        server.client.set(place, b"torn" if kind == "torn" else bytes(100_000))
    source = follow.Redis(server.url, "policy", poll=0.05, max_bytes=99_999)
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        until(lambda: follower.metrics.last_error)
        assert "Redis, key 'policy:weights:1'" in str(follower.metrics.last_error)
        follow.publish_redis(server.url, policy.weights(2), 2, key="policy")
        follower.wait_for(2, 10)


LISTS = {
    "short": [str(one) for one in range(10**6, 10**6 + 1_400_000)],
    "long": ["9" * 5000] * 2000,
    "longest": ["9" * 10_000_000],
    "full of numbers": ["1-" * 127] * 40_000,
    "junk": ["x" * 200] * 50_000,
}


@pytest.mark.parametrize("kind", LISTS)
def test_redis_a_hostile_list_costs_little(server: Server, kind: str) -> None:
    names = LISTS[kind]
    follow.publish_redis(server.url, policy.weights(1), 1, key="policy")
    for start in range(0, len(names), 50_000):
        server.client.rpush("policy:versions", *names[start : start + 50_000])
    server.client.set("policy:version", 2**62)
    size = sum(map(len, names))
    assert size >= 9_000_000
    source = follow.Redis(server.url, "policy")
    source.versions()
    start = time.process_time()
    source.versions()
    took = time.process_time() - start
    tracemalloc.start()
    listed = source.versions()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source.close()
    assert peak < 10 * size
    assert took < 1  # of this process alone; it is a hundredth of that, whatever the list
    assert listed[-1].version == 2**62


def test_redis_the_list_is_read_in_pages(bundle: ab.Bundle, server: Server) -> None:
    """Several pages, all that count: the last 4,096 names, of those that have a value."""
    server.client.rpush("policy:versions", *range(1, 6001), "junk")
    server.client.mset({f"policy:weights:{version}": "x" for version in range(1, 6001)})
    server.client.delete("policy:weights:3000")
    server.client.set("policy:version", 6001)
    source = follow.Redis(server.url, "policy")
    found = [one.version for one in source.versions()]
    source.close()
    assert found == [one for one in range(6001 - 4095, 6002) if one != 3000]


def test_redis_what_cannot_be_read_at_all(server: Server) -> None:
    with pytest.raises(ValueError, match="max_bytes is 0"):
        follow.Redis(server.url, max_bytes=0)


def test_nothing_is_not_published(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ab.WeightError, match="none to publish"):
        follow.publish_directory(tmp_path, {}, 1)
    with pytest.raises(ab.WeightError, match="none to publish"):
        follow.publish_redis(server.url, {}, 1)
    assert os.listdir(tmp_path) == []
    assert server.client.keys("*") == []


@pytest.mark.timed
def test_fifos_where_files_are_looked_for(bundle: ab.Bundle, tmp_path: Path) -> None:
    """Each is told, none is waited for, and `close` does not wait either."""
    for number, name in enumerate(
        ("model.safetensors", "w.npy", "model.safetensors.index.json",
         "adapter_model.bin", "x.index"), 1,
    ):  # fmt: skip
        folder = tmp_path / f"step-{number}"
        folder.mkdir()
        os.mkfifo(folder / name)
    os.mkfifo(tmp_path / "step-90.safetensors")
    (tmp_path / "step-0.safetensors").symlink_to("/dev/zero")
    follower = following(bundle, tmp_path)
    until(lambda: follower.metrics.errors >= 6 and follower.metrics.refused == 1)
    start = time.monotonic()
    follower.close()
    assert time.monotonic() - start < 2


def test_a_fifo_as_latest(bundle: ab.Bundle, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "LATEST")
    publish(tmp_path, 1)
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert "LATEST" in str(follower.metrics.last_error)
        (tmp_path / "LATEST").unlink()
        follower.wait_for(1, 10)


@pytest.mark.timed
def test_a_value_of_another_shape_is_still_refused_for_good(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    with following(bundle, tmp_path) as follower:
        publish(tmp_path, 1, {"w": np.zeros(3, np.float32)})
        with pytest.raises(ab.WeightError):
            follower.wait_for(1, 10)
        time.sleep(0.2)
        assert (follower.metrics.refused, follower.metrics.errors) == (1, 0)
