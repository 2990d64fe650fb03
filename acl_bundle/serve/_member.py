"""A Serve replica's half: a thread asks the coordinator for jobs, and sends what became of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event, Lock, Thread
from typing import Any

from acl_bundle._run.run import Outputs
from acl_bundle.fleet import LocalReplica, Participant, ReplicaClosedError, ReplicaLostError
from acl_bundle.fleet._process.plan import sendable
from acl_bundle.fleet._ray.answers import Answer
from acl_bundle.serve._joined import Job
from acl_bundle.serve._lease import ASKS, ContactLease
from acl_bundle.serve._link import CoordinatorLink

TAKE_S = 1.0
"""Seconds after which the coordinator answers that there is no job; less with a short lease."""
PAUSE_S = 0.2
"""Before the coordinator is asked again that could not be reached."""
OPEN_S, TELL_S = 0.02, 10.0
"""Between two looks whether the replica is open, and between two words on why it is not."""
log = logging.getLogger("acl_bundle.serve")


class FleetMembership:
    """What keeps a replica in its fleet, from now until `end`.

    Args:
        link: The way to the coordinator.
        participant: What does the steps.
        replica: The handle on it; its owner closes it.
        lease: For how long the replica may infer without the coordinator.
    """

    def __init__(
        self,
        link: CoordinatorLink,
        participant: Participant,
        replica: LocalReplica,
        lease: ContactLease,
    ) -> None:
        self._link, self._lease = link, lease
        self._participant, self._replica = participant, replica
        self._name = participant.name
        self._session, self._received = "", 0
        self._lock = Lock()
        self._unheard: dict[tuple[str, int], Answer] = {}
        self._failed_to: set[tuple[str, int]] = set()
        self._over = Event()
        self._failed: ReplicaLostError | None = None
        self._reached = True
        self._pool = ThreadPoolExecutor(4, "acl_bundle serve infer")
        self._thread = Thread(target=self._work, name="acl_bundle serve jobs", daemon=True)
        self._thread.start()

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """Infer, if the coordinator allows it.

        Raises:
            ReplicaClosedError: It does not, or the replica has not the committed version; nothing
                was run.
            As `Graph.run`.
        """
        reason = self._lease.reason
        if reason is not None:
            raise ReplicaClosedError(self._name, self._participant.status().reason or reason)
        return self._replica.infer(inputs, timeout_ms)

    def check(self) -> None:
        """Raise where the replica does not infer, or its fleet has let it go.

        Raises:
            ReplicaLostError: The fleet has let it go, or it is of another model.
            ReplicaClosedError: It waits for the committed version, or could not commit it, or has
                not heard from its coordinator for a lease.
        """
        if self._failed is not None:
            raise self._failed
        if reason := self._why_not:
            raise ReplicaClosedError(self._name, reason)

    @property
    def _why_not(self) -> str | None:
        return self._participant.status().reason or self._lease.reason

    def wait(self) -> None:
        """Wait until the replica has the committed version; raises as `check` where that is for
        ever."""
        waited = 0.0
        while (reason := self._why_not) and self._failed is None:
            if waited >= TELL_S:
                log.warning(
                    "replica %r of %r is not open: %s", self._name, self._link.fleet, reason
                )
                waited = 0.0
            self._over.wait(OPEN_S)
            waited += OPEN_S
        self.check()

    def end(self) -> None:
        """Leave the fleet: infer no more, and say so."""
        self._over.set()
        self._participant.retire("it has left its fleet")
        self._link.leave()
        self._pool.shutdown(wait=False)

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._ask()
            except ReplicaLostError as error:
                self._failed = error
                self._participant.retire(error.reason)
                self._link.leave()
                return
            except ConnectionError as error:
                log.warning("the coordinator of %r cannot be reached: %s", self._link.fleet, error)
                self._over.wait(PAUSE_S)
                self._link.renew()

    def _ask(self) -> None:
        asked = self._lease.now()
        wait = min(TAKE_S, self._lease.seconds / ASKS)
        taken = self._link.take(self._session, self._received, wait)
        if taken is None:
            self._link.join(self._lease.seconds)
            return
        if taken.session != self._session:
            self._session, self._received = taken.session, 0
        for job in taken.jobs:
            if job[0] > self._received:
                self._received = job[0]
                self._do(job)
        if taken.granted:  # behind the jobs: one of them may be to close
            self._lease.renew(asked)
        self._answer_again()

    def _do(self, job: Job) -> None:
        number, step, arguments = job
        future = (
            self._pool.submit(self.infer, *arguments)
            if step == "infer"
            else self._replica.start(step, *arguments)
        )
        future.add_done_callback(partial(self._done, (self._session, number)))

    def _done(self, key: tuple[str, int], done: Future[Any]) -> None:
        error = done.exception()
        self._send(key, (True, done.result()) if error is None else (False, sendable(error)))

    def _send(self, key: tuple[str, int], answer: Answer) -> None:
        """Send an answer; it is kept until it has arrived."""
        with self._lock:
            self._unheard[key] = answer
        try:
            sent = self._link.answer(*key, answer)
        except ConnectionError:  # sent again when the coordinator is heard
            with self._lock:
                self._failed_to.add(key)
        except Exception as error:  # it cannot be pickled: whoever waits for it hears that
            if not isinstance(answer[1], AnswerNotSentError):
                self._send(key, (False, AnswerNotSentError(f"{type(error).__name__}: {error}")))
        else:
            sent.add_done_callback(partial(self._sent, key))

    def _sent(self, key: tuple[str, int], done: Future[Any]) -> None:
        with self._lock:
            if done.exception() is None:
                self._unheard.pop(key, None)
            else:
                self._failed_to.add(key)

    def _answer_again(self) -> None:
        """The coordinator is heard: send what did not arrive. It passes over what it has."""
        with self._lock:
            failed, self._failed_to = self._failed_to, set()
            again = {key: self._unheard.pop(key) for key in failed if key in self._unheard}
        for key, answer in again.items():
            if key[0] == self._session:  # else of a coordinator that has ended
                self._send(key, answer)


class AnswerNotSentError(RuntimeError):
    """What a step returned cannot be sent."""
