"""Decision records: what may follow what, wherever they lie; and one that cannot be reached."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from acl_bundle.errors import UpdateError
from acl_bundle.fleet import (
    Decision,
    DecisionRecord,
    FencedError,
    FileRecord,
    Fleet,
    MemoryRecord,
    RedisRecord,
    ReplicaLostError,
)

from .scene import answers, lapse, replicas


@pytest.fixture(params=["memory", "file", "redis"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DecisionRecord]:
    if request.param == "memory":
        yield MemoryRecord()
    elif request.param == "file":
        yield FileRecord(tmp_path / "decision")
    else:
        from tests.follow.conftest import Server  # noqa: PLC0415  skips where there is no redis

        server = Server(tmp_path)
        try:
            yield RedisRecord(server.url, "fleet")
        finally:
            server.close()


def test_an_epoch_is_claimed_and_decided(record: DecisionRecord) -> None:
    assert (record.read().epoch, record.read().version) == (0, None)
    assert record.claim().claimed == 1
    record.decide(1, "a")
    record.decide(1, "a")  # an answer that was lost
    assert record.claim(7).claimed == 8
    assert record.read().epoch == 1
    record.decide(8, 5)
    assert (record.read().epoch, record.read().version) == (8, 5)
    assert record.resolve(8).epoch == 8
    assert record.where


def test_later_epochs_fence(record: DecisionRecord) -> None:
    record.claim()
    record.claim()
    with pytest.raises(FencedError, match="epoch 1 cannot be decided: it is old: 2 is claimed"):
        record.decide(1, "a")
    assert record.resolve(2).epoch == 0
    with pytest.raises(FencedError, match="epoch 2 cannot be decided: it was resolved"):
        record.decide(2, "b")
    assert record.claim().claimed == 3
    record.decide(3, "c")
    assert record.resolve(2).epoch == 3


def test_of_many_that_claim_one_decides(record: DecisionRecord) -> None:
    claimed: list[int] = []
    decided: list[int] = []

    def work() -> None:
        for _ in range(10):
            epoch = record.claim().claimed
            claimed.append(epoch)
            try:
                record.decide(epoch, epoch)
            except FencedError:
                continue
            decided.append(epoch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(claimed) == list(range(1, 41))
    assert record.read().epoch == max(decided)


def test_records_of_places_are_sent(tmp_path: Path) -> None:
    record = pickle.loads(pickle.dumps(FileRecord(tmp_path / "d")))
    record.decide(record.claim().claimed, 3)
    assert FileRecord(tmp_path / "d").read().version == 3
    with pytest.raises(TypeError, match="MemoryRecord"):
        pickle.dumps(MemoryRecord())


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[1]", b"\xff", b'{"acl_bundle_fleet": 1, "epoch": -1, "version": 1,'
     b' "claimed": 0, "fenced": 0}', b'{"acl_bundle_fleet": 1, "epoch": 1}', b"[" * 70000],
)  # fmt: skip
def test_what_is_no_record_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "decision"
    path.write_bytes(text)
    for act in (FileRecord(path).read, FileRecord(path).claim):
        with pytest.raises(ValueError, match="which is no fleet's decision record"):
            act()
    assert path.read_bytes() == text
    with pytest.raises(FileNotFoundError, match="the folder of a decision record"):
        FileRecord(tmp_path / "none" / "decision")


class Unreachable(MemoryRecord):
    """A record whose place is gone for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: Callable[[str], bool] = lambda _: False
        self.writes = True

    def _try(self, what: str, work: Callable[[], Any]) -> Any:
        if self.gone(what):
            if self.writes and what == "decide":
                work()
            raise OSError("no route to host")
        return work()

    def read(self) -> Any:
        return self._try("read", super().read)

    def claim(self, at_least: int = 0) -> Any:
        return self._try("claim", lambda: MemoryRecord.claim(self, at_least))

    def decide(self, epoch: int, version: int | str) -> None:
        self._try("decide", lambda: MemoryRecord.decide(self, epoch, version))

    def resolve(self, epoch: int) -> Any:
        return self._try("resolve", lambda: MemoryRecord.resolve(self, epoch))


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("help_themselves", [True, False])
@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_a_decision_that_may_have_been_written(
    mlp: Any, writes: bool, help_themselves: bool, consistency: Any
) -> None:
    record = Unreachable()
    record.writes = writes
    with replicas(mlp, record=record) as (ones, _), Fleet(ones, record=record) as fleet:
        fleet.update(mlp.random(1), version=1)
        record.gone = lambda what: what == "claim"
        with pytest.raises(OSError, match="no route"):
            fleet.update(mlp.random(2), version=2)
        assert set(answers(ones, mlp).values()) == {1}
        record.gone = lambda what: what in ("decide", "resolve")
        with pytest.raises(UpdateError, match=r"whether version 2 \(epoch 2\) was decided"):
            fleet.update(mlp.random(2), version=2, consistency=consistency)
        held = {1} if consistency == "rolling" else {None}
        assert set(answers(ones, mlp).values()) == held
        if help_themselves:
            lapse(ones)
            assert set(answers(ones, mlp).values()) == {None}
            assert "cannot be asked" in fleet.status().replicas[0].reason
        record.gone = lambda _: False
        if help_themselves:
            lapse(ones)
            assert set(answers(ones, mlp).values()) == {2 if writes else 1}
        fleet.update(mlp.random(3), version=3, expect=2 if writes else 1)
        assert set(answers(ones, mlp).values()) == {3}


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.parametrize("resolves", [True, False])
def test_a_decision_that_fails_and_is_known(mlp: Any, resolves: bool) -> None:
    """The answer was lost; the record says what happened."""
    record = Unreachable()
    record.writes = resolves
    with replicas(mlp, record=record) as (ones, _), Fleet(ones, record=record) as fleet:
        record.gone = lambda what: what == "decide"
        with pytest.raises(OSError, match="no route"):
            fleet.update(mlp.random(1), version=1)
        assert fleet.version == (1 if resolves else 0)
        assert set(answers(ones, mlp).values()) == {fleet.version}


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.parametrize("first", ["committed", "late"])
def test_who_was_dropped_is_as_before_where_nothing_was_decided(mlp: Any, first: str) -> None:
    record = Unreachable()
    record.writes = False
    with replicas(mlp, record=record) as (ones, _), Fleet(ones, record=record) as fleet:
        fleet.update(mlp.random(1), version=1)
        if first == "late":
            ones[2].participant._door.refuse("pending", "it is late")
            ones[2].refuses = {"catch_up"}
        start = ones[2].start

        def lost(step: str, *arguments: Any) -> Any:
            if step != "prepare":
                return start(step, *arguments)
            future: Future[Any] = Future()
            future.set_exception(ReplicaLostError("r2", "no answer"))
            return future

        ones[2].start = lost  # type: ignore[method-assign]
        record.gone = lambda what: what == "decide"
        with pytest.raises(OSError, match="no route"):
            fleet.update(mlp.random(2), version=2, on_lost="drop")
        last = 1 if first == "committed" else None
        assert answers(ones, mlp) == {"r0": 1, "r1": 1, "r2": last}
        assert [one.is_open for one in fleet._members] == [True, True, first == "committed"]
        record.gone = lambda _: False
        assert fleet.update(mlp.random(3), version=3, on_lost="drop").closed == ("r2",)
        assert answers(ones, mlp) == {"r0": 3, "r1": 3, "r2": None}


def test_a_version_that_no_record_holds(tmp_path: Path) -> None:
    """It would be written, and never be read again."""
    record = FileRecord(tmp_path / "decision")
    epoch = record.claim().claimed
    with pytest.raises(ValueError, match="is too long"):
        record.decide(epoch, "x" * 70000)
    assert record.read() == Decision(claimed=epoch)
