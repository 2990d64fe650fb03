"""One front: what a URL or a path is followed by, and published to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.errors import UnsupportedError, VersionExistsError

from . import policy
from .conftest import Server
from .following import QUICK
from .s3 import Bucket


def round_trip(bundle: ab.Bundle, place: Any, seen: Any = None) -> None:
    follow.publish(place, policy.weights(1), 1, keep=2)
    with ab.follow(bundle, place if seen is None else seen, backoff=QUICK) as follower:
        follower.wait_for(1, 10)
        follow.publish(place, policy.weights(2), 2, keep=2)
        follower.wait_for(2, 10)
        assert follower.metrics.errors == 0
    assert policy.held(bundle) == bundle.version == 2
    with pytest.raises(VersionExistsError):
        follow.publish(place, policy.weights(2), 2)
    with pytest.raises(ValueError, match="version 1 is not newer than 2"):
        follow.publish(place, policy.weights(1), 1)


@pytest.mark.parametrize("how", [Path, str, Path.as_uri], ids=["path", "text", "file"])
def test_a_folder(bundle: ab.Bundle, tmp_path: Path, how: Any) -> None:
    round_trip(bundle, how(tmp_path / "check points"))
    names = {one.name for one in (tmp_path / "check points").iterdir()}
    assert names == {"weights-1.safetensors", "weights-2.safetensors"}


def test_redis(bundle: ab.Bundle, server: Server) -> None:
    round_trip(bundle, f"{server.url}?key=policy")
    assert server.client.get("policy:version") == b"2"


def test_redis_without_a_key(bundle: ab.Bundle, server: Server) -> None:
    round_trip(bundle, f"{server.url}?db=1")
    assert server.client.get("weights:version") is None  # of database 0


def test_s3(bundle: ab.Bundle, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoint and credentials come from the environment, as for other programs."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    round_trip(bundle, bucket.url)


@pytest.mark.parametrize(
    ("place", "error", "told"),
    [
        ("ftp://host/policy", ValueError, "the URL's scheme is 'ftp'; file://, s3://"),
        ("s3://", ValueError, "a host or bucket and a path are right"),
        ("s3://bucket/policy?x=1", ValueError, "nothing else"),
        ("file://elsewhere/policy", ValueError, "an absolute path of this machine"),
        ("file:relative", ValueError, "'file:///relative' is right"),
        ("file:/a/b", ValueError, "'file:///a/b' is right"),
        ("s3:bucket/policy", ValueError, "'s3://bucket/policy' is right"),
        ("https:/host/policy", ValueError, "'https://host/policy' is right"),
        ("file:///a%00b", ValueError, "no path has a null byte"),
        ("a\0b", ValueError, "the place is"),
        ("redis://host?key=a&key=b", ValueError, "has 2 keys"),
        ("", ValueError, "the place is ''"),
        (b"s3://bucket", TypeError, "the place is b's3|source is b's3"),
        (7, TypeError, "the place is 7|source is 7"),
    ],
)
def test_what_is_no_place(bundle: ab.Bundle, place: Any, error: type[Exception], told: str) -> None:
    if error is ValueError and "s3" in place:
        pytest.importorskip("obstore")
    with pytest.raises(error, match=told):
        ab.follow(bundle, place)
    with pytest.raises(error, match=told):
        follow.publish(place, policy.weights(1), 1)


@pytest.mark.parametrize("form", ["file://{}", "FILE://{}", "file://localhost{}", "file://{}/"])
def test_forms_of_a_file_url(bundle: ab.Bundle, tmp_path: Path, form: str) -> None:
    round_trip(bundle, form.format(tmp_path), seen=tmp_path)


COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_becomes_a_cache_of_hugging_face_s(
    bundle: ab.Bundle, tmp_path: Path, there: bool
) -> None:
    """huggingface_hub makes the folders one by one, and then the files."""
    model = tmp_path / "models--org--name"
    if there:
        model.mkdir()
    with ab.follow(bundle, model, backoff=QUICK) as follower:
        (model / "refs").mkdir(parents=True)
        (model / "refs" / "main").write_text(COMMIT)
        source = follower._loop.source
        assert source.versions() == []
        (model / "blobs").mkdir()
        snapshot = model / "snapshots" / COMMIT
        snapshot.mkdir(parents=True)
        follow.publish_directory(tmp_path / "made", policy.weights(3), 3)
        (tmp_path / "made" / "weights-3.safetensors").rename(snapshot / "model.safetensors")
        follower.wait_for(None, 20)
    assert policy.held(bundle) == 3
    assert str(bundle.version).startswith(COMMIT)


def test_a_folder_that_is_a_directory_after_all(bundle: ab.Bundle, tmp_path: Path) -> None:
    """Names of a cache's folders beside checkpoints are nothing but names."""
    place = tmp_path / "later"
    with ab.follow(bundle, place, backoff=QUICK) as follower:
        follow.publish(place, policy.weights(1), 1)
        follower.wait_for(1, 20)
        (place / "snapshots").mkdir()
        follow.publish(place, policy.weights(2), 2)
        follower.wait_for(2, 20)


WRONG: list[Any] = ["1", b"1", [], {}, ..., True, 0, -1, float("nan"), float("inf")]
AMOUNTS = {
    "directory": (follow.Directory, ("folder",), "poll"),
    "huggingface": (follow.HuggingFace, ("folder",), "poll"),
    "redis": (follow.Redis, ("redis://host",), "poll"),
    "objects": (follow.Objects, ("s3://bucket/policy",), "poll"),
    "bandwidth": (follow.Objects, ("s3://bucket/policy",), "bandwidth"),
    "first": (follow.Backoff, (), "first"),
    "most": (follow.Backoff, (), "most"),
}


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("which", AMOUNTS)
def test_amounts_of_the_wrong_kind(which: str, wrong: Any) -> None:
    make, given, name = AMOUNTS[which]
    if make is follow.Objects:
        pytest.importorskip("obstore")
    with pytest.raises((TypeError, ValueError), match=f"^{name} is "):
        make(*given, **{name: wrong})


@pytest.mark.parametrize("wrong", [b"x", 1, None, []], ids=repr)
def test_a_cache_s_folder_of_the_wrong_kind(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"path is .*; the path of a folder"):
        follow.HuggingFace(wrong)


@pytest.mark.parametrize("wrong", ["1", [], True, -1], ids=repr)
def test_a_wait_of_the_wrong_kind(bundle: ab.Bundle, tmp_path: Path, wrong: Any) -> None:
    with (
        ab.follow(bundle, tmp_path) as follower,
        pytest.raises((TypeError, ValueError), match="timeout is"),
    ):
        follower.wait_for(1, wrong)


def test_an_extra_that_is_not_installed_is_named(
    bundle: ab.Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "obstore", "obstore.store", "obstore.exceptions", "redis":
        monkeypatch.setitem(sys.modules, name, None)
    for url, extra in ("s3://b/p", "remote"), ("https://h/p", "remote"), ("redis://h", "follow"):
        with pytest.raises(UnsupportedError, match=rf"pip install '\.\[{extra}\]'"):
            ab.follow(bundle, url)
    with pytest.raises(UnsupportedError, match=r"pip install '\.\[remote\]'"):
        follow.publish("gs://bucket/policy", policy.weights(1), 1)


def test_a_cache_of_hugging_face_s_is_not_published_to(tmp_path: Path) -> None:
    for name in "refs", "snapshots":
        (tmp_path / name).mkdir()
    for place in tmp_path, tmp_path.as_uri():
        with pytest.raises(UnsupportedError, match="huggingface_hub writes there"):
            follow.publish(place, policy.weights(1), 1)
    assert sorted(os.listdir(tmp_path)) == ["refs", "snapshots"]
