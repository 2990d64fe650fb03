"""Each request that a follower makes for two versions fails once, in each way.

Whatever fails, nothing of a version is in the bundle before all of it is; each version is applied
once, and the next look goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import acl_bundle as ab
from acl_bundle import follow

from .. import policy, web
from ..s3 import Bucket

pytest.importorskip("obstore")

NOW = follow.Backoff(0.001, 0.002)
ONCE: dict[str, Any] = {"retry_config": {"max_retries": 0}}
FAULTS = (500, 503, 429, 403, 404, web.CUT)


class Where(NamedTuple):
    """A place, which a trainer reaches directly and a follower by way of a server with faults."""

    followed: Callable[[web.Web], follow.Objects]
    publish: Callable[[int], None]
    serve: Callable[[], AbstractContextManager[web.Web]]


def of_files(folder: Path) -> Where:
    return Where(
        lambda server: follow.Objects(server.url, store=ONCE, poll=0.002),
        lambda version: follow.publish_objects(folder.as_uri(), policy.weights(version), version),
        lambda: web.files(folder),
    )


def of_s3(bucket: Bucket) -> Where:
    return Where(
        lambda server: follow.Objects(
            bucket.url, store={**bucket.store(server.server_port), **ONCE}, poll=0.002
        ),
        lambda version: follow.publish_objects(
            bucket.url, policy.weights(version), version, store=bucket.store()
        ),
        lambda: web.passing_on(bucket.port),
    )


def run(bundle: ab.Bundle, where: Where, first: int, fault: web.Fault) -> int:
    """Follow two new versions, and check what is held at each; the requests that it took."""
    applied: list[Any] = []
    with where.serve() as server:
        server.fault = fault
        with ab.follow(
            bundle,
            where.followed(server),
            backoff=NOW,
            after=first - 1,
            on_applied=lambda report: applied.append((report.version, policy.held(bundle))),
        ) as follower:
            for version in first, first + 1:
                where.publish(version)
                follower.wait_for(version, 30)
        assert policy.held(bundle) == bundle.version == first + 1
        assert applied == [(first, first), (first + 1, first + 1)]
        assert follower.metrics.refused == follower.metrics.callback_errors == 0
        return len(server.seen)


class Nth:
    """The n-th request for what is no look at LATEST fails."""

    def __init__(self, n: int, how: int | str) -> None:
        self.left, self.how = n, how

    def __call__(self, request: web.Request) -> int | str | None:
        if request.path.endswith("LATEST"):
            return None
        self.left -= 1
        return self.how if self.left == 0 else None


@pytest.mark.parametrize("how", FAULTS)
@pytest.mark.parametrize("place", ["files", "s3"])
def test_each_request_fails_in_turn(
    bundle: ab.Bundle, tmp_path: Path, request: pytest.FixtureRequest, place: str, how: int | str
) -> None:
    where = of_files(tmp_path) if place == "files" else of_s3(request.getfixturevalue("bucket"))
    version = 1
    for n in range(1, 5):  # a manifest and an object, twice
        fault = Nth(n, how)
        run(bundle, where, version, fault)
        assert fault.left <= 0, "there was no such request"
        version += 2


@pytest.mark.parametrize("how", FAULTS)
def test_a_look_that_fails_is_told_and_the_next_one_goes_on(
    bundle: ab.Bundle, tmp_path: Path, how: int | str
) -> None:
    left = [how] * 3
    where = of_files(tmp_path)
    where.publish(1)
    told: list[Exception] = []
    with where.serve() as server:
        server.fault = lambda _: left.pop() if left else None
        with ab.follow(
            bundle, where.followed(server), backoff=NOW, on_error=told.append
        ) as follower:
            follower.wait_for(1, 10)
    assert not left
    assert len(told) >= 3
    assert all(server.url in str(one) for one in told)


def test_a_server_that_falls_silent_in_the_middle(bundle: ab.Bundle, tmp_path: Path) -> None:
    where = of_files(tmp_path)
    where.publish(1)
    silent = [web.SILENT]
    told: list[Exception] = []
    hasty = {"client_options": {"read_timeout": "200ms"}, **ONCE}
    with where.serve() as server:
        server.fault = lambda one: silent.pop() if one.range and silent else None
        with ab.follow(
            bundle, follow.Objects(server.url, store=hasty), backoff=NOW, on_error=told.append
        ) as follower:
            follower.wait_for(1, 30)
    assert isinstance(told[0], ConnectionError)
    assert policy.held(bundle) == 1


def test_what_the_store_repeats_by_itself_is_no_error(bundle: ab.Bundle, tmp_path: Path) -> None:
    where = of_files(tmp_path)
    where.publish(1)
    with where.serve() as server:
        kinds = iter([503, web.CUT, None] * 3)
        server.fault = lambda _: next(kinds, None)
        with ab.follow(bundle, follow.Objects(server.url)) as follower:
            follower.wait_for(1, 30)
        assert follower.metrics.errors == 0
