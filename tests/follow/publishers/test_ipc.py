"""Weights in a trainer's device memory: read there, answered, and never half."""

from __future__ import annotations

import json
import os
import random
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake, follow
from acl_bundle import weights as files
from acl_bundle._ipc.blocks import process_number
from acl_bundle.errors import (
    AclError,
    BusyError,
    ClosedError,
    VersionExistsError,
    WeightError,
    WeightsFormatError,
)

from .. import policy
from ..following import QUICK, until
from ..ipc_processes import Consumer, Process, Trainer, full

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def address() -> str:
    """An address that nobody else has, and that leaves no file."""
    return f"@acl-bundle-test-{uuid.uuid4()}"


@pytest.fixture
def trainer(address: str) -> Iterator[Process]:
    process = Process(Trainer)
    process.do("begin", address)
    yield process
    process.leave()


@pytest.fixture
def consumer(address: str) -> Iterator[Process]:
    process = Process(Consumer)
    process.do("begin", address)
    yield process
    process.leave()


@pytest.fixture
def source(address: str) -> Iterator[follow.Ipc]:
    made = follow.Ipc(address)
    yield made
    made.close()


def offered(source: follow.Ipc) -> follow.Checkpoint:
    """The version that is lent now; it is waited for."""
    until(lambda: listed(source))
    [one] = source.versions()
    assert isinstance(one, follow.Checkpoint)
    return one


def listed(source: follow.Ipc) -> bool:
    """Whether a version is there, without letting it pass."""
    try:
        return bool(source.versions())
    except ConnectionError:
        return False


def on_host(weights: Any) -> dict[str, Any]:
    return {name: array.to_host() for name, array in weights.items()}


def killed_between(one: follow.Checkpoint, trainer: Process) -> None:
    """Read a version whose trainer ends before that."""
    with one.open() as weights:
        trainer.kill()
        weights["w"].to_host()


def killed_behind(one: follow.Checkpoint, trainer: Process) -> None:
    """Read a version whose trainer ends after that."""
    with one.open() as weights:
        weights["w"].to_host()
        trainer.kill()


def test_each_version_is_read_where_the_trainer_has_it(
    trainer: Process, source: follow.Ipc
) -> None:
    for version in (1, 2, 30):
        trainer.ask("publish", version)
        one = offered(source)
        assert (one.version, one.order) == (version, (1, version))
        assert one.published is not None
        with one.open() as weights:
            assert list(weights) == ["w", "b"]
            np.testing.assert_array_equal(on_host(weights)["w"], policy.weights(version)["w"])
        answers = trainer.answer()
        assert (answers.taken, answers.refused, answers.lost) == ((os.getpid(),), {}, ())
        assert source.versions() == []
    assert fake.calls()["aclrtIpcMemImportByKey"] == 1, "it stays imported"


def test_a_bundle_follows(trainer: Process, address: str, bundle: ab.Bundle) -> None:
    source = follow.Ipc(address)
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        for version in (1, 2, 3):
            assert trainer.do("publish", version).taken
            follower.wait_for(version, 10)
            assert policy.held(bundle) == version
    assert source.versions  # it may be used again


def test_what_a_bundle_refuses_is_told_to_the_trainer(address: str, bundle: ab.Bundle) -> None:
    trainer = Process(Trainer)
    trainer.do("begin", address, full(1))
    with ab.follow(bundle, follow.Ipc(address), backoff=QUICK):
        answers = trainer.do("publish_own", 1)
    assert answers.taken == ()
    assert "shape" in answers.refused[os.getpid()]
    assert policy.held(bundle) == 0
    trainer.leave()


def test_an_older_version_is_passed_over(trainer: Process, address: str, bundle: ab.Bundle) -> None:
    with ab.follow(bundle, follow.Ipc(address), after=7, backoff=QUICK):
        answers = trainer.do("publish", 5)
        assert "older" in answers.refused[os.getpid()]
        assert trainer.do("publish", 8).taken
    assert policy.held(bundle) == 8


def test_a_version_is_open_once(trainer: Process, source: follow.Ipc) -> None:
    trainer.ask("publish", 1)
    one = offered(source)
    with one.open():
        pass
    with pytest.raises(FileNotFoundError, match="no longer lent"), one.open():
        pass
    trainer.answer()


def test_what_fails_while_it_is_open_is_told(trainer: Process, source: follow.Ipc) -> None:
    trainer.ask("publish", 1)
    one = offered(source)
    with pytest.raises(ZeroDivisionError), one.open():
        _ = 1 / 0
    assert trainer.answer().refused == {os.getpid(): "ZeroDivisionError: division by zero"}


def test_a_trainer_that_is_not_there(source: follow.Ipc) -> None:
    with pytest.raises(ConnectionError, match="nobody publishes at"):
        source.versions()


def test_a_trainer_that_ends_before_its_version_is_read(
    trainer: Process, source: follow.Ipc
) -> None:
    trainer.ask("lend_for_ever", 1)
    one = offered(source)
    trainer.kill()
    with pytest.raises(AclError, match=r"aclrtIpcMemImportByKey.*507899"), one.open():
        pass
    with pytest.raises(ConnectionError, match="has ended"):
        source.versions()
    assert fake.live() == []


@pytest.mark.acl(violations="ignore")
def test_a_trainer_that_ends_while_its_version_is_read(
    trainer: Process, source: follow.Ipc
) -> None:
    trainer.ask("lend_for_ever", 1)
    one = offered(source)
    with pytest.raises(AclError, match="freed it or ended"):
        killed_between(one, trainer)
    with pytest.raises(ConnectionError):
        source.versions()
    assert fake.live() == []


def test_nobody_takes_a_version_whose_trainer_has_ended(
    trainer: Process, source: follow.Ipc
) -> None:
    trainer.ask("lend_for_ever", 1)
    one = offered(source)
    with pytest.raises(ConnectionError, match="ended while version 1 was read"):
        killed_behind(one, trainer)
    assert fake.live() == []


def test_another_trainer_comes(trainer: Process, address: str, bundle: ab.Bundle) -> None:
    errors: list[Exception] = []
    options: dict[str, Any] = {"backoff": QUICK}
    with ab.follow(bundle, follow.Ipc(address), on_error=errors.append, **options):
        trainer.do("publish", 1)
        trainer.kill()
        until(lambda: errors)
        second = Process(Trainer)
        second.do("begin", address)
        assert second.do("publish", 2).taken
        assert policy.held(bundle) == 2
        second.do("end")
        assert second.do("left") == ([], [])
    second.leave()


@pytest.mark.acl(violations="ignore")  # a trainer may end while its memory is read
def test_trainers_that_are_killed_at_any_moment(address: str, bundle: ab.Bundle) -> None:
    """No version is mixed, nothing is left open, and the last trainer's version is applied."""
    moments = random.Random(13)
    before = descriptors()
    with ab.follow(bundle, follow.Ipc(address), backoff=QUICK) as follower:
        for _ in range(6):
            trainer = Process(Trainer)
            trainer.do("begin", address)
            trainer.ask("publish_on_and_on")
            time.sleep(moments.uniform(0.0, 0.2))
            trainer.kill()
            policy.held(bundle)
        last = Process(Trainer)
        last.do("begin", address)
        last.do("publish", 2_000_000)
        follower.wait_for(2_000_000, 10)
        assert policy.held(bundle) == 2_000_000
        last.do("end")
    last.leave()
    assert descriptors() <= before


def descriptors() -> int:
    """How many shared blocks this process has open."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            found += "acl-fake-share" in os.readlink(one)
        except FileNotFoundError:
            continue
    return found


def test_a_manifest_goes_any_way_and_is_opened_by_itself(trainer: Process) -> None:
    trainer.do("publish", 4, consumers=0)
    manifest = trainer.do("manifest", process_number())
    with files.from_ipc(json.loads(manifest)) as weights:
        assert weights.version == 4
        np.testing.assert_array_equal(weights["b"].to_host(), policy.weights(4)["b"])
        assert repr(weights) == "<IpcWeights, version 4, 2 weights>"
    with pytest.raises(ClosedError):
        _ = weights["b"]
    assert fake.live() == []
    weights.close()


def test_a_process_that_was_not_allowed(trainer: Process) -> None:
    trainer.do("publish", 1, consumers=0)
    with pytest.raises(AclError, match="aclrtIpcMemSetImportPid"):
        files.from_ipc(trainer.do("manifest"))
    assert fake.live() == []


def test_a_stale_key(trainer: Process) -> None:
    trainer.do("publish", 1, consumers=0)
    manifest = trainer.do("manifest", process_number())
    trainer.do("end")
    with pytest.raises(AclError, match="507899"):
        files.from_ipc(manifest)
    assert fake.live() == []


def test_weights_on_another_card(address: str) -> None:
    trainer = Process(Trainer, ACL_FAKE_DEVICES="2", ASCEND_RT_VISIBLE_DEVICES="1")
    trainer.do("begin", address)
    trainer.do("publish", 1, consumers=0)
    with pytest.raises(ValueError, match="lie on chip 1 of this host, and device 0 is chip 0"):
        files.from_ipc(trainer.do("manifest", process_number()))
    trainer.leave()


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no format": (lambda d: d.pop("ipc"), "a mapping with"),
    "format": (lambda d: d.update(ipc=2), "a mapping with"),
    "version": (lambda d: d.update(version="7"), "version"),
    "negative version": (lambda d: d.update(version=-1), "version"),
    "no key": (lambda d: d.update(key=""), "key"),
    "long key": (lambda d: d.update(key="k" * 65), "key"),
    "size": (lambda d: d.update(size=True), "size"),
    "more memory": (lambda d: d.update(size=d["size"] * 2), "has less"),
    "no weights": (lambda d: d.update(weights=[]), "no weights"),
    "no list": (lambda d: d.update(weights={"w": 1}), "no weights"),
    "row": (lambda d: d["weights"][0].pop(), r"\[name, dtype, shape, offset\]"),
    "twice": (lambda d: d["weights"].append(d["weights"][0]), "'w' twice"),
    "dtype": (lambda d: d["weights"][0].__setitem__(1, "O"), "dtype"),
    "dtype of another kind": (lambda d: d["weights"][0].__setitem__(1, 4), "dtype"),
    "shape": (lambda d: d["weights"][0].__setitem__(2, [-1, 4]), "shape"),
    "shape of another kind": (lambda d: d["weights"][0].__setitem__(2, "12"), "shape"),
    "huge shape": (lambda d: d["weights"][0].__setitem__(2, [2**40, 2**40]), "shape"),
    "offset": (lambda d: d["weights"][0].__setitem__(3, d["size"]), "must lie inside"),
    "end": (lambda d: d["weights"][0].__setitem__(3, d["size"] - 64), "must lie inside"),
    "odd offset": (lambda d: d["weights"][1].__setitem__(3, 65), "multiple of 4"),
    "negative offset": (lambda d: d["weights"][0].__setitem__(3, -64), "must lie inside"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_lies(trainer: Process, lie: str) -> None:
    trainer.do("publish", 1, consumers=0)
    data = json.loads(trainer.do("manifest", process_number()))
    change, told = LIES[lie]
    change(data)
    with pytest.raises(WeightsFormatError, match=told):
        files.from_ipc(data)
    assert fake.live() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "7", b"\xff", "null"])
def test_what_is_no_manifest(text: object) -> None:
    with pytest.raises(WeightsFormatError, match="the manifest is"):
        files.from_ipc(text)


WEIGHTS = {
    "f": np.arange(6, dtype=np.float32).reshape(2, 3),
    "h": np.ones(5, np.float16),
    "b": np.full((2, 2), 3, ml_dtypes.bfloat16),
    "i": np.array(7, np.int64),
    "none": np.empty((0, 4), np.float32),
    "bool": np.array([True, False]),
}


def test_every_kind_of_weight(address: str) -> None:
    trainer = Process(Trainer)
    trainer.do("begin", address, WEIGHTS)
    trainer.do("publish_own", 1, consumers=0)
    with files.from_ipc(trainer.do("manifest", process_number())) as weights:
        for name, array in WEIGHTS.items():
            assert weights[name].dtype == array.dtype
            assert weights[name].pointer % 64 == 0
            np.testing.assert_array_equal(weights[name].to_host(), array)
    trainer.leave()


def test_a_publisher_that_nobody_follows(address: str) -> None:
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        with pytest.raises(TimeoutError, match=r"version 1 .* 0 of 1 consumers answered"):
            publisher.publish(1, timeout=0.05)
        assert publisher.publish(2, consumers=0) == follow.Answers(2, (), {}, ())
        with pytest.raises(VersionExistsError):
            publisher.publish(2, consumers=0)
        with pytest.raises(ValueError, match="not newer than 2"):
            publisher.publish(1, consumers=0)
        with pytest.raises(WeightError, match="no place for 'ww'"):
            publisher.publish(3, {"ww": policy.X}, consumers=0)
        with pytest.raises(ValueError, match="shape"):
            publisher.publish(3, {"w": policy.X}, consumers=0)
        assert list(publisher) == ["w", "b"]
    with pytest.raises(ClosedError):
        publisher.publish(4)


def test_a_place_is_written_without_a_copy(address: str, consumer: Process) -> None:
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        ab.to_device(policy.weights(9)["w"], out=publisher["w"])
        copies = fake.calls()["aclrtMemcpy"]
        consumer.ask("take", 1)
        publisher.publish(9, {"w": publisher["w"]}, timeout=30)
        assert consumer.answer() == [(9, 9.0)]
        assert fake.calls()["aclrtMemcpy"] == copies
        assert consumer.do("end") == ([], [])


def test_two_consumers(address: str, consumer: Process) -> None:
    second = Process(Consumer)
    pids = {consumer.do("begin", address), second.do("begin", address)}
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        for one in (consumer, second):
            one.ask("take", 3)
        for version in (1, 2, 3):
            answers = publisher.publish(version, policy.weights(version), consumers=2, timeout=30)
            assert {*answers.taken} == pids
        for one in (consumer, second):
            assert one.answer() == [(1, 1.0), (2, 2.0), (3, 3.0)]
            assert one.do("end") == ([], [])
    second.leave()


@pytest.mark.parametrize("first", [0, 1])
def test_a_consumer_that_hangs_and_then_dies(address: str, consumer: Process, first: int) -> None:
    number = consumer.do("begin", address)
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        consumer.ask("hang")
        with pytest.raises(TimeoutError, match=f"process {number} has not and may still read"):
            publisher.publish(first, timeout=3)
        assert publisher.lent == (number,)
        with pytest.raises(TimeoutError, match="may still read"):
            publisher.publish(2, policy.weights(2), timeout=0.05)
        np.testing.assert_array_equal(publisher["w"].to_host(), policy.weights(0)["w"])
        consumer.kill()
        assert publisher.publish(2, consumers=0, timeout=30).taken == ()
        assert publisher.lent == ()


def test_a_consumer_that_dies_is_told(address: str, consumer: Process) -> None:
    number = consumer.do("begin", address)
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        consumer.ask("hang")
        with pytest.raises(TimeoutError):
            publisher.publish(1, timeout=2)
        consumer.kill()
        with pytest.raises(TimeoutError, match=f"process {number} ended before it answered"):
            publisher.publish(2, consumers=1, timeout=0.5)


def test_who_talks_nonsense_is_left(address: str, consumer: Process) -> None:
    import socket  # noqa: PLC0415

    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        for said in (
            b"GET / HTTP/1.0\r\n\r\n", b'{"ipc": 9}\n', b"[1]\n", b'{"ipc": 1}\n', b"",
            b"[" * 50_000 + b"\n", b'{"ipc": 1, "process": Infinity}\n',
            b'{"ipc": 1, "process": 1099511627776}\n', b'{"ipc": 1, "process": 0}\n',
            b'{"ipc": 1, "process": true}\n', b'{"ipc": 1, "process": "1"}\n',
        ):  # fmt: skip
            other = socket.socket(socket.AF_UNIX)
            other.connect("\0" + address[1:])
            other.sendall(said)
            other.close()
        consumer.ask("take", 1)
        assert publisher.publish(1, timeout=30).taken
        consumer.answer()
        consumer.do("end")


def test_who_says_hello_and_is_gone(address: str) -> None:
    import socket  # noqa: PLC0415

    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        with pytest.raises(TimeoutError):
            publisher.publish(1, timeout=0.01)
        for _ in range(3):
            other = socket.socket(socket.AF_UNIX)
            other.connect("\0" + address[1:])
            other.sendall(b'{"ipc": 1, "process": %d}\n' % os.getpid())
            other.close()
        with pytest.raises(TimeoutError, match=r"0 of 1 consumers answered; .* ended before it an"):
            publisher.publish(2, timeout=0.5)
        assert publisher.lent == ()


def test_an_address_that_is_taken(address: str) -> None:
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        with pytest.raises(BusyError, match="somebody publishes"):
            follow.publish_ipc(address, policy.weights(0))
        for _ in range(3):
            publisher.allow(os.getpid())
        assert fake.calls()["aclrtIpcMemSetImportPid"] == 1
        with pytest.raises(ValueError, match="-1 is no number of a process"):
            publisher.allow(-1)


def test_a_socket_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.sock"
    with follow.publish_ipc(path, policy.weights(0)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(BusyError, match="publishes at"):
            follow.publish_ipc(path, policy.weights(0))
    assert not path.exists()
    assert fake.live() == []


def test_the_file_of_a_killed_publisher_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "policy.sock"
    trainer = Process(Trainer)
    trainer.do("begin", str(path))
    trainer.kill()
    assert path.exists()
    with pytest.raises(ConnectionError, match="nobody publishes"):
        follow.Ipc(path).versions()
    with follow.publish_ipc(path, policy.weights(0)):
        pass
    assert not path.exists()


def test_a_file_that_is_no_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "policy.sock"
    path.write_text("mine")
    with pytest.raises(OSError, match="in use"):
        follow.publish_ipc(path, policy.weights(0))
    assert path.read_text() == "mine"
    assert fake.live() == []


@pytest.mark.parametrize("wrong", ["", "@", "a\0b", "x" * 200])
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="address is"):
        follow.Ipc(wrong)
    with pytest.raises(ValueError, match="address is"):
        follow.publish_ipc(wrong, policy.weights(0))
    with pytest.raises(TypeError):
        follow.Ipc(b"bytes")  # type: ignore[arg-type]


def test_nothing_to_publish(address: str) -> None:
    with pytest.raises(WeightError, match="none to publish"):
        follow.publish_ipc(address, {})
    assert fake.live() == []


def test_waiting_ends_at_the_stop(trainer: Process, source: follow.Ipc) -> None:
    stop = Event()
    source.versions()
    stop.set()
    source.wait(60, stop)


def test_its_repr(source: follow.Ipc, address: str) -> None:
    assert repr(source) == f"<Ipc, address '{address}'>"
