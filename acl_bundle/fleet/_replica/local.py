"""A replica of this process: a thread that does its steps, and minds its lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any
from weakref import WeakMethod

from acl_bundle._base.owner import Closing, Finalizer
from acl_bundle._run.run import Outputs
from acl_bundle.errors import ClosedError
from acl_bundle.fleet._messages.replica import OVERTAKING
from acl_bundle.fleet._replica.lease import CoordinatorLease
from acl_bundle.fleet._replica.participant import Participant

Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class LocalReplica(Closing):
    """A handle on a participant of this process; see `Replica`.

    Args:
        participant: Is this object's from now on.
    """

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._closing, self._closed = Lock(), False
        arguments = self._jobs, participant.lease, WeakMethod(participant.between)
        Thread(
            target=_work, args=arguments, name=f"acl_bundle fleet {self.name}", daemon=True
        ).start()
        self._finalizer = Finalizer(self, self._jobs.put, None)

    @property
    def name(self) -> str:
        """The replica's."""
        return self._participant.name

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        """See `Replica`."""
        future: Future[Any] = Future()
        job = future, getattr(self._participant, step), arguments
        if step in OVERTAKING:
            _do(job)
            return future
        with self._closing:
            if not self._closed:
                self._jobs.put(job)
                return future
        future.set_exception(ClosedError(f"replica {self.name!r} is closed"))
        return future

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """See `Replica`."""
        return self._participant.infer(inputs, timeout_ms)

    def close(self) -> None:
        """See `Replica`; waits for the step that is under way."""
        with self._closing:
            ending = not self._closed
            if ending:
                self._closed = True
                end: Future[Any] = Future()
                self._jobs.put((end, self._participant.close, ()))
                self._finalizer()
        if ending:
            end.result()


def _work(
    jobs: SimpleQueue[Job | None], lease: CoordinatorLease, between: WeakMethod[Callable[[], None]]
) -> None:
    while True:
        with suppress(Empty):  # the lease has run out
            job = jobs.get(timeout=lease.left)
            if job is None:
                return
            _do(job)
            del job
        call = between()
        if call is not None:
            call()
        del call


def _do(job: Job) -> None:
    future, method, arguments = job
    try:
        result = method(*arguments)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
