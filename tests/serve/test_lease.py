"""Leases of contact: no replica infers the old version when one was decided without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acl_bundle.fleet import FleetUpdateError, MemoryRecord, ReplicaClosedError, ReplicaLostError
from acl_bundle.serve._decision import DecisionAfterLeases
from acl_bundle.serve._joined import JoinedReplica
from acl_bundle.serve._lease import DRIFT, MARGIN_S, ContactLease, surely_over
from acl_bundle.serve._members import JoinedMember
from acl_bundle.serve.deployment import BundleDeployment
from tests.serve.beside import LEASE, OVER, SECONDS, Clock, Scene, until

pytestmark = pytest.mark.usefixtures("fake_acl")
UNREACHED = r"its coordinator has not let it go on for 8 s: it cannot be reached"


@pytest.fixture
def scene(tmp_path: Path, mlp: Any) -> Iterator[Scene]:
    made = Scene(tmp_path, mlp)
    try:
        for name in ("r0", "r1", "r2"):
            made.add(name).membership.wait()
        yield made
    finally:
        made.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@given(
    rate=st.floats(1 - DRIFT / 2, 1 + DRIFT / 2),
    offset=st.floats(-1e6, 1e6),
    steps=st.lists(
        st.tuples(st.floats(0, 6), st.floats(0, 3), st.floats(0, 3), st.booleans()), max_size=20
    ),
    late=st.floats(0, 20),
)
@settings(max_examples=200)
def test_none_infers_when_its_lease_is_surely_over(
    rate: float, offset: float, steps: list[tuple[float, float, float, bool]], late: float
) -> None:
    """Whatever the messages take, whatever is lost, and whatever the clocks tell."""
    real = 0.0
    own = Clock(offset)
    lease = ContactLease(LEASE, own)
    granted: float | None = None

    def move(seconds: float) -> None:
        nonlocal real
        real += seconds
        own.now = offset + real * rate

    for pause, there, back, arrives in steps:
        move(pause)
        asked = lease.now()
        move(there)
        granted = real
        move(back)
        if arrives:
            lease.renew(asked)
        if real >= surely_over(granted, LEASE):
            assert lease.reason is not None
    if granted is not None:
        move(max(0, surely_over(granted, LEASE) - real) + late)
    assert lease.reason is not None


def test_the_lease_of_a_replica_that_is_heard_goes_on() -> None:
    clock = Clock(3.0)
    lease = ContactLease(LEASE, clock)
    assert lease.reason == "its coordinator has not let it infer yet"
    for _ in range(5):
        lease.renew(lease.now())
        clock.now += LEASE - 0.1
        assert lease.reason is None
    clock.now += 0.1
    assert str(lease.reason).startswith("its coordinator has not let it go on for 8 s")


def run(call: Callable[[], Any]) -> None:
    asyncio.run(call())


def test_what_a_coordinator_knows_of_a_lease() -> None:
    clock, may = Clock(100.0), [True]

    async def told() -> None:
        one = JoinedReplica("one", asyncio.get_running_loop(), LEASE, lambda: may[0], None, clock)
        assert one.infers_until is None  # nobody has granted yet
        assert (await one.take(0)).granted
        assert one.infers_until == surely_over(100, LEASE) == 100 + LEASE * (1 + DRIFT) + MARGIN_S
        may[0] = False
        first = one.start("retire", "version 8 goes on without it", 8)
        clock.now = 103
        taken = await one.take(0)
        assert not taken.granted
        assert one.infers_until == surely_over(100, LEASE)  # not one second longer
        one.answer(taken.session, 1, True, None)
        assert first.done()
        assert one.infers_until is None  # it has said so
        one.start("abort", 8)  # version 8 was given up: its lease of before goes on
        assert one.infers_until == surely_over(100, LEASE)
        may[0] = True
        assert (await one.take(0)).granted
        assert one.infers_until == surely_over(103, LEASE)
        may[0] = False
        one.start("retire", "version 9 goes on without it", 9)
        one.answer(taken.session, 1, True, None)  # the first one's, once more
        assert one.infers_until == surely_over(103, LEASE)
        one.answer(taken.session, 3, False, RuntimeError("it cannot"))
        assert one.infers_until == surely_over(103, LEASE)

    run(told)


def test_a_lease_counts_from_the_question_and_not_from_the_answer() -> None:
    clock = Clock(100.0)

    async def told() -> None:
        one = JoinedReplica("one", asyncio.get_running_loop(), LEASE, clock=clock)
        taking = asyncio.ensure_future(one.take(SECONDS))
        await asyncio.sleep(0)
        clock.now = 104
        one.start("status")
        assert (await taking).granted
        assert one.infers_until == surely_over(100, LEASE)

    run(told)


def test_a_replica_that_is_not_heard_is_lost_until_it_is_heard_again() -> None:
    clock = Clock(100.0)

    async def told() -> None:
        one = JoinedReplica("one", asyncio.get_running_loop(), LEASE, clock=clock)
        asked = one.start("prepare")
        clock.now += OVER - 0.01
        one.look()
        assert not asked.done()
        clock.now += 0.02
        one.look()
        with pytest.raises(ReplicaLostError, match=r"not heard for 8\.59 s, and has closed itself"):
            asked.result()
        assert isinstance(one.start("status").exception(), ReplicaLostError)
        assert one.hear("", 0)
        assert not one.hear("", 0)
        assert not one.start("status").done()
        assert one.lost is None

    run(told)


def test_a_decision_waits_for_leases_while_the_others_hear_of_it() -> None:
    clock, record, heard = Clock(0.0), MemoryRecord(), []
    closed_by: list[float | None] = [5.0]

    def beat(epoch: int) -> None:
        assert record.read().epoch == 0
        heard.append(epoch)
        clock.now += 1
        if len(heard) == 7:  # the next wait: it says that it has closed itself
            closed_by[0] = None

    of = DecisionAfterLeases(record, lambda: closed_by[0], beat, clock)
    assert of.where == record.where
    epoch = of.claim().claimed
    of.decide(epoch, 1)
    assert heard == [1] * 5
    assert (of.read().epoch, of.resolve(1).version) == (1, 1)
    closed_by[0], heard[:], clock.now = 1e9, [1] * 5, 0.0
    record, heard_before = MemoryRecord(), len(heard)
    of = DecisionAfterLeases(record, lambda: closed_by[0], beat, clock)
    of.decide(of.claim().claimed, 2)
    assert len(heard) - heard_before == 2
    of.decide(of.claim().claimed, 3)
    assert len(heard) - heard_before == 2  # nobody to wait for


def test_one_that_is_closed_hears_of_it_too_while_a_decision_waits(scene: Scene, mlp: Any) -> None:
    """It may take part: it would end the epoch when its coordinator is silent for a lease."""
    scene.update(1)
    assert scene.replicas is not None
    heard, start = list[Any](), scene.ones["r1"].replica.start

    def told(step: str, *arguments: Any) -> Any:
        heard.append((step, *arguments))
        return start(step, *arguments)

    scene.ones["r1"].replica.start = told  # type: ignore[method-assign]
    scene.replicas._members["r1"].close("it could not commit")
    scene.replicas._beat(7)
    until(lambda: ("status", 7) in heard)


def old_ones_refuse(scene: Scene, mlp: Any, *names: str) -> Callable[[], None]:
    def check() -> None:
        for name in names:
            with pytest.raises(
                ReplicaClosedError, match=r"has not let it go on|went on without it"
            ):
                scene.ones[name].infer({"x": mlp.x})

    return check


def silent(scene: Scene) -> None:
    """The time passes after which an unreached replica has closed itself; that is seen."""
    scene.pass_time(OVER)
    assert scene.replicas is not None
    scene.replicas.look()


def prepared(scene: Scene, *names: str) -> None:
    def all_have() -> bool:
        return all(scene.ones[n].participant.status().prepared is not None for n in names)

    until(all_have)


def answers(scene: Scene, mlp: Any, version: int) -> None:
    for one in scene.ones.values():
        one.membership.wait()
        assert one.infer({"x": mlp.x}).version == version


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_an_update_goes_on_when_an_unreached_replica_has_closed_itself(
    scene: Scene, mlp: Any, pool: ThreadPoolExecutor, consistency: Any
) -> None:
    scene.update(1)
    far = scene.ones["r2"]
    far.link.cut_at("prepare")
    scene.deciding = old_ones_refuse(scene, mlp, "r2")
    update: Future[Any] = pool.submit(scene.update, 2, on_lost="drop", consistency=consistency)
    prepared(scene, "r0", "r1")
    until(lambda: scene.ones["r2"].link.cut)
    assert far.infer({"x": mlp.x}).version == 1  # nothing is decided
    far.membership.check()
    scene.replicas_pass_time(LEASE)
    with pytest.raises(ReplicaClosedError, match=UNREACHED):
        far.infer({"x": mlp.x})
    with pytest.raises(ReplicaClosedError, match=UNREACHED):
        far.membership.check()
    silent(scene)
    report = update.result(SECONDS)
    assert {n: one.outcome for n, one in report.replicas.items()} == {
        "r0": "committed", "r1": "committed", "r2": "dropped",
    }  # fmt: skip
    assert "has closed itself to inference" in report.replicas["r2"].reason
    with pytest.raises(ReplicaClosedError, match=UNREACHED):
        far.infer({"x": mlp.x})
    far.link.mend()  # and by itself it joins in again
    answers(scene, mlp, 2)
    scene.deciding = lambda: None
    assert len(scene.update(3).replicas) == 3
    answers(scene, mlp, 3)


def test_without_leave_to_drop_the_update_fails_and_all_go_on(
    scene: Scene, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    scene.update(1)
    scene.ones["r2"].link.cut_at("prepare")
    update = pool.submit(scene.update, 2)
    prepared(scene, "r0", "r1")
    until(lambda: scene.ones["r2"].link.cut)
    silent(scene)
    with pytest.raises(FleetUpdateError, match="nothing has changed anywhere") as caught:
        update.result(SECONDS)
    assert isinstance(caught.value.reasons["r2"], ReplicaLostError)
    scene.ones["r2"].link.mend()
    answers(scene, mlp, 1)


@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_a_replica_whose_node_is_gone_may_be_there_still(
    scene: Scene, mlp: Any, pool: ThreadPoolExecutor, consistency: Any
) -> None:
    """Ray says that it has ended, and it infers: only the network to its node is cut."""
    scene.update(1)
    assert scene.replicas is not None
    far = scene.ones["r2"]
    far.link.cut_at("prepare")
    scene.deciding = old_ones_refuse(scene, mlp, "r2")
    update = pool.submit(scene.update, 2, on_lost="drop", consistency=consistency)
    prepared(scene, "r0", "r1")
    until(lambda: scene.ones["r2"].link.cut)
    others = {"actor of r0", "actor of r1"}
    scene.replicas.see(others, {"another node"})
    assert scene.replicas._joined["r2"].lost is None  # it is looked for twice
    scene.replicas.see(others, {"another node"})
    assert far.infer({"x": mlp.x}).version == 1
    assert "r2" in scene.file.members
    scene.pass_time(OVER)
    assert update.result(SECONDS).replicas["r2"].outcome == "dropped"
    with pytest.raises(ReplicaClosedError, match=UNREACHED):
        far.infer({"x": mlp.x})
    scene.replicas.see(others, {"another node"})
    until(lambda: "r2" not in scene.file.members)
    far.link.mend()  # nobody knows it any more: it joins as a new one does
    answers(scene, mlp, 2)


def test_a_replica_whose_process_has_ended_is_not_waited_for(scene: Scene, mlp: Any) -> None:
    scene.update(1)
    assert scene.replicas is not None
    scene.ones["r2"].link.cut = True
    for _ in range(2):
        scene.replicas.see({"actor of r0", "actor of r1"}, {"a node"})
    report = scene.update(2)  # and no time has passed
    assert sorted(report.replicas) == ["r0", "r1"]
    assert sorted(scene.file.members) == ["r0", "r1"]


def test_one_that_is_reached_and_dropped_closes_at_once(
    scene: Scene, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    """It is lost to the update, and hears of it: nobody waits for its lease, nor any time."""
    scene.update(1)
    assert scene.replicas is not None
    one, start = scene.ones["r2"], scene.ones["r2"].replica.start

    def lost(step: str, *arguments: Any) -> Any:
        if step != "prepare":
            return start(step, *arguments)
        future: Future[Any] = Future()
        future.set_exception(ReplicaLostError("r2", "its device is gone"))
        return future

    one.replica.start = lost  # type: ignore[method-assign]
    scene.deciding = old_ones_refuse(scene, mlp, "r2")
    assert scene.update(2, on_lost="drop").replicas["r2"].outcome == "dropped"
    answers(scene, mlp, 2)


def test_a_coordinator_that_was_started_again_waits_for_leases_of_the_one_before(
    scene: Scene, mlp: Any, pool: ThreadPoolExecutor
) -> None:
    scene.update(1)
    far = scene.ones["r2"]
    far.link.cut = True
    scene.begin()
    assert scene.replicas is not None
    scene.deciding = old_ones_refuse(scene, mlp, "r2")
    update = pool.submit(scene.update, 2, on_lost="drop")
    until(lambda: len(scene.replicas._members) == 2)  # type: ignore[union-attr]
    assert far.infer({"x": mlp.x}).version == 1
    assert not update.done()
    scene.pass_time(OVER)
    assert sorted(update.result(SECONDS).replicas) == ["r0", "r1"]
    far.link.mend()
    answers(scene, mlp, 2)


@pytest.mark.parametrize("timeout", [2.0, None])
def test_a_replica_that_does_not_join_again_is_waited_for_as_long_as_the_caller_says(
    scene: Scene, pool: ThreadPoolExecutor, timeout: float | None
) -> None:
    scene.update(1)
    scene.ones["r2"].link.cut = True
    scene.begin()
    until(lambda: len(scene.replicas._members) == 2)  # type: ignore[union-attr]
    asked = Clock(scene.clock.now)
    seen: list[float] = []

    def told() -> float:
        seen.append(scene.clock.now)
        return asked()

    assert scene.replicas is not None
    scene.replicas._clock = told
    update = pool.submit(scene.update, 2, timeout=timeout)
    until(lambda: len(seen) > 3)
    asked.now += 1.9 if timeout else 29.9
    before = len(seen)
    until(lambda: len(seen) > before + 3)
    assert not update.done()
    asked.now += 0.2
    limit = "2.1" if timeout else "30.1"
    with pytest.raises(ReplicaLostError, match=f"not joined within {limit} s; nothing was changed"):
        update.result(SECONDS)


def test_what_is_left_of_a_timeout_is_the_updates(scene: Scene) -> None:
    assert scene.replicas is not None
    assert scene.replicas._wait_for_all(5.0, drop=False) == 5.0
    assert scene.replicas._wait_for_all(None, drop=False) is None
    scene.file.add("late", JoinedMember("actor of late", "a node", LEASE))
    missing, asked = scene.replicas._missing, []

    def joins_later() -> list[str]:
        asked.append(missing())
        scene.clock.now += 0.75
        if len(asked) == 4:
            scene.file.remove("late")
        return asked[-1]

    scene.replicas._missing = joins_later  # type: ignore[method-assign]
    assert scene.replicas._wait_for_all(5.0, drop=False) == 5 - 5 * 0.75
    assert asked == [["late"]] * 4 + [[]]


@pytest.mark.parametrize("lease", [0, 0.5, -1.0, float("nan"), "10", True])
def test_a_lease_is_a_second_or_more(lease: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="lease is"):
        BundleDeployment("net.om", fleet="policy", lease=lease)
