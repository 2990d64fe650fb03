"""All replicas that have joined, and the fleet over them: what the coordinator does, without Ray.

A replica leaves the fleet when it is known to infer no more: it has said so, its process has ended,
or its lease is over (`_lease`). Until then an update waits, or fails, or with ``on_lost="drop"``
waits for the lease and goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, sleep
from typing import Any

from acl_bundle.fleet import (
    DecisionRecord,
    Fleet,
    FleetReport,
    ReplicaClosedError,
    ReplicaLostError,
    Store,
)
from acl_bundle.fleet._members import LEASE
from acl_bundle.fleet._messages.messages import Reference
from acl_bundle.fleet._ray.answers import Answer
from acl_bundle.fleet._route.member import FleetMember
from acl_bundle.serve._decision import DecisionAfterLeases
from acl_bundle.serve._joined import JoinedReplica
from acl_bundle.serve._lease import surely_over
from acl_bundle.serve._members import JoinedMember, MembersFile

AGAIN_S = 30.0
"""Seconds that replicas have to join again, where an update has no timeout."""
BEATS = 3
"""How often within a fleet's lease its replicas hear from it while a decision waits."""
LEAST_S = 0.001
log = logging.getLogger("acl_bundle.serve")


class JoinedReplicas:
    """The replicas of one fleet. What is async never waits for anything but for jobs.

    Args:
        name: The fleet's.
        record: Where decisions are written.
        store: Where the committed weights are kept.
        file: Who has joined, also before this object was made.
        clock: Seconds that never go back, by which leases are measured, and timeouts.
    """

    def __init__(
        self,
        name: str,
        record: DecisionRecord,
        store: Callable[[], Store],
        file: MembersFile,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._name, self._store, self._file, self._clock = name, store, file, clock
        self._record = DecisionAfterLeases(record, self._closed_by, self._beat, clock)
        self._begun, self._before = clock(), file.members
        self._joined: dict[str, JoinedReplica] = {}
        self._members: dict[str, FleetMember] = {}
        self._fleet: Fleet | None = None
        self._ended: set[str] = set()
        self._next_beat = 0.0
        self._changes = ThreadPoolExecutor(1, "acl_bundle serve members")

    async def join(self, name: str, member: JoinedMember) -> None:
        """Take a replica in, if it is not there; it hears the rest by its jobs."""
        if name not in self._joined:
            replica = JoinedReplica(
                name, asyncio.get_running_loop(), member.lease, partial(self._is_open, name),
                self._begun if name in self._before else None, self._clock,
            )  # fmt: skip
            self._joined[name] = replica
            self._changes.submit(self._take_in, replica, member)

    async def take(self, name: str, session: str, received: int, seconds: float) -> Answer:
        """The jobs of a replica; None where it has to join first, and why where it was let go."""
        replica = self._joined.get(name)
        if replica is None:
            return True, None
        if replica.lost is not None:
            return False, replica.lost
        if replica.hear(session, received):
            self._changes.submit(self._catch_up)
        return True, await replica.take(seconds)

    async def answer(self, name: str, session: str, number: int, answer: Answer) -> None:
        """A job of a replica is done."""
        replica = self._joined.get(name)
        if replica is not None:
            replica.answer(session, number, *answer)

    async def leave(self, name: str) -> None:
        """Let a replica go that has closed itself."""
        self._lose(name, "Ray Serve has ended it", closed=True)

    def update(self, weights: Reference, options: Mapping[str, Any]) -> FleetReport:
        """See `Fleet.update`; its timeout counts from now."""
        left = self._wait_for_all(options["timeout"], drop=options["on_lost"] == "drop")
        fleet = self.fleet
        with weights.opened() as arrays:
            return fleet.update(arrays, **{**options, "timeout": left})

    @property
    def fleet(self) -> Fleet:
        """The fleet.

        Raises:
            ReplicaClosedError: None has joined.
        """
        if self._fleet is None:
            raise ReplicaClosedError("", f"no replica of the fleet {self._name!r} has joined")
        return self._fleet

    def look(self) -> None:
        """Learn who was not heard for too long."""
        for replica in list(self._joined.values()):
            replica.look()

    def see(self, actors: Set[str], nodes: Set[str]) -> None:
        """Learn who is gone.

        An actor that is twice not there has ended, and its process with it where its node is there.
        Where the node is not, it may only be that nobody reaches it: its lease has to end.

        Args:
            actors: The names of the actors that are there.
            nodes: The ids of the nodes that are there.
        """
        members = self._file.members
        ended = {name for name, one in members.items() if one.actor not in actors}
        for name in sorted(ended & self._ended):
            node = members[name].node in nodes
            reason = "its actor has ended" if node else "its actor's node is gone"
            self._lose(name, reason, closed=node)
        self._ended = ended

    def _is_open(self, name: str) -> bool:
        member = self._members.get(name)
        return member is not None and member.is_open

    def _take_in(self, replica: JoinedReplica, member: JoinedMember) -> None:
        name = replica.name
        self._file.add(name, member)
        try:
            if self._fleet is None:
                self._fleet = Fleet(
                    [replica], record=self._record, store=self._store(), lease=LEASE
                )
            else:
                self._fleet.add(replica)
            self._members[name] = next(one for one in self._fleet._members if one.name == name)
        except Exception as error:  # it may infer still: it leaves when it has closed itself
            log.warning("replica %r cannot join: %s", name, error)
            replica.lose(str(error))
        self._drop()

    def _catch_up(self) -> None:
        try:
            self.fleet.catch_up()
        except Exception as error:  # the next update tries again
            log.warning("a replica that is heard again has not caught up: %s", error)

    def _lose(self, name: str, reason: str, *, closed: bool) -> None:
        replica = self._joined.get(name)
        if replica is not None:
            replica.lose(reason, closed=closed)
        self._changes.submit(self._forget, name, closed)

    def _forget(self, name: str, closed: bool) -> None:
        until = None if closed else self._until(name)
        if until is None or self._clock() >= until:
            self._file.remove(name)
            self._drop()

    def _drop(self) -> None:
        """Have the fleet go on without those that are gone; the last one stays until another one
        comes, with whom the fleet keeps its version."""
        for name, replica in list(self._joined.items()):
            if replica.lost is None or name in self._file.members:  # it may infer still
                continue
            if name in self._members and self._fleet is not None:
                if len(self._members) == 1:
                    continue
                self._fleet.remove(name)
                del self._members[name]
            del self._joined[name]

    def _until(self, name: str) -> float | None:
        """When a replica has surely closed itself; None: it has."""
        replica = self._joined.get(name)
        if replica is not None:
            return replica.infers_until
        before = self._before.get(name)
        return None if before is None else surely_over(self._begun, before.lease)

    def _closed_by(self) -> float | None:
        """When all have surely closed themselves that the fleet does not count as open."""
        names = {*list(self._joined), *self._file.members}
        found = [self._until(name) for name in names if not self._is_open(name)]
        return max((one for one in found if one is not None), default=None)

    def _beat(self, epoch: int) -> None:
        if monotonic() >= self._next_beat:
            self._next_beat = monotonic() + LEASE / BEATS
            for replica in list(self._joined.values()):  # one that is closed may take part
                replica.start("status", epoch)

    def _missing(self) -> list[str]:
        """Who may infer and is not in the fleet, or is gone and still in it."""
        gone = [name for name, one in list(self._joined.items()) if one.lost is not None]
        still = [name for name in gone if name in self._members and len(self._members) > 1]
        return sorted({*still, *(self._file.members.keys() - self._members.keys())})

    def _wait_for_all(self, timeout: float | None, *, drop: bool) -> float | None:
        """Wait until every replica is in the fleet that may infer; returns what is left of a
        timeout, from which the wait for the leases of replicas to be dropped is not taken.

        Raises:
            ReplicaLostError: One has not joined in time.
        """
        begun = self._clock()
        until = begun + (AGAIN_S if timeout is None else timeout)
        while missing := self._missing():
            now = self._clock()
            if drop and now >= (self._closed_by() or now):
                return timeout
            if not drop and now >= until:
                raise ReplicaLostError(
                    missing[0], f"{self._why(missing[0], now - begun)}; nothing was changed"
                )
            sleep(min(0.02, max(until - now, LEAST_S)))
        return timeout if timeout is None or drop else max(until - self._clock(), LEAST_S)

    def _why(self, name: str, seconds: float) -> str:
        replica = self._joined.get(name)
        lost = None if replica is None else replica.lost
        return f"it has not joined within {seconds:.3g} s" if lost is None else lost.reason
