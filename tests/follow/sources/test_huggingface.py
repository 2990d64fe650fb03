"""A cache of Hugging Face's hub: revisions, snapshots of links, shards, and downloads half done."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.errors import WeightsFormatError

from .. import policy
from ..following import QUICK, until


class Cache:
    """A model's folder, written as huggingface_hub does: revision, blobs, links."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "refs").mkdir(parents=True)
        (path / "snapshots").mkdir()
        (path / "blobs").mkdir()

    def point(self, commit: str, revision: str = "main") -> None:
        (self.path / "refs" / revision).write_text(commit)

    def link(self, commit: str, name: str, data: bytes) -> None:
        blob = self.path / "blobs" / hashlib.sha256(data).hexdigest()
        blob.write_bytes(data)
        folder = self.path / "snapshots" / commit
        folder.mkdir(exist_ok=True)
        (folder / name).symlink_to(os.path.relpath(blob, folder))

    def shards(self, version: int) -> dict[str, bytes]:
        """An index and its shards, by name."""
        given = policy.weights(version)
        names = {"w": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
        index = {"metadata": {}, "weight_map": names}
        parts = {names[one]: files.to_bytes({one: given[one]}) for one in given}
        return {"model.safetensors.index.json": json.dumps(index).encode(), **parts}


def commit(number: int) -> str:
    return f"{number:040x}"


def following(bundle: ab.Bundle, source: Any, **options: Any) -> follow.Follower:
    return ab.follow(bundle, source, backoff=QUICK, **options)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "models--org--policy")


def test_each_revision_is_a_version(bundle: ab.Bundle, cache: Cache) -> None:
    for number in 9, 3:
        cache.link(commit(number), "model.safetensors", files.to_bytes(policy.weights(number)))
        cache.link(commit(number), "config.json", b"{}")
    cache.point(commit(9))
    with following(bundle, cache.path) as follower:
        first = follower.wait_for(None, 10) if follower.metrics.version is None else bundle.version
        assert str(first).startswith(f"{commit(9)}@")
        assert policy.held(bundle) == 9
        cache.point(commit(3))  # of a smaller number, and newer
        until(lambda: follower.metrics.applied == 2)
        assert policy.held(bundle) == 3
        cache.point(commit(9))
        until(lambda: follower.metrics.applied == 3)
        assert follower.wait_for(first, 1) == bundle.version != first
        os.utime(cache.path / "refs" / "main")  # of the same commit: nothing new
        seen = follower.metrics.seen
    assert policy.held(bundle) == 9
    assert seen == 3


def test_a_later_revision_is_newer_whatever_its_time_says(cache: Cache) -> None:
    """T1 asks for the time, T2 writes another commit, T1 reads that; or a clock goes back."""
    source = follow.HuggingFace(cache.path)
    cache.point(commit(9))
    [last] = source.versions()
    for number, time in (3, last.order[1]), (2, 1):
        cache.point(commit(number))
        os.utime(cache.path / "refs" / "main", ns=(time, time))
        [found] = source.versions()
        assert found.order > last.order
        last = found


def test_shards_that_are_still_being_downloaded(bundle: ab.Bundle, cache: Cache) -> None:
    """The revision comes first, then the files, in any order."""
    told: list[str] = []
    cache.point(commit(5))
    with following(bundle, cache.path, on_error=lambda error: told.append(str(error))) as follower:
        until(lambda: told)
        index, first, second = cache.shards(5).items()
        for name, data in first, index, second:
            count = len(told)
            cache.link(commit(5), name, data)
            if name != second[0]:
                until(lambda count=count: len(told) > count)
        until(lambda: follower.metrics.applied)
        assert follower.metrics.refused == 0
    assert policy.held(bundle) == 5
    assert "a download may be on its way" in told[0]


def test_another_revision(bundle: ab.Bundle, cache: Cache) -> None:
    cache.link(commit(2), "model.safetensors", files.to_bytes(policy.weights(2)))
    cache.point(commit(2), "v2")
    with following(bundle, follow.HuggingFace(cache.path, "v2")) as follower:
        until(lambda: follower.metrics.applied)
    assert policy.held(bundle) == 2


def test_a_link_out_of_the_folder_is_refused(cache: Cache, tmp_path: Path) -> None:
    files.save(policy.weights(1), tmp_path / "elsewhere.safetensors")
    folder = cache.path / "snapshots" / commit(1)
    folder.mkdir()
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    cache.point(commit(1))
    [found] = follow.HuggingFace(cache.path).versions()
    with pytest.raises(WeightsFormatError, match="a link that leads out of"), found.open():
        pass


@pytest.mark.parametrize("text", ["", "main", "3f0c", "../../x", "f" * 41, "F" * 40])
def test_what_is_no_commit(cache: Cache, text: str) -> None:
    cache.point(text)
    with pytest.raises(ValueError, match="a commit of 40 digits is right"):
        follow.HuggingFace(cache.path).versions()


def test_arguments_that_cannot_be(cache: Cache) -> None:
    for revision in "", "../main", "/main":
        with pytest.raises(ValueError, match="a branch or tag such as 'main'"):
            follow.HuggingFace(cache.path, revision)
    with pytest.raises(FileNotFoundError):
        follow.HuggingFace(cache.path).versions()
