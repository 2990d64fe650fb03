"""A coordinator and its replicas in one process, without Ray: what parts them can be chosen.

Time stands still for leases until a test moves it, on the coordinator's clock and on the replicas'
apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import acl_bundle as ab
from acl_bundle.fleet import LocalReplica, MemoryRecord, Participant, ReplicaClosedError
from acl_bundle.fleet._ray.answers import received
from acl_bundle.fleet._store.store import SharedStore
from acl_bundle.serve._joined import TakenJobs
from acl_bundle.serve._lease import ContactLease
from acl_bundle.serve._member import FleetMembership
from acl_bundle.serve._members import JoinedMember, MembersFile
from acl_bundle.serve._replicas import JoinedReplicas

LEASE = 8.0
OVER = LEASE * 1.01 + 0.5
SECONDS = 60


def until(reached: Callable[[], object], what: Callable[[], object] = lambda: "") -> None:
    end = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < end, what()
        time.sleep(0.005)


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self, begin: float) -> None:
        self.now = begin

    def __call__(self) -> float:
        return self.now


class GivenWeights:
    """Weights as the trainer's process has put them somewhere."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._arrays = arrays

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        yield self._arrays


class Beside:
    """A link to a coordinator of this process; see `CoordinatorLink`.

    Attributes:
        cut: Whether nothing arrives, in either direction.
        drops: Whether a call is lost on the way there: asked with the method.
        loses: Whether what comes back is lost: asked with the method and what it returned.
        renewed: How often the coordinator was looked for.
    """

    fleet = "beside"

    def __init__(self, scene: Scene, name: str) -> None:
        self._scene, self._name = scene, name
        self.cut = False
        self.drops: Callable[[str], bool] = lambda _method: False
        self.loses: Callable[[str, Any], bool] = lambda _method, _found: False
        self.renewed = 0

    def take(self, session: str, received_: int, seconds: float) -> TakenJobs | None:
        found: TakenJobs | None = received(
            self._call("take", session, received_, min(seconds, 0.05))
        )
        return found

    def join(self, lease: float) -> None:
        self._call("join", JoinedMember(f"actor of {self._name}", "a node", lease))

    def answer(self, session: str, number: int, answer: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self._call("answer", session, number, answer))
        except ConnectionError as error:
            future.set_exception(error)
        return future

    def leave(self) -> None:
        if not self.cut:
            self._call("leave")

    def renew(self) -> None:
        self.renewed += 1

    def cut_at(self, step: str) -> None:
        """Let nothing arrive any more as soon as the replica would be told of a step."""

        def loses(method: str, found: Any) -> bool:
            jobs = found[1].jobs if method == "take" and found[0] and found[1] else ()
            self.cut = self.cut or any(job[1] == step for job in jobs)
            return self.cut

        self.loses = loses

    def mend(self) -> None:
        """Let all arrive."""
        self.drops = lambda _method: False
        self.loses = lambda _method, _found: False
        self.cut = False

    def _call(self, method: str, *arguments: Any) -> Any:
        of = self._scene.replicas
        if self.cut or of is None or self.drops(method):
            raise ConnectionError("nobody is reached")
        call = getattr(of, method)(self._name, *arguments)
        found = asyncio.run_coroutine_threadsafe(call, self._scene.loop).result()
        if self.cut or self.loses(method, found):
            raise ConnectionError("the answer is lost")
        return found


class One:
    """A replica: what Serve has of it, and the way to its coordinator."""

    def __init__(self, scene: Scene, name: str, mlp: Any) -> None:
        record = scene.record
        self.participant = Participant(name, ab.Bundle.load(mlp.path), record.resolve)
        self.replica = LocalReplica(self.participant)
        self.link = Beside(scene, name)
        lease = ContactLease(LEASE, scene.replicas_clock)
        self.membership = FleetMembership(self.link, self.participant, self.replica, lease)
        self.infer, self.name, self._lease = self.membership.infer, name, lease

    @property
    def is_allowed(self) -> bool:
        """Whether its coordinator lets it infer."""
        return self._lease.reason is None

    def is_renewed(self, now: float) -> bool:
        """Whether its lease has begun anew at a time, or later."""
        return self._lease._until is not None and self._lease._until >= now + LEASE

    def close(self) -> None:
        self.membership.end()
        self.membership._thread.join(SECONDS)
        self.replica.close()


class Scene:
    """A coordinator, or none just now, and replicas.

    Attributes:
        replicas: The coordinator; None while it is away.
        clock: The coordinator's.
        replicas_clock: The replicas'; it tells another time.
        deciding: Called before a decision is written.
    """

    def __init__(self, folder: Path, mlp: Any) -> None:
        self._mlp, self._path = mlp, folder / "members"
        self._stack, self._begun = ExitStack(), list[JoinedReplicas]()
        self.record = _ToldRecord(self)
        self.deciding: Callable[[], None] = lambda: None
        self.clock, self.replicas_clock = Clock(1000.0), Clock(5.0)
        self.ones: dict[str, One] = {}
        self.loop = asyncio.new_event_loop()
        thread = Thread(target=self.loop.run_forever)
        thread.start()
        self._stack.callback(self.loop.close)
        self._stack.callback(thread.join)
        self._stack.callback(self.loop.call_soon_threadsafe, self.loop.stop)
        self._stack.callback(self._close_fleets)
        self.replicas: JoinedReplicas | None = None
        self.begin()

    def begin(self) -> None:
        """A coordinator, in the place of the one before."""
        self.file = MembersFile(self._path)
        self.replicas = JoinedReplicas("beside", self.record, SharedStore, self.file, self.clock)
        self._begun.append(self.replicas)

    def add(self, name: str) -> One:
        one = self.ones[name] = One(self, name, self._mlp)
        self._stack.callback(one.close)
        return one

    def update(self, version: int, **options: Any) -> Any:
        """Bring a version, which is `mlp.random` of that number."""
        assert self.replicas is not None
        given = {"version": version, "on_lost": "fail", "timeout": None, **options}
        return self.replicas.update(GivenWeights(self._mlp.random(version)), given)

    def pass_time(self, seconds: float) -> None:
        """For everybody, in small parts: who is reached is heard meanwhile."""
        left = seconds
        while left > 0:
            self.replicas_pass_time(min(left, 1.0))
            self.clock.now += min(left, 1.0)
            until(lambda: all(one._heard == self.clock.now for one in self._reached()))
            left -= 1.0

    def replicas_pass_time(self, seconds: float) -> None:
        """On the replicas' clock alone."""
        left = seconds
        while left > 0:
            open_ = [one for one in self.ones.values() if not one.link.cut and one.is_allowed]
            self.replicas_clock.now += min(left, 1.0)
            for one in open_:
                until(partial(one.is_renewed, self.replicas_clock.now))
            left -= 1.0

    def _reached(self) -> list[Any]:
        assert self.replicas is not None
        joined = dict(self.replicas._joined)
        return [one for name, one in joined.items() if not self.ones[name].link.cut]

    def close(self) -> None:
        for one in self.ones.values():
            one.link.mend()
        self._stack.close()

    def _close_fleets(self) -> None:
        for begun in self._begun:
            begun._changes.shutdown()
            with suppress(ReplicaClosedError):
                begun.fleet.close()


class _ToldRecord(MemoryRecord):
    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene

    def decide(self, epoch: int, version: int | str) -> None:
        self._scene.deciding()
        super().decide(epoch, version)
