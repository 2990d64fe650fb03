"""The trainer's half of objects: the manifest is last, once, whatever else goes on or fails."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.errors import UnsupportedError, VersionExistsError, WeightError

from .. import policy, web
from ..s3 import Bucket

pytest.importorskip("obstore")

ONCE: dict[str, Any] = {"retry_config": {"max_retries": 0}}


class Place:
    """A bucket behind a server whose answers can fail."""

    def __init__(self, bucket: Bucket, server: web.Web) -> None:
        self.bucket, self.server = bucket, server
        self.direct = bucket.store()
        self.failing = {**bucket.store(server.server_port), **ONCE}

    def publish(self, version: int, store: dict[str, Any] | None = None, **options: Any) -> None:
        given = policy.weights(version)
        follow.publish_objects(
            self.bucket.url, given, version, store=store or self.direct, **options
        )

    def names(self) -> list[str]:
        text = self.bucket.request("GET", f"/{self.bucket.name}?list-type=2").decode()
        return sorted(one.partition("<")[0].rpartition("/")[2] for one in text.split("<Key>")[1:])

    def newest(self) -> int:
        """The newest version, read whole."""
        [found] = follow.Objects(self.bucket.url, store=self.direct).versions()
        with found.open() as opened:
            assert (opened["w"] == found.version).all()
            assert (opened["b"] == found.version).all()
        return int(found.version)


@pytest.fixture
def place(bucket: Bucket) -> Iterator[Place]:
    with web.passing_on(bucket.port) as server:
        yield Place(bucket, server)


def test_the_manifest_comes_after_its_objects_and_before_latest(place: Place) -> None:
    place.publish(7, place.failing)
    written = [one.path.split("/")[-1].partition("?")[0] for one in place.server.seen
               if one.method == "PUT"]  # fmt: skip
    assert [one.rpartition(".")[2] for one in written] == ["safetensors", "json", "LATEST"]
    assert place.newest() == 7


@pytest.mark.parametrize("version", [7, 6, 0])
def test_what_is_not_newer_is_refused(place: Place, version: int) -> None:
    place.publish(7)
    before = place.names()
    kind = VersionExistsError if version == 7 else ValueError
    with pytest.raises(kind, match=rf"version {version} is not newer than 7, .*: 8 or more"):
        place.publish(version)
    assert place.names() == before


@pytest.mark.parametrize("other", [7, 8])
@pytest.mark.parametrize("at", ["safetensors", "json"])
def test_another_trainer_is_faster(place: Place, at: str, other: int) -> None:
    """T1 publishes 7. Before its object, or its manifest, T2 has published 7, or 8."""
    todo: list[int] = [other]

    def fault(request: web.Request) -> None:
        if request.method in ("PUT", "POST") and f".{at}" in request.path and todo:
            place.publish(todo.pop())

    place.server.fault = fault
    if (at, other) == ("json", 8):
        place.publish(7, place.failing)  # older than the newest: followers pass it by
    else:
        with pytest.raises(VersionExistsError if other == 7 else ValueError, match="is not newer"):
            place.publish(7, place.failing)
        assert len([one for one in place.names() if one.endswith(".safetensors")]) == 1
    assert not todo
    assert place.newest() == other


def requests(place: Place, version: int) -> int:
    before = len(place.server.seen)
    place.publish(version, place.failing, keep=2)
    return len(place.server.seen) - before


@pytest.mark.parametrize("how", [500, 403, web.CUT])
def test_each_request_fails_in_turn_and_the_same_call_again_tells(
    place: Place, how: int | str
) -> None:
    version = 2
    place.publish(1)
    place.publish(2)
    for n in range(requests(place, 3)):
        version += 1 if n else 2
        countdown = iter([None] * n + [how])
        place.server.fault = lambda _, left=countdown: next(left, None)
        try:
            place.publish(version, place.failing, keep=2)
        except OSError:
            place.server.fault = lambda _: None
            assert place.newest() in (version - 1, version)
            with suppress(VersionExistsError):
                place.publish(version, place.failing, keep=2)
        assert place.newest() == version
    place.server.fault = lambda _: None
    place.publish(version + 1, keep=2)
    place.publish(version + 2, keep=2)
    manifests = [one for one in place.names() if one.endswith(".json")]
    assert manifests == sorted(f"weights-{one}.json" for one in (version + 1, version + 2))


def test_a_manifest_whose_answer_was_lost_is_published(place: Place) -> None:
    """The store repeats the request, and finds that the manifest is there: its own."""
    cuts = [web.CUT]

    def fault(request: web.Request) -> str | None:
        is_manifest = request.method == "PUT" and request.path.endswith(".json")
        return cuts.pop() if is_manifest and cuts else None

    place.server.fault = fault
    place.publish(7, place.bucket.store(place.server.server_port))
    assert not cuts
    assert place.newest() == 7


def test_what_killed_publishers_left_goes_an_hour_later(tmp_path: Path) -> None:
    """The clock is the store's: what is an hour older than the newest object."""
    url = tmp_path.as_uri()
    follow.publish_objects(url, policy.weights(1), 1)
    old = tmp_path / f"weights-2-{'0' * 16}.safetensors"
    twin = tmp_path / f"weights-1-{'0' * 16}.safetensors"
    new = tmp_path / f"weights-9-{'0' * 16}.safetensors"
    foreign = tmp_path / "notes.safetensors"
    for one in old, twin, new, foreign:
        one.write_bytes(b"half")
    for one in tmp_path.iterdir():
        if one != new:
            os.utime(one, (time.time() - 3700,) * 2)
    follow.publish_objects(url, policy.weights(3), 3)
    assert not old.exists()
    assert not twin.exists()
    assert new.exists()
    assert foreign.exists()
    with follow.Objects(url).versions()[-1].open() as found:
        assert (found["b"] == 3).all()
    (tmp_path / "LATEST").unlink()
    listed = follow.Objects(url).versions()
    assert [one.version for one in listed] == [1, 3]
    for one in listed:
        with one.open() as found:
            assert (found["b"] == one.version).all()


def test_what_is_no_manifest_is_in_nobodys_way(tmp_path: Path) -> None:
    url = tmp_path.as_uri()
    for version in 1, 2, 3:
        follow.publish_objects(url, policy.weights(version), version)
    (tmp_path / "weights-3.json").write_text("{")
    (tmp_path / f"weights-3-{'0' * 16}.safetensors").write_bytes(b"half")
    for one in tmp_path.glob("weights-3-*"):
        os.utime(one, (time.time() - 3700,) * 2)
    follow.publish_objects(url, policy.weights(4), 4, keep=2)
    manifests = sorted(one.name for one in tmp_path.glob("*.json"))
    assert manifests == ["weights-3.json", "weights-4.json"]
    assert len(list(tmp_path.glob("weights-3-*"))) == 2


def test_large_weights_go_in_parts(bucket: Bucket) -> None:
    given = web.wide(5, 40 << 20)
    follow.publish_objects(bucket.url, given, 5, store=bucket.store())
    [found] = follow.Objects(bucket.url, store=bucket.store()).versions()
    with found.open() as opened:
        assert (opened["w"] == 5).all()


@pytest.mark.parametrize(
    ("weights", "options", "error"),
    [
        ({}, {}, WeightError),
        ({"w": np.zeros(1, object)}, {}, WeightError),
        ({"w": np.zeros(1, np.complex128)}, {}, WeightError),
        (None, {"keep": 1}, ValueError),
        (None, {"signing_key": b"short"}, ValueError),
        (None, {"version": -1}, ValueError),
    ],
)
def test_nothing_is_published_of_what_cannot_be(
    tmp_path: Path, weights: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    given = policy.weights(1) if weights is None else weights
    with pytest.raises(error):
        follow.publish_objects(tmp_path.as_uri(), given, **{"version": 1, **options})
    assert list(tmp_path.iterdir()) == []


def _closed(folder: Path) -> Any:
    ab.weights.save(policy.weights(1), folder / "one.safetensors")
    opened = ab.weights.open(folder / "one.safetensors")
    opened.close()
    return opened


def test_weights_that_cannot_be_read_are_their_own_error(tmp_path: Path, bucket: Bucket) -> None:
    with pytest.raises(ab.ClosedError, match="after close"):
        follow.publish_objects(bucket.url, _closed(tmp_path), 1, store=bucket.store())
    assert b"<Key>" not in bucket.request("GET", f"/{bucket.name}?list-type=2")


def test_a_plain_http_server_is_not_published_to(tmp_path: Path) -> None:
    with web.files(tmp_path) as server:
        publishing: Callable[..., None]
        for publishing in follow.publish, follow.publish_objects:
            with pytest.raises(UnsupportedError, match="plain HTTP server"):
                publishing(server.url, policy.weights(1), 1)
        assert server.seen == []


def test_a_fork_is_told(tmp_path: Path) -> None:
    """obstore's threads are not in a forked child, which would wait for ever."""
    url = tmp_path.as_uri()
    follow.publish_objects(url, policy.weights(1), 1)
    child = os.fork()
    if child == 0:
        try:
            follow.publish_objects(url, policy.weights(2), 2)
        except UnsupportedError as error:
            os._exit(7 if "by spawn" in str(error) else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
