"""What a trainer says while its version is read is heard, and each version gets one answer."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest

from acl_bundle import fake, follow
from acl_bundle._ipc.blocks import process_number
from acl_bundle.follow._sources.ipc_line import Line, accept, listen, ready

from .. import policy
from ..following import until
from ..ipc_processes import Process, Trainer

pytestmark = pytest.mark.usefixtures("fake_acl")


class OwnTrainer:
    """A trainer that says what a test wants, over the memory of a real one."""

    def __init__(self) -> None:
        self.address = f"@acl-bundle-test-{uuid.uuid4()}"
        self._memory = Process(Trainer)
        self._memory.do("begin", f"{self.address}-memory")
        self._memory.do("publish", 1, consumers=0)
        self._manifest = json.loads(self._memory.do("manifest", process_number()))
        self._listening = listen(self.address)

    def meet(self, source: follow.Ipc) -> None:
        """Let a source connect."""
        source.versions()
        line = accept(self._listening)
        assert line is not None
        self.line: Line = line
        assert self.heard() == {"ipc": 1, "process": process_number()}

    def lend(self, version: int, **others: Any) -> None:
        """Offer the memory as a version."""
        self.line.send({**self._manifest, "version": version, **others}, 5)

    def heard(self) -> Any:
        """One line that the other end has said."""
        assert ready([self.line], 5)
        [said] = self.line.received()
        return said

    def close(self) -> None:
        self.line.close()
        self._listening.close()
        self._memory.leave()


@pytest.fixture
def trainer() -> Iterator[OwnTrainer]:
    made = OwnTrainer()
    yield made
    made.close()


@pytest.fixture
def source(trainer: OwnTrainer) -> Iterator[follow.Ipc]:
    made = follow.Ipc(trainer.address)
    trainer.meet(made)
    yield made
    made.close()


def offered(source: follow.Ipc) -> follow.Checkpoint:
    until(source.versions)
    [one] = source.versions()
    assert isinstance(one, follow.Checkpoint)
    return one


def read(one: follow.Checkpoint, trainer: OwnTrainer, said: bytes | None) -> None:
    """Read a version; the trainer says something meanwhile, or that it closes."""
    with one.open() as weights:
        np.testing.assert_array_equal(weights["b"].to_host(), policy.weights(1)["b"])
        if said is None:
            trainer.line.shut()
        else:
            trainer.line._socket.sendall(said)
        time.sleep(0.05)


def test_a_version_that_comes_while_another_is_read(
    trainer: OwnTrainer, source: follow.Ipc
) -> None:
    trainer.lend(4)
    with offered(source).open() as weights:
        trainer.lend(5)
        np.testing.assert_array_equal(weights["b"].to_host(), policy.weights(1)["b"])
    assert trainer.heard() == {"version": 4, "refused": None}
    source.wait(60, Event())
    one = offered(source)
    assert one.version == 5
    with one.open():
        pass
    assert trainer.heard() == {"version": 5, "refused": None}


def test_a_version_that_comes_before_another_was_read(
    trainer: OwnTrainer, source: follow.Ipc
) -> None:
    trainer.lend(4)
    late = offered(source)
    trainer.lend(5)
    until(lambda: offered(source).version == 5)
    assert trainer.heard() == {"version": 4, "refused": "it was not taken: a newer one came"}
    with pytest.raises(FileNotFoundError, match="version 4 is no longer lent"), late.open():
        pass
    assert offered(source).version == 5


def test_no_version_while_another_is_read(trainer: OwnTrainer, source: follow.Ipc) -> None:
    trainer.lend(4)
    with offered(source).open():
        trainer.lend(5, size=0)
    said = _both(trainer)
    assert [one["version"] for one in said] == [5, 4]
    assert "size" in said[0]["refused"]
    assert said[1]["refused"] is None
    source.wait(60, Event())
    [wrong] = source.versions()
    assert isinstance(wrong, follow.Checkpoint) is False
    assert wrong.version == "5"


def _both(trainer: OwnTrainer) -> list[Any]:
    said: list[Any] = []
    while len(said) < 2:
        assert ready([trainer.line], 5)
        said += trainer.line.received()
    return said


@pytest.mark.parametrize(
    ("said", "why"),
    [(b"nonsense\n", "is no publisher"), (None, "ended while version 4 was read")],
    ids=["nonsense", "end"],
)
def test_the_answer_comes_before_the_connection_ends(
    trainer: OwnTrainer, source: follow.Ipc, said: bytes | None, why: str
) -> None:
    trainer.lend(4)
    one = offered(source)
    with pytest.raises(ConnectionError, match=why):
        read(one, trainer, said)
    answer = trainer.heard()
    assert answer["version"] == 4
    assert why in answer["refused"]
    assert fake.live() == []
