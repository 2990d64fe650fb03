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
from time import sleep
from typing import Any
from uuid import uuid4

from acl_bundle.fleet import RayRecord, RayStore
from acl_bundle.fleet._ray.answers import Answer, answered, connected, library
from acl_bundle.fleet._ray.options import actor_name
from acl_bundle.fleet._ray.record import HEAD
from acl_bundle.fleet._ray.store import InObjectStore
from acl_bundle.serve._members import JoinedMember, MembersFile
from acl_bundle.serve._replicas import JoinedReplicas

LOOK_S = 0.5
"""Between two looks whether the replicas' actors are there."""
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
        self._record = RayRecord(actors_prefix(fleet))
        self._folder = Path(tempfile.gettempdir()) / folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._replicas = JoinedReplicas(
            fleet, self._record, RayStore, MembersFile(self._folder / "members")
        )
        self._calls = ThreadPoolExecutor(8, "acl_bundle serve calls")
        Thread(target=self._look, name="acl_bundle serve looks", daemon=True).start()

    async def join(self, name: str, member: JoinedMember) -> None:
        """See `JoinedReplicas`."""
        await self._replicas.join(name, member)

    async def take(self, name: str, session: str, received: int, seconds: float) -> Answer:
        """See `JoinedReplicas`."""
        return await self._replicas.take(name, session, received, seconds)

    async def answer(self, name: str, session: str, number: int, answer: Answer) -> None:
        """See `JoinedReplicas`."""
        await self._replicas.answer(name, session, number, answer)

    async def leave(self, name: str) -> None:
        """See `JoinedReplicas`."""
        await self._replicas.leave(name)

    async def update(self, weights: InObjectStore, options: Mapping[str, Any]) -> Answer:
        """See `Fleet.update`."""
        return await self._threaded(self._replicas.update, weights, options)

    async def status(self) -> Answer:
        """See `Fleet.status`."""
        return await self._threaded(self._status)

    async def version(self) -> Answer:
        """The committed version."""
        return await self._threaded(self._version)

    async def close(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _threaded(self, call: Callable[..., Any], *arguments: Any) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, answered, call, *arguments)

    def _status(self) -> Any:
        return self._replicas.fleet.status()

    def _version(self) -> Any:
        decision = self._record.read()
        return decision.version if decision.epoch else self._replicas.fleet.version

    def _look(self) -> None:
        """Learn of actors and nodes that have ended."""
        ray = library()
        while True:
            sleep(LOOK_S)
            self._replicas.look()
            try:
                found = ray.util.list_named_actors(all_namespaces=True)
                nodes = {one["NodeID"] for one in ray.nodes() if one["Alive"]}
                self._replicas.see({one["name"] for one in found}, nodes)
            except Exception as error:  # Ray's head is away: it is asked again
                log.warning("which replicas are there cannot be asked: %s", error)
