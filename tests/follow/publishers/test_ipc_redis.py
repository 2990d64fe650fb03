"""A trainer's memory announced in a real Redis: whoever dies, is silent, late or starts anew."""

from __future__ import annotations

import gc
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake, follow
from acl_bundle._ipc.weights import CopiedMemory
from acl_bundle.errors import AclError, BusyError
from acl_bundle.follow._sources import ipc_redis

from .. import policy
from ..conftest import Server
from ..following import QUICK, until
from ..ipc_processes import Consumer, Process, Trainer, full
from .test_ipc_faults import GIVES_BACK, failed

redis = pytest.importorskip("redis")
pytestmark = pytest.mark.usefixtures("fake_acl")
SHORT = 1.0
"""Seconds after which the silent are dead."""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipc_redis, "LEASE", SHORT)


Made = Callable[[type[Trainer | Consumer]], Process]


@pytest.fixture
def process(server: Server) -> Iterator[Made]:
    """Starts a trainer or a consumer of the key 'policy'."""
    made: list[Process] = []

    def start(what: type[Trainer | Consumer]) -> Process:
        made.append(Process(what))
        made[-1].do("lease", SHORT)
        made[-1].do("begin", server.url, key="policy")
        return made[-1]

    yield start
    for one in made:
        one.leave()


@pytest.fixture
def source(server: Server) -> Iterator[follow.Ipc]:
    made = follow.Ipc(server.url, key="policy")
    yield made
    made.close()


@pytest.fixture
def publisher(server: Server) -> Iterator[follow.IpcPublisher]:
    with follow.publish_ipc(server.url, policy.weights(0), key="policy") as made:
        yield made


def listed(source: follow.Ipc) -> bool:
    with suppress(ConnectionError):
        return bool(source.versions())
    return False


def offered(source: follow.Ipc) -> follow.Checkpoint:
    until(lambda: listed(source))
    [one] = source.versions()
    assert isinstance(one, follow.Checkpoint)
    return one


def nothing_left(server: Server) -> bool:
    return server.client.keys("policy*") == []


def test_each_version_is_copied_and_answered(
    process: Made, source: follow.Ipc, server: Server
) -> None:
    trainer = process(Trainer)
    for version in (1, 2, 30):
        trainer.ask("publish", version)
        one = offered(source)
        assert (one.version, one.order) == (version, (1, version))
        with one.open() as weights:
            np.testing.assert_array_equal(weights["w"].to_host(), policy.weights(version)["w"])
        answers = trainer.answer()
        assert (answers.taken, answers.refused, answers.lost) == ((os.getpid(),), {}, ())
        assert source.versions() == []
    assert fake.calls()["aclrtIpcMemImportByKey"] == 1, "it stays imported"
    source.close()
    assert fake.live() == []
    trainer.do("end")
    assert trainer.do("left") == ([], [])
    until(partial(nothing_left, server))


def test_a_bundle_follows_trainer_after_trainer(
    process: Made, server: Server, bundle: ab.Bundle
) -> None:
    source, errors = follow.Ipc(server.url, key="policy"), list[str]()

    def note(error: Exception) -> None:
        errors.append(str(error))

    with ab.follow(bundle, source, backoff=QUICK, on_error=note) as follower:
        for version in (1, 2):
            trainer = process(Trainer)
            assert trainer.do("publish", version).taken
            follower.wait_for(version, 10)
            assert policy.held(bundle) == version
            trainer.kill()
            until(partial(_ended, errors, version))
            assert policy.held(bundle) == version
        last = process(Trainer)
        assert last.do("publish", 3).taken
    last.do("end")
    assert last.do("left") == ([], [])
    until(partial(nothing_left, server))


def _ended(errors: list[str], count: int) -> bool:
    return sum("has ended" in one for one in errors) == count


def test_what_is_refused_is_told(process: Made, server: Server, bundle: ab.Bundle) -> None:
    trainer = process(Trainer)
    trainer.do("end")
    trainer.do("begin", server.url, full(1), key="policy")
    with ab.follow(bundle, follow.Ipc(server.url, key="policy"), backoff=QUICK):
        answers = trainer.do("publish_own", 1)
    assert answers.taken == ()
    assert "shape" in answers.refused[os.getpid()]
    assert policy.held(bundle) == 0


@pytest.mark.acl(leaks="ignore")
def test_each_call_of_a_consumer_fails(process: Made, server: Server) -> None:
    """The trainer hears of each failure, and the next version is copied as ever."""
    trainer, survived = process(Trainer), set[str]()

    def read(source: follow.Ipc, version: int) -> None:
        [one] = source.versions()
        assert isinstance(one, follow.Checkpoint)
        with one.open() as weights:
            np.testing.assert_array_equal(weights["w"].to_host(), policy.weights(version)["w"])
        source.close()

    for nth in range(1, 200):
        fake.reset()
        source = follow.Ipc(server.url, key="policy")
        trainer.ask("publish", nth)
        until(partial(listed, source))
        error = failed(partial(read, source, nth), nth, 207001)
        answers = trainer.answer()
        if error is None:
            assert answers.taken == (os.getpid(),)
            break
        survived.add(error)
        assert answers.taken or error in str(answers.refused)
        source.close()
        if not error.startswith(GIVES_BACK):
            assert fake.live() == [], error
        assert [one for one in fake.violations() if one["severity"] != "leak"] == [], error
    assert {"aclrtIpcMemImportByKey", "aclrtIpcMemClose", "aclrtMemcpy", "aclrtMalloc"} <= survived


def test_nobody_publishes(source: follow.Ipc, server: Server) -> None:
    with pytest.raises(ConnectionError, match="Redis, key 'policy'>: nobody publishes there"):
        source.versions()
    until(partial(nothing_left, server))


def test_a_stale_key_changes_nothing(process: Made, server: Server, bundle: ab.Bundle) -> None:
    trainer, source = process(Trainer), follow.Ipc(server.url, key="policy")
    trainer.ask("lend_for_ever", 1)
    one = offered(source)
    trainer.kill()
    with pytest.raises(AclError, match=r"aclrtIpcMemImportByKey.*507899"), one.open():
        pass
    until(lambda: not _is_there(source))
    assert policy.held(bundle) == 0
    source.close()


def _is_there(source: follow.Ipc) -> bool:
    try:
        source.versions()
    except ConnectionError:
        return False
    return True


def _ask_for_ever(source: follow.Ipc) -> None:
    for _ in range(500):
        source.wait(0.05, threading.Event())
        source.versions()


@pytest.mark.parametrize("child", [False, True])
def test_a_dead_trainer_is_told(process: Made, source: follow.Ipc, child: bool) -> None:
    trainer = process(Trainer)
    assert source.versions() == []
    forked = trainer.do("fork") if child else None
    trainer.kill()
    with pytest.raises(ConnectionError, match="the trainer has ended"):
        _ask_for_ever(source)
    if forked is not None:
        os.kill(forked, signal.SIGKILL)
    assert fake.live() == []


def test_a_dead_consumer_is_lost(process: Made, publisher: follow.IpcPublisher) -> None:
    consumer = process(Consumer)
    consumer.ask("hang")
    with pytest.raises(TimeoutError, match="has not and may still read"):
        publisher.publish(1, timeout=3)
    [number] = publisher.lent
    consumer.kill()
    answers = publisher.publish(2, policy.weights(2), consumers=0, timeout=30)
    assert answers == follow.Answers(2, (), {}, (number,))
    assert publisher.lent == ()


def test_a_late_consumer_takes_what_is_lent_or_the_next(
    process: Made, publisher: follow.IpcPublisher
) -> None:
    early = process(Consumer)
    early.ask("take", 2)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(publisher.publish, 1, policy.weights(1), consumers=2, timeout=30)
        until(lambda: publisher.manifest is not None)
        late = process(Consumer)
        late.ask("take", 2)
        assert len(running.result(30).taken) == 2
    last = process(Consumer)
    last.ask("take", 1)
    answers = publisher.publish(2, policy.weights(2), consumers=3, timeout=30)
    assert len(answers.taken) == 3
    for one in (early, late):
        assert one.answer() == [(1, 1.0), (2, 2.0)]
    assert last.answer() == [(2, 2.0)]
    for one in (early, late, last):
        assert one.do("end") == ([], [])


def test_who_was_silent_uses_nothing_that_was_overwritten(
    process: Made, source: follow.Ipc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer copies, is taken for dead, and the next version is written meanwhile."""
    trainer, take = process(Trainer), CopiedMemory.take

    def slow(self: CopiedMemory, memory: Any) -> None:
        silenced: Any = source._trainer
        silenced._lease.close()
        assert trainer.answer().lost == (os.getpid(),)
        assert trainer.do("publish", 2, consumers=0).version == 2
        take(self, memory)

    source.versions()
    trainer.ask("publish", 1, consumers=0)
    one = offered(source)
    monkeypatch.setattr(CopiedMemory, "take", slow)
    with pytest.raises(ConnectionError, match="version 1 is no longer lent"), one.open():
        pytest.fail("it was used")
    monkeypatch.undo()


@pytest.mark.parametrize("lost", [False, True])
def test_a_server_that_starts_anew(
    process: Made, publisher: follow.IpcPublisher, server: Server, lost: bool
) -> None:
    """It has forgotten everything, or has what it saved."""
    consumer = process(Consumer)
    consumer.ask("take", 2)
    assert publisher.publish(1, policy.weights(1), timeout=30).taken
    if not lost:
        server.client.save()
    server.kill()
    with pytest.raises(ConnectionError, match="Redis, key 'policy'"):
        publisher.publish(2, policy.weights(2), timeout=30)
    server.start()
    answers = publisher.publish(3, policy.weights(3), timeout=30)
    assert answers.taken
    assert consumer.answer() == [(1, 1.0), (3, 3.0)]
    assert consumer.do("end") == ([], [])


def test_an_answer_is_read_though_its_consumer_has_gone(
    process: Made, server: Server, bundle: ab.Bundle
) -> None:
    trainer = process(Trainer)
    for version in (1, 2, 3):
        source = follow.Ipc(server.url, key="policy")
        trainer.ask("publish", version)
        one = offered(source)
        with one.open() as weights:
            bundle.update(weights, version=version)
        source.close()
        assert trainer.answer().taken == (os.getpid(),)
    source = follow.Ipc(server.url, key="policy")
    source.versions()  # it is a consumer before the publication begins
    trainer.ask("publish", 4, consumers=0)
    offered(source)
    source.close()
    assert trainer.answer().lost == (os.getpid(),)


def test_somebody_publishes_there(process: Made, server: Server) -> None:
    process(Trainer)
    with pytest.raises(BusyError, match="somebody publishes at Redis, key 'policy' already"):
        follow.publish_ipc(server.url, policy.weights(0), key="policy")
    assert fake.live() == []
    with follow.publish_ipc(server.url, policy.weights(0), key="other"):
        pass


def test_the_place_of_a_dead_trainer_is_taken(process: Made, server: Server) -> None:
    process(Trainer).kill()
    with follow.publish_ipc(server.url, policy.weights(0), key="policy") as publisher:
        assert publisher.publish(1, consumers=0).version == 1


def test_a_trainer_whose_place_was_taken(publisher: follow.IpcPublisher, server: Server) -> None:
    other = json.dumps({"ipc": 1, "trainer": "f" * 16, "lent": [], "manifest": None})
    server.client.set("policy:ipc", other)
    with pytest.raises(BusyError, match="another trainer publishes at Redis, key 'policy' now"):
        publisher.publish(1, timeout=3)
    publisher.close()
    assert server.client.get("policy:ipc") == other.encode(), "it is the other's"
    assert fake.live() == []


NONSENSE = [b"", b"{", b"7", b"[]", b"[" * 50_000, b'{"ipc": 1}', b"\xff",
            b'{"ipc": 2, "trainer": "a", "lent": [], "manifest": null}',
            b'{"ipc": 1, "trainer": 7, "lent": [], "manifest": null}',
            b'{"ipc": 1, "trainer": "a", "lent": 7, "manifest": null}']  # fmt: skip


@pytest.mark.parametrize("said", NONSENSE)
def test_what_is_no_publisher(source: follow.Ipc, server: Server, said: bytes) -> None:
    server.client.set("policy:ipc", said)
    with pytest.raises(ConnectionError, match="no publisher's"):
        source.versions()


def test_a_manifest_that_lies_is_refused_once(source: follow.Ipc, server: Server) -> None:
    state: dict[str, Any] = {"ipc": 1, "trainer": "a", "lent": [], "manifest": None}
    server.client.set("policy:ipc", json.dumps(state))
    assert source.versions() == []
    [name] = server.client.smembers("policy:ipc:consumers")
    state |= {"lent": [name.decode()], "manifest": {"ipc": 1, "version": 7, "size": 0}}
    server.client.set("policy:ipc", json.dumps(state))
    [one] = source.versions()
    assert not isinstance(one, follow.Checkpoint)
    assert (one.version, "size" in str(one.error)) == ("7", True)
    answer = json.loads(server.client.get(f"policy:ipc:consumer:{name.decode()}"))
    assert (answer["version"], "size" in answer["refused"]) == (7, True)
    assert source.versions() == []


def test_consumers_that_talk_nonsense(
    process: Made, publisher: follow.IpcPublisher, server: Server
) -> None:
    [trainer] = [json.loads(server.client.get("policy:ipc"))["trainer"]]
    said = [*NONSENSE, *(
        json.dumps({"trainer": trainer, "process": one}).encode()
        for one in (None, True, -1, 0, 2**40, 1e300, "1", [])
    )]  # fmt: skip
    for number, text in enumerate(said):
        server.client.set(f"policy:ipc:consumer:odd{number}", text)
        server.client.sadd("policy:ipc:consumers", f"odd{number}")
    server.client.sadd("policy:ipc:consumers", b"\xff\xfe")
    consumer = process(Consumer)
    consumer.ask("take", 1)
    assert len(publisher.publish(1, policy.weights(1), timeout=30).taken) == 1
    assert consumer.answer() == [(1, 1.0)]
    assert consumer.do("end") == ([], [])


def test_a_client_stays_the_callers(process: Made, server: Server, bundle: ab.Bundle) -> None:
    trainer = process(Trainer)
    with ab.follow(bundle, follow.Ipc(server.client, key="policy"), backoff=QUICK) as follower:
        assert trainer.do("publish", 1).taken
        follower.wait_for(1, 10)
        assert policy.held(bundle) == 1
    trainer.do("end")
    consumer = process(Consumer)
    consumer.ask("take", 1)
    with follow.publish_ipc(server.client, policy.weights(0), key="policy") as publisher:
        assert repr(publisher) == "<IpcPublisher, Redis, key 'policy', 2 weights>"
        assert publisher.publish(2, policy.weights(2), timeout=30).taken
        consumer.answer()
        consumer.do("end")
    assert server.client.ping()


def test_a_source_that_is_forgotten_is_no_consumer(
    publisher: follow.IpcPublisher, server: Server
) -> None:
    source = follow.Ipc(server.url, key="policy")
    source.versions()
    del source
    gc.collect()
    until(partial(_has_ended, "acl_bundle ipc lease", 1))
    answers = publisher.publish(1, consumers=0, timeout=30)
    assert answers.taken == ()


def _has_ended(name: str, left: int) -> bool:
    return sum(one.name == name for one in threading.enumerate()) == left


def test_the_server_is_not_there(server: Server) -> None:
    server.kill()
    with pytest.raises(ConnectionError, match="Redis, key 'policy'"):
        follow.publish_ipc(server.url, policy.weights(0), key="policy")
    assert fake.live() == []
    source = follow.Ipc(server.url, key="policy")
    with pytest.raises(ConnectionError, match="Redis, key 'policy'"):
        source.versions()
    source.close()
    server.start()


def test_arguments_that_cannot_be(server: Server) -> None:
    for make in (follow.Ipc, partial(follow.publish_ipc, weights=policy.weights(0))):
        with pytest.raises(ValueError, match="key is 'policy', and the address '@a' is a socket's"):
            make("@a", key="policy")
        with pytest.raises(ValueError, match="key is empty"):
            make(server.url, key="")
        with pytest.raises(TypeError, match="key is text"):
            make(server.url, key=3)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="address is 3; a path"):
            make(3)
    assert fake.live() == []


@pytest.mark.timed
def test_a_trainer_that_closes_while_its_version_is_lent(
    process: Made, server: Server, bundle: ab.Bundle
) -> None:
    publisher = follow.publish_ipc(server.url, policy.weights(0), key="policy")
    consumer = process(Consumer)
    consumer.ask("take", 1)
    publisher.publish(1, policy.weights(1), timeout=30)
    assert consumer.answer() == [(1, 1.0)]
    consumer.ask("take", 1)  # waits for the next trainer
    time.sleep(0.2)
    publisher.close()
    with follow.publish_ipc(server.url, policy.weights(0), key="policy") as second:
        second.publish(2, policy.weights(2), timeout=30)
        assert consumer.answer() == [(2, 2.0)]
        assert consumer.do("end") == ([], [])
    until(partial(nothing_left, server))
