"""The coordinator of a fleet of Serve's replicas: an actor with a name, on Ray's head node.

It outlasts the replicas, and whoever gives it updates: so a replica that Serve starts, at any time,
finds somebody who brings it the committed version. Ray starts it again where it ends; the replicas
join again then, each with what it has, and it takes over as any next coordinator does.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from acl_bundle.fleet import Fleet, RayRecord, RayStore, ReplicaClosedError, ReplicaLostError
from acl_bundle.fleet._ray.answers import Answer, answered, connected, library
from acl_bundle.fleet._ray.options import actor_name
from acl_bundle.fleet._ray.record import HEAD
from acl_bundle.fleet._ray.store import InObjectStore
from acl_bundle.serve._joined import Job, JoinedReplica
from acl_bundle.serve._members import MembersFile

LOOK_S = 0.5
"""Between two looks whether the replicas' actors are there."""
AGAIN_S = 30.0
"""Seconds that replicas have to join again where the coordinator was started again."""
COORDINATOR = "coordinator"
log = logging.getLogger("acl_bundle.serve")


def actors_prefix(fleet: str) -> str:
    """What the names of the actors of a fleet begin with; apart from those of `Fleet.ray`."""
    return f"serve.{fleet}"


def coordinator_of(fleet: str) -> Any:
    """The coordinator's actor, which is made where there is none.

    Raises:
        UnsupportedError: Ray is not installed.
    """
    kind = connected().remote(CoordinatorActor).options(
        num_cpus=0, resources=HEAD, max_restarts=-1,
        **actor_name(actors_prefix(fleet), COORDINATOR),
    )  # fmt: skip
    return kind.remote(fleet, f"acl_bundle-serve-{uuid4().hex}")


class CoordinatorActor:
    """What Ray makes the actor of. Its methods wait for nothing but in threads of their own.

    Args:
        fleet: The fleet's name.
        folder: The name of a folder of the head node, among those for temporary files.
    """

    def __init__(self, fleet: str, folder: str) -> None:
        self._name = fleet
        self._record = RayRecord(actors_prefix(fleet))
        self._folder = Path(tempfile.gettempdir()) / folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._file = MembersFile(self._folder / "members")
        self._joined: dict[str, JoinedReplica] = {}
        self._in: set[str] = set()
        self._fleet: Fleet | None = None
        self._changes = ThreadPoolExecutor(1, "acl_bundle serve members")
        self._calls = ThreadPoolExecutor(8, "acl_bundle serve calls")
        Thread(target=self._look, name="acl_bundle serve looks", daemon=True).start()

    async def join(self, name: str, actor: str) -> None:
        """Take a replica in, if it is not there; it hears the rest by its jobs."""
        if name not in self._joined:
            replica = JoinedReplica(name, asyncio.get_running_loop())
            self._joined[name] = replica
            self._changes.submit(self._take_in, replica, actor)

    async def take(self, name: str, seconds: float) -> Answer:
        """The jobs of a replica; None where it has to join first, and why where it was let go."""
        replica = self._joined.get(name)
        if replica is None:
            return True, None
        if replica.lost is not None:
            return False, replica.lost
        found: list[Job] = await replica.take(seconds)
        return True, found

    async def answer(self, name: str, number: int, answer: Answer) -> None:
        """A job of a replica is done."""
        replica = self._joined.get(name)
        if replica is not None:
            replica.answer(number, *answer)

    async def leave(self, name: str) -> None:
        """Let a replica go that ends."""
        self._lose(name, "Ray Serve has ended it")

    async def update(self, weights: InObjectStore, options: Mapping[str, Any]) -> Answer:
        """See `Fleet.update`."""
        return await self._threaded(self._update, weights, options)

    async def status(self) -> Answer:
        """See `Fleet.status`."""
        return await self._threaded(lambda: self._there().status())

    async def version(self) -> Answer:
        """The committed version."""
        return await self._threaded(self._version)

    async def close(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _threaded(self, call: Callable[..., Any], *arguments: Any) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, answered, call, *arguments)

    def _update(self, weights: InObjectStore, options: Mapping[str, Any]) -> Any:
        fleet = self._whole()
        with weights.opened() as arrays:
            return fleet.update(arrays, **options)

    def _version(self) -> Any:
        decision = self._record.read()
        return decision.version if decision.epoch else self._there().version

    def _there(self) -> Fleet:
        if self._fleet is None:
            raise ReplicaClosedError("", f"no replica of the fleet {self._name!r} has joined")
        return self._fleet

    def _whole(self) -> Fleet:
        """The fleet, when every replica is in it that may infer."""
        until = monotonic() + AGAIN_S
        while missing := sorted(self._file.actors.keys() - self._in):
            if monotonic() >= until:
                raise ReplicaLostError(
                    missing[0], f"it has not joined for {AGAIN_S:.0f} s; nothing was changed"
                )
            sleep(0.02)
        return self._there()

    def _take_in(self, replica: JoinedReplica, actor: str) -> None:
        self._file.add(replica.name, actor)
        try:
            if self._fleet is None:
                self._fleet = Fleet([replica], record=self._record, store=RayStore())
            else:
                self._fleet.add(replica)
            self._in.add(replica.name)
        except Exception as error:  # it may infer still: it leaves when it has closed itself
            log.warning("replica %r cannot join: %s", replica.name, error)
            replica.lose(str(error))
        self._drop()

    def _look(self) -> None:
        """Learn of actors that have ended."""
        while True:
            sleep(LOOK_S)
            members = self._file.actors
            try:
                found = library().util.list_named_actors(all_namespaces=True)
            except Exception as error:  # Ray's head is away: it is asked again
                log.warning("which replicas are there cannot be asked: %s", error)
                continue
            there = {one["name"] for one in found}
            for name in [name for name, actor in members.items() if actor not in there]:
                self._lose(name, "its actor has ended")

    def _lose(self, name: str, reason: str) -> None:
        replica = self._joined.get(name)
        if replica is not None:
            replica.lose(reason)
        self._changes.submit(self._file.remove, name)
        self._changes.submit(self._drop)

    def _drop(self) -> None:
        """Have the fleet go on without those that are gone; the last one stays until another one
        comes, with whom the fleet keeps its version."""
        for name in [
            one for one, replica in list(self._joined.items()) if replica.lost is not None
        ]:
            if name in self._in and self._fleet is not None:
                if len(self._in) == 1:
                    continue
                self._fleet.remove(name)
                self._in.discard(name)
            elif name in self._file.actors:  # it has not left yet
                continue
            del self._joined[name]
