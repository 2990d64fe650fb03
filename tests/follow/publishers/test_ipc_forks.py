"""Children of a trainer or a consumer hold none of its connections: its end is seen."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from acl_bundle import follow
from acl_bundle.errors import ClosedError

from .. import policy
from ..following import until
from ..ipc_processes import Consumer, Process, Trainer

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture(params=["fork", "run_another"])
def child(request: pytest.FixtureRequest) -> Iterator[Callable[[Process], int]]:
    """Has a process start a child that outlives it."""
    with ExitStack() as ends:

        def start(parent: Process) -> int:
            process: int = parent.do(request.param)
            ends.callback(os.kill, process, signal.SIGKILL)
            return process

        yield start


@pytest.fixture(params=["@name", "path"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = f"acl-bundle-test-{uuid.uuid4()}"
    return f"@{name}" if request.param == "@name" else str(tmp_path / "policy.sock")


def listed(source: follow.Ipc) -> bool:
    try:
        return bool(source.versions())
    except ConnectionError:
        return False


def ended(source: follow.Ipc) -> bool:
    try:
        source.versions()
    except ConnectionError as error:
        return "has ended" in str(error)
    return False


def test_a_trainers_end_is_seen(address: str, child: Callable[[Process], int]) -> None:
    trainer, source = Process(Trainer), follow.Ipc(address)
    trainer.do("begin", address)
    trainer.ask("publish_while_asked", 1)
    until(lambda: listed(source))
    trainer.answer()
    child(trainer)
    trainer.kill()
    until(lambda: ended(source))
    with pytest.raises(ConnectionError, match="nobody publishes"):
        source.versions()
    with follow.publish_ipc(address, policy.weights(0)) as publisher:  # the address is free
        publisher.publish(1, consumers=0)
    source.close()


def test_a_consumers_end_is_seen(address: str, child: Callable[[Process], int]) -> None:
    consumer = Process(Consumer)
    number = consumer.do("begin", address)
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        consumer.ask("take", 1)
        assert publisher.publish(1, timeout=30).taken == (number,)
        consumer.answer()
        child(consumer)
        consumer.kill()
        answers = publisher.publish(2, consumers=0, timeout=30)
        assert (answers.taken, publisher.lent) == ((), ())


def test_a_fork_ends_nothing_of_its_parents(address: str) -> None:
    trainer, consumer = Process(Trainer), Process(Consumer)
    trainer.do("begin", address)
    consumer.do("begin", address)
    for version in (1, 2, 3):
        consumer.ask("take", 1)
        assert trainer.do("publish", version).taken
        assert consumer.answer() == [(version, float(version))]
        for one in (trainer, consumer):
            os.kill(one.do("fork"), signal.SIGKILL)
    consumer.do("end")
    for one in (trainer, consumer):
        one.leave()


@pytest.mark.parametrize("made", ["publisher", "source"])
def test_a_child_says_that_it_has_no_connection(address: str, made: str) -> None:
    with follow.publish_ipc(address, policy.weights(0)) as publisher:
        source = follow.Ipc(address)
        source.versions()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _ = publisher.publish(1) if made == "publisher" else source.versions()
            except ClosedError as error:
                code = 0 if f"made in process {os.getppid()}" in str(error) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        source.close()
