"""Objects behind an HTTP server and in S3: whole or not there, and read no more than once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._objects import download

from .. import policy, web
from ..following import QUICK, until
from ..s3 import Bucket

pytest.importorskip("obstore")

ONCE: dict[str, Any] = {"retry_config": {"max_retries": 0}}
"""A store that repeats nothing by itself, so that a test's faults are seen one by one."""


def publish(folder: Path, version: int, weights: Any = None, **options: Any) -> None:
    given = policy.weights(version) if weights is None else weights
    follow.publish_objects(folder.as_uri(), given, version, **options)


def following(bundle: ab.Bundle, url: str, **options: Any) -> follow.Follower:
    store = options.pop("store", ONCE)
    source = follow.Objects(url, store=store, poll=0.02)
    return ab.follow(bundle, source, backoff=QUICK, **options)


def manifest(folder: Path, version: int) -> Any:
    return json.loads((folder / f"weights-{version}.json").read_text())


def rewrite(folder: Path, version: int, /, **changes: Any) -> None:
    """Change a manifest, or the one object in it."""
    found = manifest(folder, version)
    for name, value in changes.items():
        (found if name in found else found["objects"][0])[name] = value
    (folder / f"weights-{version}.json").write_text(json.dumps(found))


def point(folder: Path, name: str) -> None:
    """Let LATEST name something, in one step."""
    (folder / "latest.tmp").write_text(name)
    (folder / "latest.tmp").replace(folder / "LATEST")


def object_of(folder: Path, version: int) -> Path:
    return folder / manifest(folder, version)["objects"][0]["name"]


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Any]:
    options.setdefault("store", ONCE)
    with follow.Objects(url, **options).versions()[-1].open() as found:
        yield found


def test_each_version_is_applied_and_nothing_is_read_between(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    publish(tmp_path, 1)
    with web.files(tmp_path) as server, following(bundle, server.url) as follower:
        follower.wait_for(1, 10)
        looks = len(server.seen)
        until(lambda: len(server.seen) > looks + 2)
        assert {one.path for one in server.seen[looks:]} == {"/LATEST"}
        publish(tmp_path, 7)
        follower.wait_for(7, 10)
        assert policy.held(bundle) == bundle.version == 7
        assert (follower.metrics.applied, follower.metrics.errors) == (2, 0)
        assert [one.range is not None for one in server.of(".safetensors")] == [True, True]


def test_what_is_not_published_yet_is_told_and_waited_for(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    told: list[Exception] = []
    with web.files(tmp_path) as server, following(bundle, server.url, on_error=told.append) as one:
        until(lambda: told)
        assert isinstance(told[0], FileNotFoundError)
        assert f"{server.url}/LATEST: it is not there" in str(told[0])
        publish(tmp_path, 1)
        one.wait_for(1, 10)


def test_a_store_without_latest_is_listed(bundle: ab.Bundle, bucket: Bucket) -> None:
    store = bucket.store()
    for version in 1, 2, 10:
        follow.publish_objects(bucket.url, policy.weights(version), version, store=store)
    bucket.request("DELETE", f"/{bucket.name}/runs/one/LATEST")
    source = follow.Objects(bucket.url, store=store)
    bucket.request("PUT", f"/{bucket.name}/runs/one/weights-{'9' * 30}.json", b"{}")
    bucket.request("PUT", f"/{bucket.name}/runs/one/weights-07.json", b"{}")
    odd, *listed = source.versions()
    assert isinstance(odd.version, str)
    assert [one.version for one in listed] == [1, 2, 10]
    with ab.follow(bundle, source, after=1, backoff=QUICK) as follower:
        follower.wait_for(10, 10)
        assert follower.metrics.applied == 2
        assert follower.metrics.refused == 1


def _unlink(folder: Path) -> None:
    object_of(folder, 2).unlink()


def _cut(folder: Path) -> None:
    path = object_of(folder, 2)
    path.write_bytes(path.read_bytes()[:-4])


def _alter(folder: Path) -> None:
    path = object_of(folder, 2)
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")


def _rewriting(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, 2, **changes)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_unlink, "it is not there"),
        (_cut, "bytes, and the manifest says"),
        (_alter, "its SHA-256 is"),
        (_rewriting(sha256="0" * 64), "its SHA-256 is"),
        (_rewriting(sha256="odd"), "sha256 in hex are right"),
        (_rewriting(name="../weights.safetensors"), "a name beside it"),
        (_rewriting(bytes=-1), "bytes >= 0"),
        (_rewriting(bytes=True), "bytes >= 0"),
        (_rewriting(version=3), "it is of version 3; 2 is right"),
        (_rewriting(format="other"), "it is no manifest"),
        (_rewriting(objects=[]), "it names no objects"),
        (lambda folder: (folder / "weights-2.json").write_text("{"), "is no JSON"),
        (lambda folder: (folder / "weights-2.json").write_bytes(bytes(2 << 20)), "at most 1048576"),
    ],
)
def test_what_is_not_whole_is_not_applied_and_a_newer_one_is(
    bundle: ab.Bundle, tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    publish(tmp_path, 1)
    errors: list[str] = []
    with (
        web.files(tmp_path) as server,
        following(bundle, server.url, on_error=lambda error: errors.append(str(error))) as follower,
    ):
        follower.wait_for(1, 10)
        hidden = tmp_path / "hidden"
        publish(hidden, 2)
        damage(hidden)
        for one in hidden.iterdir():
            if one.name != "LATEST":
                one.replace(tmp_path / one.name)
        point(tmp_path, "weights-2.json")
        until(lambda: errors)
        assert told in errors[0]
        assert "weights-2" in errors[0]
        assert policy.held(bundle) == bundle.version == 1
        publish(tmp_path, 3)
        follower.wait_for(3, 10)
        assert (follower.metrics.applied, follower.metrics.passed) == (2, 1)


def test_a_version_of_several_objects(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 4, {"w": policy.weights(4)["w"]})
    first = manifest(tmp_path, 4)["objects"]
    other = tmp_path / "other"
    publish(other, 4, {"b": policy.weights(4)["b"]})
    rest = manifest(other, 4)["objects"]
    object_of(other, 4).replace(tmp_path / rest[0]["name"])
    rewrite(tmp_path, 4, objects=first + rest)
    with web.files(tmp_path) as server:
        with following(bundle, server.url) as follower:
            follower.wait_for(4, 10)
        assert policy.held(bundle) == 4
        rewrite(tmp_path, 4, objects=[*first, {**first[0], "name": "copy.safetensors"}])
        (tmp_path / "copy.safetensors").write_bytes((tmp_path / first[0]["name"]).read_bytes())
        with pytest.raises(WeightsFormatError, match="two of its objects have the weight 'w'"):
            opened(server.url).__enter__()


def test_one_larger_than_max_bytes_is_refused_unread(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with web.files(tmp_path) as server:
        with (
            pytest.raises(ValueError, match=r"has \d+ bytes; at most 1000 are read"),
            opened(server.url, max_bytes=1000),
        ):
            pass
        assert server.of(".safetensors") == []


def test_the_rest_is_read_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came is not asked for again, however often a request is cut."""
    monkeypatch.setattr(download, "AT_ONCE", 1)
    publish(tmp_path, 1, web.wide(1))
    nbytes = object_of(tmp_path, 1).stat().st_size
    with web.files(tmp_path) as server:
        cuts = iter([web.CUT, web.CUT, None, web.CUT])
        server.fault = lambda one: next(cuts, None) if one.range else None
        source = follow.Objects(server.url, store=ONCE)
        checkpoint = source.versions()[-1]
        failures = 0
        while True:
            try:
                with checkpoint.open() as found:
                    assert (found["w"] == 1).all()
                break
            except ConnectionError:
                failures += 1
        assert failures == 3
        asked = [one.range.removeprefix("bytes=").split("-") for one in server.seen if one.range]
        starts = [int(first) for first, _ in asked]
        assert starts == sorted(set(starts))
        ranges = -(-nbytes // download.RANGE)
        assert len(starts) == ranges + failures
        count = len(server.of(".safetensors"))
        with checkpoint.open():  # a whole one is not kept
            assert len(server.of(".safetensors")) == count + ranges


def test_a_server_without_ranges(bundle: ab.Bundle, tmp_path: Path) -> None:
    """As Python's own is: objects come in one go, and from the start after a failure."""
    publish(tmp_path, 1, web.wide(1))
    publish(tmp_path / "small", 1)
    with web.files(tmp_path, ranges=False) as server:
        source = follow.Objects(server.url, store=ONCE)
        [checkpoint] = source.versions()
        with checkpoint.open() as found:
            assert (found["w"] == 1).all()
        cuts = [web.CUT]
        server.fault = lambda one: cuts.pop() if cuts and "safetensors" in one.path else None
        with pytest.raises(ConnectionError, match="weights-1-"), checkpoint.open():
            pass
        with checkpoint.open() as found:
            assert (found["w"] == 1).all()
        with following(bundle, f"{server.url}/small") as follower:
            follower.wait_for(1, 10)
            publish(tmp_path / "small", 2)
            follower.wait_for(2, 10)
            assert follower.metrics.errors == 0


def test_one_copy_is_in_memory(tmp_path: Path) -> None:
    publish(tmp_path, 1, web.wide(1, 48 << 20))
    with web.files(tmp_path) as server:
        server.answer = _by_parts(tmp_path, server.answer)
        source = follow.Objects(server.url, store=ONCE)
        checkpoint = source.versions()[-1]
        tracemalloc.start()
        try:
            with checkpoint.open() as found:
                held, peak = tracemalloc.get_traced_memory()
                assert held >= 48 << 20
                assert peak < 60 << 20
                assert found["w"].base is not None
        finally:
            tracemalloc.stop()


def test_nothing_is_kept_of_a_version_that_was_refused(bundle: ab.Bundle, tmp_path: Path) -> None:
    follow.publish_objects(tmp_path.as_uri(), {"other": np.zeros(4, np.float32)}, 1)
    source = follow.Objects(tmp_path.as_uri())
    [checkpoint] = source.versions()
    with pytest.raises(ab.WeightError, match="no weight 'other'"), checkpoint.open() as found:
        bundle.update(found)
    assert not source._downloads


def test_a_store_that_is_no_mapping_is_named() -> None:
    with pytest.raises(TypeError, match="store is of int; a mapping is right"):
        follow.Objects("s3://bucket/policy", store=3)  # type: ignore[arg-type]


def _by_parts(folder: Path, answer: Any) -> Any:
    """The server of this process reads the file by parts, too, so that it does not count."""

    def of(handler: Any) -> web.Answer:
        asked = handler.headers.get("Range")
        if asked is None:
            return answer(handler)
        first, last = map(int, asked.removeprefix("bytes=").split("-"))
        path = Path(folder, handler.path.lstrip("/"))
        total = path.stat().st_size
        mapped = np.memmap(path, np.uint8, "r")[first : last + 1]
        headers = {"Content-Range": f"bytes {first}-{last}/{total}"}
        return web.Answer(206, headers, memoryview(mapped))  # type: ignore[arg-type]

    return of


def test_bandwidth_is_what_may_come_in_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waits are summed up, not slept through: each byte costs its part of a second."""
    publish(tmp_path, 1, web.wide(1))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(download.asyncio, "sleep", sleep)
    monkeypatch.setattr(download, "monotonic", lambda: 0.0)
    with web.files(tmp_path) as server, opened(server.url, bandwidth=1 << 20):
        nbytes = object_of(tmp_path, 1).stat().st_size
    assert max(slept) == pytest.approx(nbytes / (1 << 20))


def test_close_ends_a_read_in_the_middle(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    patient = {"client_options": {"read_timeout": "1day"}, **ONCE}
    with web.files(tmp_path) as server:
        server.fault = lambda one: web.SILENT if one.range else None
        with following(bundle, server.url, store=patient) as follower:
            until(lambda: server.of(".safetensors"))
        assert not follower.running
        assert (follower.metrics.errors, follower.metrics.applied) == (0, 0)


def test_ctrl_c_ends_a_read_in_the_middle(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    patient = {"client_options": {"read_timeout": "1day"}, **ONCE}
    with web.files(tmp_path) as server:

        def fault(request: web.Request) -> str | None:
            if request.range is None:
                return None
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            return web.SILENT

        server.fault = fault
        with pytest.raises(KeyboardInterrupt), opened(server.url, store=patient):
            pass


def test_it_is_read_where_an_event_loop_runs(tmp_path: Path) -> None:
    publish(tmp_path, 1)

    async def cell() -> None:
        with web.files(tmp_path) as server, opened(server.url) as found:
            assert (found["b"] == 1).all()

    asyncio.run(cell())


def test_only_what_is_signed_is_applied(bundle: ab.Bundle, tmp_path: Path) -> None:
    key = b"0123456789abcdef"
    publish(tmp_path, 1, signing_key=key)
    with web.files(tmp_path) as server, following(bundle, server.url, signing_key=key) as follower:
        follower.wait_for(1, 10)
        publish(tmp_path, 2)
        with pytest.raises(ab.SignatureError, match="objects:weights-2: it is not signed"):
            follower.wait_for(2, 10)
        publish(tmp_path, 3, signing_key=key)
        follower.wait_for(3, 10)
        publish(tmp_path, 4, signing_key=key[::-1])
        with pytest.raises(ab.SignatureError, match="signature is not of this version"):
            follower.wait_for(4, 10)
        rewrite(tmp_path, 4, version=5)
        (tmp_path / "weights-4.json").rename(tmp_path / "weights-5.json")
        point(tmp_path, "weights-5.json")
        with pytest.raises(ab.SignatureError, match="it holds version 4, but is called 5"):
            follower.wait_for(5, 10)
    assert policy.held(bundle) == bundle.version == 3


def test_credentials_that_are_refused(bundle: ab.Bundle, bucket: Bucket) -> None:
    follow.publish_objects(bucket.url, policy.weights(1), 1, store=bucket.store())
    with web.passing_on(bucket.port) as server:
        refused = True
        server.fault = lambda one: 403 if refused else None
        told: list[Exception] = []
        store = bucket.store(server.server_port)
        with following(bundle, bucket.url, store=store, on_error=told.append) as follower:
            until(lambda: told)
            assert isinstance(told[0], PermissionError)
            assert "LATEST: the server refuses it to these credentials" in str(told[0])
            refused = False
            follower.wait_for(1, 10)
        with pytest.raises(FileNotFoundError, match="NoSuchBucket"):
            follow.Objects("s3://no-such-bucket/policy", store=bucket.store()).versions()


def test_latest_names_a_manifest(tmp_path: Path) -> None:
    with web.files(tmp_path) as server:
        (tmp_path / "LATEST").write_text("../weights-7.json")
        with pytest.raises(ValueError, match=r"LATEST: it names '../weights-7.json'; the name of"):
            follow.Objects(server.url, store=ONCE).versions()
        (tmp_path / "LATEST").write_text(f"weights-{2**63}.json")
        with pytest.raises(ValueError, match="nothing could ever be newer"):
            follow.Objects(server.url, store=ONCE).versions()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"poll": 0}, "poll is 0 seconds"),
        ({"bandwidth": 0}, "bandwidth is 0 bytes a second"),
        ({"max_bytes": 0}, "max_bytes is 0"),
        ({"store": {"config": {"colour": "red"}}}, "colour"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        follow.Objects("s3://bucket/policy", **options)


def test_no_message_has_the_password(tmp_path: Path) -> None:
    with web.files(tmp_path) as server:
        url = server.url.replace("http://", "http://me:secret@")
        source = follow.Objects(url, store=ONCE)
        assert "secret" not in repr(source)
        for status in 404, 500, 403:
            server.fault = lambda _, status=status: status
            with pytest.raises(OSError, match="LATEST") as caught:
                source.versions()
            assert "secret" not in str(caught.value)
