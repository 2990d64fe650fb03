"""A replica that has joined: the coordinator's handle on it.

The coordinator does not call the replica, for that is an actor of Serve's, of which nobody outside
calls a method of ours. The replica asks for its jobs, all the time, and sends the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any

from acl_bundle._run.run import Outputs
from acl_bundle.fleet import ReplicaLostError

Job = tuple[int, str, tuple[Any, ...]]
"""A number for the answer, the step, its arguments."""


class JoinedReplica:
    """A handle on a replica of Serve's; see `Replica`.

    Args:
        name: The replica's.
        loop: Where `take` runs.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._name, self._loop = name, loop
        self._lock = Lock()
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._asked: dict[int, Future[Any]] = {}
        self._count = 0
        self._lost: ReplicaLostError | None = None

    @property
    def name(self) -> str:
        """The replica's."""
        return self._name

    @property
    def lost(self) -> ReplicaLostError | None:
        """Why it is gone; None: it is there."""
        return self._lost

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        """See `Replica`."""
        future: Future[Any] = Future()
        with self._lock:
            if self._lost is None:
                self._count += 1
                self._asked[self._count] = future
                job = self._count, step, arguments
                self._loop.call_soon_threadsafe(self._jobs.put_nowait, job)
                return future
        future.set_exception(self._lost)
        return future

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """See `Replica`."""
        outputs: Outputs = self.start("infer", inputs, timeout_ms).result()
        return outputs

    async def take(self, seconds: float) -> list[Job]:
        """Wait for jobs; none came where it is empty."""
        try:
            found = [await asyncio.wait_for(self._jobs.get(), seconds)]
        except asyncio.TimeoutError:
            return []
        while not self._jobs.empty():
            found.append(self._jobs.get_nowait())
        return found

    def answer(self, number: int, good: bool, value: Any) -> None:
        """A job is done."""
        with self._lock:
            future = self._asked.pop(number, None)
        if future is None:  # it was given up with its replica
            return
        if good:
            future.set_result(value)
        else:
            future.set_exception(value)

    def lose(self, reason: str) -> None:
        """It is gone: nothing that was asked of it is answered any more."""
        with self._lock:
            self._lost = self._lost or ReplicaLostError(self._name, reason)
            asked, self._asked = self._asked, {}
        for future in asked.values():
            future.set_exception(self._lost)

    def close(self) -> None:
        """See `Replica`; the model is Serve's to end."""
        self.lose("its fleet was closed")
