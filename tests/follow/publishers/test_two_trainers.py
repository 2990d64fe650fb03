"""Several trainers with the same versions: one wins, the others are told, and all of it stays."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle._base.atomic import creating
from acl_bundle.weights import Safetensors

from ..conftest import Server, Trainers
from ..following import until

redis = pytest.importorskip("redis")
COUNT, RIVALS = 40, 4


def who(value: float) -> dict[str, Any]:
    return {"who": np.full(3, value, np.float32)}


def winner(data: bytes) -> int:
    found = set(Safetensors(data)["who"].tolist())
    assert len(found) == 1
    return int(found.pop())


class InDirectory:
    """What is published in a folder."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self._folder = folder

    def values(self) -> dict[int, bytes]:
        """Each version's bytes, of all that has a name."""
        found = {}
        for one in self._folder.glob("weights-*.safetensors"):
            with suppress(FileNotFoundError):  # a publisher removed it meanwhile
                found[int(one.stem.partition("-")[2])] = one.read_bytes()
        return found

    def check(self, count: int) -> None:
        """All is told that has a name, and nothing else is left."""
        names = {f"weights-{one}.safetensors" for one in self.values()}
        assert {*os.listdir(self._folder)} == {"LATEST", *names}
        assert (self._folder / "LATEST").read_text() == f"weights-{count}.safetensors\n"


class InRedis:
    """What is published under a key."""

    def __init__(self, server: Server) -> None:
        self.place = server.url
        self._client = server.client

    def values(self) -> dict[int, bytes]:
        versions = [int(one) for one in self._client.lrange("policy:versions", 0, -1)]
        values = {one: self._client.get(f"policy:weights:{one}") for one in versions}
        assert all(self._client.ttl(f"policy:weights:{one}") < 0 for one in versions)
        return {version: data for version, data in values.items() if data is not None}

    def check(self, count: int) -> None:
        assert self._client.get("policy:version") == str(count).encode()
        named = {f"policy:weights:{one}".encode() for one in self.values()}
        others = {b"policy:version", b"policy:versions"}
        assert {*self._client.keys("*")} == named | others


@pytest.fixture(params=["directory", "redis"])
def published(request: pytest.FixtureRequest, tmp_path: Path) -> InDirectory | InRedis:
    if request.param == "redis":
        return InRedis(request.getfixturevalue("server"))
    return InDirectory(tmp_path)


@contextmanager
def rivals(published: InDirectory | InRedis) -> Iterator[list[subprocess.Popen[str]]]:
    how = "redis" if isinstance(published, InRedis) else "directory"
    program = str(Path(__file__).with_name("rivals.py"))
    started = [
        subprocess.Popen(
            [sys.executable, program, how, published.place, str(one), str(COUNT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for one in range(RIVALS)
    ]
    for one in started:
        assert one.stdout is not None
        one.stdout.readline()
    yield started
    for one in started:
        one.kill()
        one.communicate()


def test_each_version_has_one_publisher_and_never_changes(
    published: InDirectory | InRedis,
) -> None:
    seen: dict[int, bytes] = {}
    changed: list[int] = []
    with rivals(published) as processes:
        for one in processes:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        while any(one.poll() is None for one in processes):
            for version, data in published.values().items():
                if seen.setdefault(version, data) != data:
                    changed.append(version)
        told = [json.loads(one.communicate()[0]) for one in processes]
    final = published.values()
    assert changed == []
    assert {version: final[version] for version in seen} == seen
    winners = {
        version: [one for one in range(RIVALS) if told[one][version - 1] == "published"]
        for version in range(1, COUNT + 1)
    }
    assert all(len(ones) <= 1 for ones in winners.values()), winners
    assert {v: ones for v, ones in winners.items() if ones} == {
        version: [winner(data)] for version, data in final.items()
    }
    published.check(COUNT)


class Gaps(redis.UnixDomainSocketConnection):
    """A connection that calls something before it sends a command."""

    before: Callable[[], object] = staticmethod(tuple)

    def send_packed_command(self, *arguments: Any, **options: Any) -> Any:
        self.before()
        return super().send_packed_command(*arguments, **options)


class Moment:
    """Calls something before the connection's command of a number."""

    def __init__(self, number: int, call: Callable[[], object]) -> None:
        self._left, self._call = number, call

    @property
    def came(self) -> bool:
        return self._left < 0

    def __call__(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._call()


@contextmanager
def client_with(server: Server, before: Callable[[], object]) -> Iterator[Any]:
    kind = type("Moments", (Gaps,), {"before": staticmethod(before)})
    path = server.url.removeprefix("unix://")
    client = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=kind, path=path))
    yield client
    client.close()
    client.connection_pool.disconnect()


def outcome(client: Any, who_: int) -> str:
    try:
        follow.publish_redis(client, who(who_), 7, key="policy")
    except (ab.VersionExistsError, ab.BusyError, ConnectionError) as error:
        return type(error).__name__
    return "published"


def test_redis_in_every_gap_another_publishes_the_same(server: Server) -> None:
    """T1 publishes 7; between two of its commands T2 publishes 7, wherever that is."""
    outcomes = []
    for gap in range(100):
        server.client.flushall()
        second: list[str] = []
        moment = Moment(gap, lambda: second.append(outcome(server.url, 2)))  # noqa: B023
        with client_with(server, moment) as client:
            first = outcome(client, 1)
        if not moment.came:
            break
        outcomes.append((first, *second))
        assert winner(server.client.get("policy:weights:7")) == 1 + (second == ["published"])
        assert server.client.ttl("policy:weights:7") == -1
        assert server.client.lrange("policy:versions", 0, -1) == [b"7"]
        assert len(server.client.keys("*")) == 3
    assert {("VersionExistsError", "published"), ("BusyError", "published")} <= {*outcomes}
    assert ("published", "VersionExistsError") in outcomes
    assert all(one.count("published") == 1 for one in outcomes), outcomes


def test_redis_a_connection_lost_anywhere_is_told_and_the_same_call_again_settles_it(
    server: Server,
) -> None:
    for gap in range(100):
        server.client.flushall()
        moment = Moment(gap, lambda: server.client.client_kill_filter(_type="normal", skipme=True))
        with client_with(server, moment) as client:
            first = outcome(client, 1)
            if not moment.came:
                break
            again = outcome(client, 1)
        assert again == ("published" if first != "published" else "VersionExistsError") or (
            first != "published" and again == "VersionExistsError"
        )
        assert winner(server.client.get("policy:weights:7")) == 1
        assert server.client.ttl("policy:weights:7") == -1
        assert server.client.lrange("policy:versions", 0, -1) == [b"7"]
    assert gap > 5


def test_redis_a_value_without_a_version_is_not_replaced(server: Server) -> None:
    """A trainer in another language has set the value, and will set the version next."""
    server.client.set("policy:weights:7", b"theirs")
    with pytest.raises(ab.VersionExistsError, match=r"'policy:weights:7' has a value.*8 or more"):
        follow.publish_redis(server.url, who(1), 7, key="policy")
    assert server.client.keys("*") == [b"policy:weights:7"]
    follow.publish_redis(server.url, who(1), 8, key="policy")
    assert server.client.get("policy:weights:7") == b"theirs"


def test_redis_what_an_older_releases_publisher_left_is_replaced(server: Server) -> None:
    server.client.set("policy:weights:7", b"half", ex=3600)
    follow.publish_redis(server.url, who(1), 7, key="policy")
    assert winner(server.client.get("policy:weights:7")) == 1
    assert server.client.ttl("policy:weights:7") == -1


def test_redis_two_publishers_forget_each_old_version_once(server: Server) -> None:
    """T1 and T2 both see that 1 is too many; what is listed has a value, and no other has one."""
    for version in (1, 2, 3):
        follow.publish_redis(server.url, who(0), version, key="policy", keep=5)

    def publish(client: Any, version: int) -> None:
        with suppress(ab.BusyError, ValueError):
            follow.publish_redis(client, who(0), version, key="policy")

    for gap in range(100):
        moment = Moment(gap, lambda: publish(server.url, 4 + 2 * gap))  # noqa: B023
        with client_with(server, moment) as client:
            publish(client, 5 + 2 * gap)
        if not moment.came:
            break
        kept = server.client.lrange("policy:versions", 0, -1)
        assert len(kept) == 2
        values = {one.rpartition(b":")[2] for one in server.client.keys("policy:weights:*")}
        assert values == {*kept}
    assert gap > 5


def test_redis_the_list_may_hold_what_is_no_version(server: Server) -> None:
    server.client.rpush("policy:versions", b"\xff", "junk", "9" * 5000, "x" * 10**6)
    for version in range(1, 4):
        follow.publish_redis(server.url, who(1), version, key="policy")
    assert server.client.lrange("policy:versions", 0, -1) == [b"2", b"3"]


def test_redis_a_list_of_ten_megabytes_costs_little(server: Server) -> None:
    for start in range(0, 2_000_000, 100_000):
        server.client.rpush("policy:versions", *[f"{n:05}" for n in range(start, start + 100_000)])
    tracemalloc.start()
    follow.publish_redis(server.url, who(1), 10**7, key="policy")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_directory_in_the_middle_of_writing_another_publishes(tmp_path: Path) -> None:
    """T1 reads its weights while T2 publishes the same version, or a newer one."""

    class Meanwhile(dict[str, Any]):
        def __init__(self, version: int) -> None:
            super().__init__(who(1))
            self._version = version

        def __getitem__(self, name: str) -> Any:
            with suppress(ValueError):  # each value is asked for twice
                follow.publish_directory(tmp_path, who(2), self._version, latest="LATEST")
            return super().__getitem__(name)

    with pytest.raises(ab.VersionExistsError, match="version 7 is not newer than 7"):
        follow.publish_directory(tmp_path, Meanwhile(7), 7, latest="LATEST")
    assert winner((tmp_path / "weights-7.safetensors").read_bytes()) == 2
    with pytest.raises(ValueError, match="version 8 is not newer than 9"):
        follow.publish_directory(tmp_path, Meanwhile(9), 8, latest="LATEST")
    assert sorted(os.listdir(tmp_path)) == [
        "LATEST", "weights-7.safetensors", "weights-9.safetensors",
    ]  # fmt: skip
    assert (tmp_path / "LATEST").read_text() == "weights-9.safetensors\n"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_name_is_given_to_one(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without hard links, as on FAT, as well: both have written when the names are given."""

    def none(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", none)
    target, together = tmp_path / "weights-7.safetensors", threading.Barrier(RIVALS)
    told: list[str] = []

    def create(one: int) -> None:
        try:
            with creating(target) as file:
                file.write(b"%d" % one * 1000)
                together.wait(10)
            told.append(str(one))
        except FileExistsError:
            told.append("")

    threads = [threading.Thread(target=create, args=(one,)) for one in range(RIVALS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (won,) = filter(None, told)
    assert len(told) == RIVALS
    assert target.read_bytes() == won.encode() * 1000
    assert os.listdir(tmp_path) == [target.name]


def test_whatever_has_the_name_stays(tmp_path: Path) -> None:
    (tmp_path / "weights-7.safetensors").symlink_to("nowhere")
    with pytest.raises(ab.VersionExistsError):
        follow.publish_directory(tmp_path, who(1), 7)
    assert os.listdir(tmp_path) == ["weights-7.safetensors"]


def test_a_trainer_killed_before_latest_publishes_again_and_mends_it(tmp_path: Path) -> None:
    follow.publish_directory(tmp_path, who(1), 6, latest="LATEST")
    follow.publish_directory(tmp_path, who(1), 7)  # and killed here
    with pytest.raises(ab.VersionExistsError):
        follow.publish_directory(tmp_path, who(1), 7, latest="LATEST")
    assert (tmp_path / "LATEST").read_text() == "weights-7.safetensors\n"


def test_what_killed_trainers_published_never_changes(
    published: InDirectory | InRedis,
) -> None:
    trainers = Trainers("redis" if isinstance(published, InRedis) else "directory", published.place)
    seen: dict[int, bytes] = {}
    for _ in range(20):
        child = trainers.start()
        until(lambda: published.values().keys() - seen.keys())
        os.kill(child, signal.SIGKILL)
        for version, data in published.values().items():
            assert seen.setdefault(version, data) == data
    trainers.close()
