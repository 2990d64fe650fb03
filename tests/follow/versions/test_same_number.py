"""Several names of one version's number: which of them counts, and that it holds up nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow

from .. import policy
from ..conftest import Server
from ..following import QUICK, following, publish, put, until

KEY = b"0123456789abcdef-of-tests"


def signed_publish(folder: Path, version: int) -> Path:
    return follow.publish_directory(folder, policy.weights(version), version, signing_key=KEY)


@pytest.mark.parametrize("forged", ["weights-07.safetensors", "weights-7.npz", "a-7.safetensors"])
@pytest.mark.parametrize("first", [True, False])
def test_with_a_key_the_signed_one_counts(
    bundle: ab.Bundle,
    tmp_path: Path,
    forged: str,
    first: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    signed_publish(tmp_path, 6)
    signed_publish(tmp_path, 7)
    if first:
        put(tmp_path, forged)
    with following(bundle, tmp_path, signing_key=KEY) as follower:
        follower.wait_for(7, 10)
        put(tmp_path, forged)
        until(lambda: forged in caplog.text)
        signed_publish(tmp_path, 8)
        follower.wait_for(8, 10)
        metrics = follower.metrics
    assert policy.held(bundle) == 8
    assert (metrics.applied, metrics.refused, metrics.errors) == (2, 0, 0)
    assert len([one for one in caplog.records if "stand for version 7" in one.getMessage()]) == 1


def test_with_a_key_and_none_signed_it_is_no_version(bundle: ab.Bundle, tmp_path: Path) -> None:
    signed_publish(tmp_path, 6)
    put(tmp_path, "weights-7.safetensors", "weights-07.safetensors")
    with following(bundle, tmp_path, signing_key=KEY) as follower:
        follower.wait_for(6, 10)
        with pytest.raises(ab.SignatureError, match="not signed"):
            follower.wait_for(7, 10)
        genuine = signed_publish(tmp_path.parent / f"{tmp_path.name}-genuine", 7)
        os.replace(genuine, tmp_path / genuine.name)
        until(lambda: bundle.version == 7)
    assert policy.held(bundle) == 7


def test_without_a_key_the_number_as_it_is_written_wins(bundle: ab.Bundle, tmp_path: Path) -> None:
    told: list[Any] = []
    publish(tmp_path, 6)
    publish(tmp_path, 7)
    put(tmp_path, "weights-07.safetensors", "weights-007.safetensors")
    with following(bundle, tmp_path, on_refused=lambda *what: told.append(what)) as follower:
        follower.wait_for(7, 10)
        publish(tmp_path, 8)
        follower.wait_for(8, 10)
        assert follower.metrics.errors == 0
    assert {version for version, _ in told} == {"weights-07.safetensors", "weights-007.safetensors"}
    assert len(told) == 2
    for name, error in told:
        assert name in str(error)
        assert "weights-7.safetensors" in str(error)


def test_without_a_key_two_equally_written_names_stay_a_doubt(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    put(tmp_path, "policy-5.safetensors", "optimizer-5.safetensors")
    with (
        following(bundle, tmp_path) as follower,
        pytest.raises(TimeoutError, match="stand for version 5"),
    ):
        follower.wait_for(5, 0.3)


def test_a_publisher_points_at_its_own_name(tmp_path: Path) -> None:
    publish(tmp_path, 7)
    shutil.copy(tmp_path / "weights-7.safetensors", tmp_path / "weights-07.safetensors")
    with pytest.raises(ab.VersionExistsError):
        follow.publish_directory(tmp_path, policy.weights(7), 7, latest="LATEST")
    assert (tmp_path / "LATEST").read_text() == "weights-7.safetensors\n"
    publish(tmp_path, 8)
    follow.publish_directory(tmp_path, policy.weights(9), 9, keep=2)
    kept = {name for name in os.listdir(tmp_path) if name.startswith("weights")}
    assert kept == {"weights-07.safetensors", "weights-8.safetensors", "weights-9.safetensors"}


def test_redis_with_a_key_the_signed_one_counts(bundle: ab.Bundle, server: Server) -> None:
    for version in (1, 2):
        follow.publish_redis(
            server.url, policy.weights(version), version, key="p", keep=9, signing_key=KEY
        )
    for forged in ("01", "step-1"):
        server.client.set(f"p:weights:{forged}", server.client.get("p:weights:2"))
        server.client.rpush("p:versions", forged)
    source = follow.Redis(server.url, "p", poll=0.05)
    with ab.follow(bundle, source, after=0, backoff=QUICK, signing_key=KEY) as follower:
        follower.wait_for(2, 10)
        assert follower.metrics.applied == 2
    assert policy.held(bundle) == 2


def test_redis_names_without_values_above_a_genuine_one_are_passed_at_once(
    bundle: ab.Bundle, server: Server
) -> None:
    follow.publish_redis(server.url, policy.weights(1), 1, key="p", signing_key=KEY)
    server.client.rpush("p:versions", *range(2, 600))
    server.client.set("p:version", 600)
    slow = follow.Backoff(600, 600)
    source = follow.Redis(server.url, "p", poll=0.05)
    with ab.follow(bundle, source, backoff=slow, signing_key=KEY) as follower:
        follower.wait_for(1, 10)
        assert follower.metrics.seen < 20


def test_redis_names_that_are_no_versions_do_not_count_as_kept(server: Server) -> None:
    for version in (1, 2, 3):
        follow.publish_redis(server.url, policy.weights(version), version, key="p", keep=3)
    server.client.rpush("p:versions", "junk", "none", "9" * 300, "99", "3")
    follow.publish_redis(server.url, policy.weights(4), 4, key="p", keep=3)
    assert {one for one in (1, 2, 3, 4) if server.client.exists(f"p:weights:{one}")} == {2, 3, 4}
    listed = server.client.lrange("p:versions", 0, -1)
    assert listed[0] == b"2"
    assert listed[-1] == b"4"


def test_redis_an_impossible_version_is_told_with_its_key(server: Server) -> None:
    server.client.set("p:version", "9" * 300)
    with pytest.raises(ValueError, match="'p:version'"):
        follow.publish_redis(server.url, policy.weights(1), 1, key="p")
    assert server.client.keys("p:weights:*") == []


def test_numbers_may_be_numpys(bundle: ab.Bundle, tmp_path: Path, server: Server) -> None:
    for version in (1, 2, 3):
        number, keep = np.int64(version), np.int8(2)
        follow.publish_directory(tmp_path, policy.weights(version), number, keep=keep)
        follow.publish_redis(server.url, policy.weights(version), number, key="p", keep=keep)
    with following(bundle, tmp_path, after=np.int32(2)) as follower:
        follower.wait_for(np.int64(3), 10)
    follow.Redis(server.url, max_bytes=np.int64(9)).close()
    for keep in (True, np.True_, 2.0):
        with pytest.raises(TypeError, match="keep is an int"):
            follow.publish_directory(tmp_path, policy.weights(4), 4, keep=keep)
        with pytest.raises(TypeError, match="max_bytes is an int"):
            follow.Redis(server.url, max_bytes=keep)


def test_a_replay_says_signature(bundle: ab.Bundle, tmp_path: Path) -> None:
    file = signed_publish(tmp_path, 1)
    shutil.copy(file, tmp_path / "weights-2.safetensors")
    with following(bundle, tmp_path, signing_key=KEY) as follower:
        follower.wait_for(1, 10)
        with pytest.raises(ab.SignatureError, match="signature"):
            follower.wait_for(2, 10)


def test_latest_that_leads_out_of_the_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = tmp_path / "checkpoints"
    publish(folder, 1)
    (folder / "LATEST").symlink_to(outside)
    with pytest.raises(ValueError, match=r"LATEST.*leads out of"):
        follow.publish_directory(folder, policy.weights(2), 2, latest="LATEST")
    with pytest.raises(ValueError, match=r"latest is '\.\./outside'"):
        follow.publish_directory(folder, policy.weights(2), 2, latest="../outside")
    assert outside.read_text() == "precious"
    assert not (folder / "weights-2.safetensors").exists()
    with pytest.raises(ValueError, match=r"LATEST.*leads out of"):
        follow.Directory(folder).versions()


def test_latest_may_be_a_link_inside_the_directory(tmp_path: Path) -> None:
    (tmp_path / "LATEST").symlink_to("newest")
    follow.publish_directory(tmp_path, policy.weights(1), 1, latest="LATEST")
    assert (tmp_path / "LATEST").is_symlink()
    assert (tmp_path / "newest").read_text() == "weights-1.safetensors\n"


def test_latest_that_is_no_file_is_refused_before_anything_is_published(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "LATEST")
    (tmp_path / "NEWEST").mkdir()
    for latest in ("LATEST", "NEWEST"):
        with pytest.raises(OSError, match=r"FIFO|folder"):
            follow.publish_directory(tmp_path, policy.weights(1), 1, latest=latest)
    assert not (tmp_path / "weights-1.safetensors").exists()
