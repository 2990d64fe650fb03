"""A replica that has joined: the coordinator's handle on it.

The coordinator does not call the replica, for that is an actor of Serve's, of which nobody outside
calls a method of ours. The replica asks for its jobs, all the time, and sends the answers.

A job is told again until the replica says that it has it, for what carries it may be lost. T1 is
the replica, T2 the coordinator:

1. T1 asks; T2 tells it jobs 1 and 2, and the answer is lost on the way
2. T1 asks again, and has nothing up to 0: T2 tells it jobs 1, 2 and 3
3. T1 asks, and has all up to 3. Should it be told one of these once more, it passes it over

Numbers are of one handle, whose *session* goes with them: a coordinator that was started again
counts anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any
from uuid import uuid4

from acl_bundle._run.run import Outputs
from acl_bundle.fleet import ReplicaLostError
from acl_bundle.serve._lease import LEASE_S, surely_over

Job = tuple[int, str, tuple[Any, ...]]
"""A number for the answer, the step, its arguments."""
SOON_S = 0.1
"""After which one is answered that waits for leave to infer."""
OPENING = frozenset({"abort", "commit", "catch_up"})
"""Steps behind which a replica that has closed itself may be open, by a lease of before."""


@dataclass(frozen=True)
class TakenJobs:
    """What a replica hears when it asks for its jobs.

    Attributes:
        session: Whose numbers these are.
        jobs: All that it did not say it has, in order.
        granted: Whether it may infer for one more lease.
    """

    session: str
    jobs: tuple[Job, ...]
    granted: bool


class JoinedReplica:
    """A handle on a replica of Serve's; see `Replica`.

    Args:
        name: The replica's.
        loop: Where `take` runs.
        lease: Seconds for which it may infer each time; see `_lease`.
        may_infer: Whether the fleet counts it among those that have the committed version.
        granted: When a coordinator before this one may have granted for the last time; None where
            there was none.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        name: str,
        loop: asyncio.AbstractEventLoop,
        lease: float = LEASE_S,
        may_infer: Callable[[], bool] = lambda: True,
        granted: float | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._name, self._loop = name, loop
        self._lease, self._may_infer, self._clock = lease, may_infer, clock
        self._lock, self._more = Lock(), asyncio.Event()
        self._session = uuid4().hex
        self._jobs: dict[int, Job] = {}
        self._asked: dict[int, Future[Any]] = {}
        self._count = 0
        self._granted, self._heard = granted, clock()
        self._closing: int | None = None
        self._closed = False
        self._lost: ReplicaLostError | None = None
        self._silent: ReplicaLostError | None = None

    @property
    def name(self) -> str:
        """The replica's."""
        return self._name

    @property
    def lost(self) -> ReplicaLostError | None:
        """Why it is gone for good; None: it is not."""
        return self._lost

    @property
    def infers_until(self) -> float | None:
        """When it has surely closed itself, if nothing is granted any more; None: it is closed."""
        with self._lock:
            if self._granted is None or self._closed:
                return None
            return surely_over(self._granted, self._lease)

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        """See `Replica`."""
        future: Future[Any] = Future()
        with self._lock:
            gone = self._lost or self._silent
            if gone is None:
                self._count += 1
                self._asked[self._count] = future
                self._jobs[self._count] = self._count, step, arguments
                if step == "retire":
                    self._closing = self._count
                elif step in OPENING:
                    self._closing, self._closed = None, False
                self._loop.call_soon_threadsafe(self._more.set)
                return future
        future.set_exception(gone)
        return future

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """See `Replica`."""
        outputs: Outputs = self.start("infer", inputs, timeout_ms).result()
        return outputs

    def hear(self, session: str, received: int) -> bool:
        """The replica asks, and has all jobs up to a number; returns whether it was silent."""
        with self._lock:
            self._heard = self._clock()
            was, self._silent = self._silent is not None, None
            if session == self._session:
                for number in [one for one in self._jobs if one <= received]:
                    del self._jobs[number]
            return was

    async def take(self, seconds: float) -> TakenJobs:
        """Wait for jobs, of which there may be none, and grant the replica to infer."""
        arrived = self._clock()
        self._more.clear()
        if not self._may_infer():
            seconds = min(seconds, SOON_S)
        if not self._jobs:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._more.wait(), seconds)
        with self._lock:
            gone = self._lost is not None or self._silent is not None
            granted = not gone and self._may_infer()
            if granted:
                self._granted = max(self._granted or arrived, arrived)
                self._closing, self._closed = None, False
            return TakenJobs(self._session, tuple(self._jobs.values()), granted)

    def answer(self, session: str, number: int, good: bool, value: Any) -> None:
        """A job is done."""
        with self._lock:
            future = self._asked.pop(number, None) if session == self._session else None
            if future is None:  # it was given up with its replica, or answered before
                return
            self._jobs.pop(number, None)
            if good and number == self._closing:
                self._closing, self._closed = None, True
        if good:
            future.set_result(value)
        else:
            future.set_exception(value)

    def look(self) -> None:
        """Where it was not heard for so long that it has closed itself: what was asked of it fails.

        It may be heard again.
        """
        with self._lock:
            last = max(self._heard, self._granted or self._heard)
            if self._lost or self._silent or self._clock() < surely_over(last, self._lease):
                return
            seconds = self._clock() - self._heard
            reason = f"it was not heard for {seconds:.3g} s, and has closed itself to inference"
            self._silent = ReplicaLostError(self._name, reason)
            asked = self._given_up()
        for future in asked:
            future.set_exception(self._silent)

    def lose(self, reason: str, *, closed: bool = False) -> None:
        """It is gone: nothing that was asked of it is answered any more.

        Args:
            reason: What was seen of it.
            closed: Whether it is known that it infers no more; else its lease runs on.
        """
        with self._lock:
            self._lost = self._lost or ReplicaLostError(self._name, reason)
            if closed:
                self._granted = None
            asked = self._given_up()
        for future in asked:
            future.set_exception(self._lost)

    def _given_up(self) -> list[Future[Any]]:
        asked, self._asked, self._jobs = self._asked, {}, {}
        return list(asked.values())

    def close(self) -> None:
        """See `Replica`; the model is Serve's to end."""
        self.lose("its fleet was closed")
