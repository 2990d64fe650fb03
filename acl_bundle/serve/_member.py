"""A Serve replica's half: a thread asks the coordinator for jobs, and sends what became of them."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from typing import Any

from acl_bundle.fleet import LocalReplica, Participant, ReplicaClosedError, ReplicaLostError
from acl_bundle.fleet._process.plan import sendable
from acl_bundle.fleet._ray.answers import library, received, submitted, told
from acl_bundle.serve._coordinator import coordinator_of
from acl_bundle.serve._joined import Job

TAKE_S = 1.0
"""Seconds after which the coordinator answers that there is no job."""
PAUSE_S = 0.2
"""Before the coordinator is asked again that could not be reached."""
OPEN_S, TELL_S = 0.02, 10.0
"""Between two looks whether the replica is open, and between two words on why it is not."""
log = logging.getLogger("acl_bundle.serve")


class FleetMembership:
    """What keeps a replica in its fleet, from now until `end`.

    Args:
        fleet: The fleet's name.
        participant: What does the steps.
        replica: The handle on it; its owner closes it.
        actor: The name of its actor in Ray, by which the coordinator sees whether it is there.
    """

    def __init__(
        self, fleet: str, participant: Participant, replica: LocalReplica, actor: str
    ) -> None:
        self._fleet, self._participant, self._replica = fleet, participant, replica
        self._actor, self._name = actor, participant.name
        self._coordinator = coordinator_of(fleet)
        self._over = Event()
        self._failed: ReplicaLostError | None = None
        self._pool = ThreadPoolExecutor(4, "acl_bundle serve infer")
        self._thread = Thread(target=self._work, name="acl_bundle serve jobs", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise where the replica does not infer, or its fleet has let it go.

        Raises:
            ReplicaLostError: The fleet has let it go, or it is of another model.
            ReplicaClosedError: It waits for the committed version, or could not commit it.
        """
        if self._failed is not None:
            raise self._failed
        reason = self._participant.status().reason
        if reason:
            raise ReplicaClosedError(self._name, reason)

    def wait(self) -> None:
        """Wait until the replica has the committed version; raises as `check` where that is for
        ever."""
        waited = 0.0
        while (reason := self._participant.status().reason) and self._failed is None:
            if waited >= TELL_S:
                log.warning("replica %r of %r is not open: %s", self._name, self._fleet, reason)
                waited = 0.0
            self._over.wait(OPEN_S)
            waited += OPEN_S
        self.check()

    def end(self) -> None:
        """Leave the fleet."""
        self._over.set()
        if library().is_initialized():
            self._coordinator.leave.remote(self._name)
        self._pool.shutdown(wait=False)

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._do(self._taken())
            except ReplicaLostError as error:
                self._failed = error
                self._participant.retire(error.reason)
                self._coordinator.leave.remote(self._name)
                return
            except (ConnectionError, library().exceptions.RayError) as error:
                log.warning("the coordinator of %r cannot be reached: %s", self._fleet, told(error))
                self._over.wait(PAUSE_S)
                if library().is_initialized():
                    with suppress(Exception):  # it is not there yet: the next try tells
                        self._coordinator = coordinator_of(self._fleet)

    def _taken(self) -> list[Job]:
        get, of = library().get, self._coordinator
        jobs = received(get(submitted(of.take, self._name, TAKE_S)))
        if jobs is None:
            get(submitted(of.join, self._name, self._actor))
            return []
        found: list[Job] = jobs
        return found

    def _do(self, jobs: list[Job]) -> None:
        for number, step, arguments in jobs:
            future = (
                self._pool.submit(self._replica.infer, *arguments)
                if step == "infer"
                else self._replica.start(step, *arguments)
            )
            future.add_done_callback(partial(self._send, number))

    def _send(self, number: int, done: Future[Any]) -> None:
        error = done.exception()
        answer = (True, done.result()) if error is None else (False, sendable(error))
        try:
            self._coordinator.answer.remote(self._name, number, answer)
        except Exception as failed:  # Ray is shut down, or the answer cannot be pickled
            log.warning("an answer to %r cannot be sent: %s", self._fleet, failed)
