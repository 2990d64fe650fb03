"""A fleet over handles whose replicas come for their jobs, in one process."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle.fleet import (
    Fleet,
    FleetUpdateError,
    LocalReplica,
    MemoryRecord,
    Participant,
    ReplicaLostError,
)
from acl_bundle.serve._joined import JoinedReplica
from acl_bundle.serve._members import MembersFile
from tests.fleet.scene import CLOSE
from tests.fleet.test_readers import Readers, out_of_order

pytestmark = pytest.mark.usefixtures("fake_acl")


@contextmanager
def joined(mlp: Any, record: MemoryRecord, loop: Any, name: str) -> Iterator[JoinedReplica]:
    """A replica that asks for its jobs in a thread, and its handle."""
    model = ab.Bundle.load(mlp.path)
    replica = LocalReplica(Participant(name, model, record.resolve))
    handle, over = JoinedReplica(name, loop), Event()

    def answer(number: int, done: Any) -> None:
        error = done.exception()
        handle.answer(number, error is None, done.result() if error is None else error)

    def work() -> None:
        while not over.is_set():
            taken = asyncio.run_coroutine_threadsafe(handle.take(0.05), loop)
            for number, step, arguments in taken.result():
                if step == "infer":
                    Thread(target=lambda n, a: handle.answer(n, True, replica.infer(*a)),
                           args=(number, arguments)).start()  # fmt: skip
                else:
                    future = replica.start(step, *arguments)
                    future.add_done_callback(lambda done, n=number: answer(n, done))

    thread = Thread(target=work)
    thread.start()
    try:
        yield handle
    finally:
        over.set()
        thread.join()
        replica.close()


@pytest.fixture
def fleet(mlp: Any) -> Iterator[tuple[Fleet, list[JoinedReplica]]]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    record = MemoryRecord()
    with ExitStack() as stack:
        stack.callback(loop.close)
        stack.callback(thread.join)
        stack.callback(loop.call_soon_threadsafe, loop.stop)
        made = [stack.enter_context(joined(mlp, record, loop, f"r{n}")) for n in range(3)]
        yield stack.enter_context(Fleet(made, record=record)), made


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_every_answer_is_of_its_version(fleet: Any, mlp: Any, consistency: Any) -> None:
    one, _ = fleet
    with Readers(one, mlp) as readers:
        for version in range(1, 11):
            report = one.update(mlp.random(version), version=version, consistency=consistency)
            assert report.closed == ()
    assert readers.errors == []
    assert consistency == "rolling" or out_of_order(readers.answers) == []


def test_what_was_asked_of_one_that_is_gone_fails(fleet: Any, mlp: Any) -> None:
    one, handles = fleet
    one.update(mlp.random(1), version=1)
    start = handles[1].start

    def lost_before(step: str, *arguments: Any) -> Any:
        future = start(step, *arguments)
        if step == "prepare":
            handles[1].lose("its actor has ended")
        return future

    handles[1].start = lost_before
    with pytest.raises(FleetUpdateError) as caught:
        one.update(mlp.random(2), version=2)
    sent = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(sent.reasons["r1"], ReplicaLostError)
    assert (str(sent), sent.epoch, sent.version) == (str(caught.value), 2, 2)
    assert isinstance(handles[1].start("status").exception(), ReplicaLostError)
    handles[1].answer(10**6, True, None)  # an answer that comes too late is nobody's
    one.remove("r1")
    one.update(mlp.random(3), version=3)
    for _ in range(4):
        outputs = one.infer({"x": mlp.x})
        assert outputs.version == 3
        assert abs(outputs["y"] - mlp.answer(mlp.random(3))).max() < CLOSE["atol"] * 100


def test_a_coordinator_that_is_started_again_knows_who_had_joined(tmp_path: Path) -> None:
    file = MembersFile(tmp_path / "members")
    assert file.actors == {}
    file.add("a", "SERVE_REPLICA::a")
    file.add("b", "SERVE_REPLICA::b")
    file.remove("a")
    file.remove("a")
    assert MembersFile(tmp_path / "members").actors == {"b": "SERVE_REPLICA::b"}
