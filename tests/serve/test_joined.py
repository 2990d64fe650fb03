"""Replicas that come for their jobs, without Ray: what is lost on the way is told again."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from acl_bundle.fleet import FleetUpdateError, ReplicaClosedError, ReplicaLostError
from acl_bundle.serve._joined import JoinedReplica
from acl_bundle.serve._members import JoinedMember, MembersFile
from acl_bundle.serve.deployment import BundleDeployment
from tests.fleet.scene import CLOSE
from tests.fleet.test_readers import Readers, out_of_order
from tests.serve.beside import SECONDS, Scene, until

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def scene(tmp_path: Path, mlp: Any) -> Iterator[Scene]:
    made = Scene(tmp_path, mlp)
    try:
        for name in ("r0", "r1", "r2"):
            made.add(name).membership.wait()
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_every_answer_is_of_its_version(scene: Scene, mlp: Any, consistency: Any) -> None:
    assert scene.replicas is not None
    with Readers(scene.replicas.fleet, mlp) as readers:
        for version in range(1, 11):
            assert scene.update(version, consistency=consistency).closed == ()
    assert readers.errors == []
    assert consistency == "rolling" or out_of_order(readers.answers) == []


def test_what_was_asked_of_one_that_is_gone_fails(scene: Scene, mlp: Any) -> None:
    assert scene.replicas is not None
    scene.update(1)
    handle: Any = scene.replicas._joined["r1"]
    start = handle.start

    def lost_before(step: str, *arguments: Any) -> Any:
        future = start(step, *arguments)
        if step == "prepare":
            handle.lose("its actor has ended", closed=True)
        return future

    handle.start = lost_before
    with pytest.raises(FleetUpdateError) as caught:
        scene.update(2)
    sent = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(sent.reasons["r1"], ReplicaLostError)
    assert (str(sent), sent.epoch, sent.version) == (str(caught.value), 2, 2)
    assert isinstance(handle.start("status").exception(), ReplicaLostError)
    until(lambda: "r1" not in scene.file.members)  # it hears that it is gone, closes and leaves
    with pytest.raises(ReplicaClosedError, match="its actor has ended"):
        scene.ones["r1"].infer({"x": mlp.x})
    scene.update(3)
    for name in ("r0", "r2"):
        outputs = scene.ones[name].infer({"x": mlp.x})
        assert outputs.version == 3
        assert abs(outputs["y"] - mlp.answer(mlp.random(3))).max() < CLOSE["atol"] * 100


def steps_done(scene: Scene) -> dict[str, list[str]]:
    """By replica, the steps that it does from now on."""
    done: dict[str, list[str]] = {name: [] for name in scene.ones}
    for one in scene.ones.values():
        start = one.replica.start

        def noted(step: str, *arguments: Any, name: str = one.name, start: Any = start) -> Any:
            done[name].append(step)
            return start(step, *arguments)

        one.replica.start = noted  # type: ignore[method-assign]
    return done


class Loses:
    """Whether something is lost: the first of each kind, at each replica."""

    def __init__(self, method: str) -> None:
        self._method, self.kinds = method, set[str]()

    def there(self, method: str) -> bool:
        """Every other call."""
        if method != self._method:
            return False
        self.kinds ^= {method}
        return method in self.kinds

    def back(self, method: str, found: Any) -> bool:
        jobs = found[1].jobs if method == "take" and found[1] is not None else ()
        new = {step for _, step, _ in jobs} or {method}
        if method != self._method or new <= self.kinds:
            return False
        self.kinds |= new
        return True


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize("method", ["take", "answer"])
def test_a_step_whose_telling_is_lost_is_done_once(
    scene: Scene, mlp: Any, method: str, way: str, consistency: Any
) -> None:
    """What tells of a step, or of its end, does not arrive, or is not known to have arrived."""
    done = steps_done(scene)
    losses = {name: Loses(method) for name in scene.ones}
    for name, one in scene.ones.items():
        if way == "there":
            one.link.drops = losses[name].there
        else:
            one.link.loses = losses[name].back
    for version in (1, 2):
        assert scene.update(version, consistency=consistency).closed == ()
    steps = ["prepare", "commit"] + ["close_gate", "open_gate"] * (consistency == "strict")
    for name, one in scene.ones.items():
        assert {step: done[name].count(step) for step in steps} == dict.fromkeys(steps, 2)
        assert one.infer({"x": mlp.x}).version == 2
        if (method, way) == ("take", "back"):
            assert losses[name].kinds >= {*steps}


def test_a_step_that_is_told_again_is_not_done_again(scene: Scene) -> None:
    """The coordinator is not told what the replica has, and tells all of it each time."""
    done, begun, may_end, told = steps_done(scene), Event(), Event(), Event()
    one = scene.ones["r0"]
    take, start = one.link.take, one.replica.start

    def forgetful(session: str, _received: int, seconds: float) -> Any:
        found = take(session, 0, seconds)
        if begun.is_set() and found is not None and any(job[1] == "prepare" for job in found.jobs):
            told.set()
        return found

    def held(step: str, *arguments: Any) -> Any:
        future = start(step, *arguments)
        if step != "prepare":
            return future
        begun.set()
        later: Any = Future()
        Thread(target=lambda: (may_end.wait(SECONDS), later.set_result(future.result()))).start()
        return later

    one.link.take = forgetful  # type: ignore[method-assign]
    one.replica.start = held  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(scene.update, 1)
        try:
            assert told.wait(SECONDS)
            told.clear()
            assert told.wait(SECONDS)  # and what was told before has been looked through
        finally:
            may_end.set()
        assert update.result(SECONDS).closed == ()
    assert done["r0"].count("prepare") == done["r0"].count("commit") == 1


def test_what_cannot_be_sent_is_told_to_who_waits_for_it(scene: Scene) -> None:
    assert scene.replicas is not None
    one = scene.ones["r0"]
    answer = one.link.answer

    def pickled(session: str, number: int, answered: Any) -> Any:
        if isinstance(answered[1], dict):
            raise TypeError("cannot pickle 'dict' object")
        return answer(session, number, answered)

    one.link.answer = pickled  # type: ignore[method-assign]
    future = scene.replicas._joined["r0"].start("read")
    with pytest.raises(RuntimeError, match="cannot pickle 'dict' object"):
        future.result(SECONDS)
    assert scene.replicas._joined["r0"].start("status").result(SECONDS).state == "idle"


def handle_of(loop: Any, **options: Any) -> JoinedReplica:
    return JoinedReplica("one", loop, 8.0, **options)


async def tell_jobs() -> None:
    one = handle_of(asyncio.get_running_loop())
    first, second = one.start("describe"), one.start("status")
    taken = await one.take(0)
    assert [job[:2] for job in taken.jobs] == [(1, "describe"), (2, "status")]
    one.hear(taken.session, 0)  # the answer to it was lost
    third = one.start("read")
    assert [job[0] for job in (await one.take(0)).jobs] == [1, 2, 3]
    one.hear("of a coordinator before", 3)
    assert [job[0] for job in (await one.take(0)).jobs] == [1, 2, 3]
    one.hear(taken.session, 2)
    assert [job[0] for job in (await one.take(0)).jobs] == [3]
    one.answer("of a coordinator before", 1, True, "another step's")
    assert not first.done()
    for _ in range(2):  # it was not heard that the first one arrived
        one.answer(taken.session, 1, True, "its own")
        one.answer(taken.session, 2, False, ValueError("it is refused"))
    assert first.result() == "its own"
    assert isinstance(second.exception(), ValueError)
    one.answer(taken.session, 3, True, {})  # before it was heard that it has the job
    assert third.done()
    assert (await one.take(0)).jobs == ()


def test_a_job_is_told_until_the_replica_has_it() -> None:
    asyncio.run(tell_jobs())


def test_a_replica_outlives_a_coordinator_that_is_away(scene: Scene, mlp: Any) -> None:
    scene.update(1)
    scene.replicas = None
    until(lambda: all(one.link.renewed >= 2 for one in scene.ones.values()))
    for one in scene.ones.values():
        assert one.infer({"x": mlp.x}).version == 1  # for a lease
        one.membership.check()
    scene.begin()  # it counts its jobs anew
    report = scene.update(2)
    assert len(report.replicas) == 3
    for one in scene.ones.values():
        assert one.infer({"x": mlp.x}).version == 2


def test_one_that_cannot_join_again_is_forgotten_when_it_has_closed_itself(
    scene: Scene, mlp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its coordinator was started again, and does not reach the record when it joins."""
    scene.update(1)
    one, left, may_leave = scene.ones["r1"], Event(), Event()
    for other in scene.ones.values():
        other.link.cut = True
    leave = one.link.leave

    def held() -> None:
        left.set()
        assert may_leave.wait(SECONDS)
        leave()

    monkeypatch.setattr(one.link, "leave", held)
    with monkeypatch.context() as patch:

        def away() -> Any:
            raise OSError("the record is away")

        patch.setattr(scene.record, "read", away)
        scene.begin()
        one.link.mend()
        assert left.wait(SECONDS)
    with pytest.raises(ReplicaLostError, match="the record is away"):
        one.membership.check()
    with pytest.raises(ReplicaClosedError, match="the record is away"):
        one.infer({"x": mlp.x})
    assert "r1" in scene.file.members  # it may infer still, for all that the coordinator knows
    may_leave.set()
    until(lambda: "r1" not in scene.file.members)
    for name in ("r0", "r2"):
        scene.ones[name].link.mend()
    assert len(scene.update(2).replicas) == 2


def test_replicas_may_join_while_others_are_dropped(scene: Scene) -> None:
    """The loop's thread takes one in while another thread looks through all of them."""
    assert scene.replicas is not None
    joined = scene.replicas._joined

    class JoinsMeanwhile(JoinedReplica):
        @property
        def lost(self) -> ReplicaLostError | None:
            joined.setdefault("new", handle_of(scene.loop))
            return super().lost

    joined["r9"] = JoinsMeanwhile("r9", scene.loop)
    scene.replicas._drop()
    assert {"r0", "r1", "r2", "r9", "new"} == joined.keys()
    for name in ("r9", "new"):
        del joined[name]


def test_a_model_is_closed_though_its_fleet_cannot_be_left(scene: Scene) -> None:
    class Unreached:
        def end(self) -> None:
            raise ConnectionError("Ray was shut down")

    ended = BundleDeployment.__new__(BundleDeployment)
    ended.__del__()  # one whose __init__ has raised
    ended._replica = scene.ones["r2"].replica
    ended._membership = Unreached()  # type: ignore[assignment]
    with pytest.raises(ConnectionError):
        ended.__del__()
    assert scene.ones["r2"].participant.status().state == "closed"
    del ended._membership


def test_a_coordinator_that_is_started_again_knows_who_had_joined(tmp_path: Path) -> None:
    file = MembersFile(tmp_path / "members")
    assert file.members == {}
    file.add("a", JoinedMember("SERVE_REPLICA::a", "node 1", 10.0))
    file.add("b", JoinedMember("SERVE_REPLICA::b", "node 2", 2.5))
    file.remove("a")
    file.remove("a")
    again = MembersFile(tmp_path / "members")
    assert again.members == {"b": JoinedMember("SERVE_REPLICA::b", "node 2", 2.5)}
