"""A replica of this process: a thread that does its steps, and minds its lease.

Opening a gate takes microseconds, and so does shutting one behind which nobody is. A thread that
had to be woken for it would take longer, and all of a fleet's threads want the interpreter at once.
So where the replica has nothing to do, the caller's thread does these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
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


class _Turn:
    """Whose turn it is to do a step.

    T1 commits and opens the gate, T2 is the replica's thread:

    1. T1 puts the commit
    2. T2 takes it from the queue, which is empty now, and has not got `lock` yet
    3. T1 would open the gate, gets `lock`, and sees that a job is not begun: it puts that behind

    So jobs are counted, and each count has one lock: `put` the caller's, one at a time puts;
    `begun` has `lock`. Whoever holds both may compare them.

    Attributes:
        jobs: What the replica's thread is to do.
        lock: Held while a step is done.
        begun: How many jobs were begun.
    """

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.lock = Lock()
        self._put, self.begun = 0, 0

    def put(self, job: Job) -> None:
        """Have the thread do a job; the caller is the only one to put any."""
        self._put += 1
        self.jobs.put(job)

    @property
    def is_idle(self) -> bool:
        """Whether each job was begun; the caller is the only one to put any, and holds `lock`."""
        return self.begun == self._put


class LocalReplica(Closing):
    """A handle on a participant of this process; see `Replica`.

    Args:
        participant: Is this object's from now on.
    """

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._turn = _Turn()
        self._closing, self._closed = Lock(), False  # of whoever puts a job, or ends them
        arguments = self._turn, participant.lease, WeakMethod(participant.between)
        Thread(
            target=_work, args=arguments, name=f"acl_bundle fleet {self.name}", daemon=True
        ).start()
        self._finalizer = Finalizer(self, self._turn.jobs.put, None)

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
            if self._closed:
                future.set_exception(ClosedError(f"replica {self.name!r} is closed"))
            elif not self._done_here(step, job):
                self._turn.put(job)
            return future

    def _done_here(self, step: str, job: Job) -> bool:
        """Do a step of a gate in this thread, if that is at once; False: it is not done."""
        turn, of = self._turn, self._participant
        if step not in ("close_gate", "open_gate") or not turn.lock.acquire(blocking=False):
            return False
        try:
            if not turn.is_idle or (step == "close_gate" and not of.shut_gate(job[2][0])):
                return False
            _do(job)
        except Exception:  # of `shut_gate`: the replica's thread raises it once more
            return False
        finally:
            turn.lock.release()
        if of.untidy:
            turn.put((Future(), of.between, ()))
        return True

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
                self._turn.put((end, self._participant.close, ()))
                self._finalizer()
        if ending:
            end.result()


def _work(turn: _Turn, lease: CoordinatorLease, between: WeakMethod[Callable[[], None]]) -> None:
    while True:
        with suppress(Empty):  # the lease has run out
            job = turn.jobs.get(timeout=lease.left)
            if job is None:
                return
            with turn.lock:
                turn.begun += 1
                answer = _answer(job)
            answer()
            del job, answer
        call = between()
        if call is not None:
            with turn.lock:
                call()
        del call


def _do(job: Job) -> None:
    _answer(job)()


def _answer(job: Job) -> Callable[[], None]:
    """Do a step; returns what tells of it."""
    future, method, arguments = job
    try:
        return partial(future.set_result, method(*arguments))
    except BaseException as error:
        return partial(future.set_exception, error)
