"""The queue of a model: bounded, in order, and given out as batches.

The loop's thread puts requests in, the workers' threads take batches out. A batch is what waits
already; a worker that has nothing else to do waits at most `delay` seconds, counted from the
arrival of the batch's first request, for others to join it.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from numpy.typing import NDArray

from acl_bundle.server._protocol.messages import InferAnswer
from acl_bundle.server._protocol.refusal import Refusal, Why

Array = NDArray[Any]


@dataclass(eq=False, slots=True)
class Queued:
    """A request that waits, or runs.

    Attributes:
        id: The request's.
        inputs: The arrays by name.
        wanted: The names of the outputs that are wanted; empty for all.
        version: Of which weights the answer must be; empty for whichever.
        rows: How many rows it has; 0: it goes alone.
        answer: Where the answer goes. It belongs to the loop's thread.
        loop: The loop of that future.
        arrived: When it came, by `monotonic`.
    """

    id: str
    inputs: Mapping[str, Array]
    wanted: tuple[str, ...]
    version: str
    rows: int
    answer: Future[InferAnswer]
    loop: AbstractEventLoop
    arrived: float = field(default_factory=monotonic)

    @property
    def gone(self) -> bool:
        """Whether nobody waits any more."""
        return self.answer.done()


class RequestQueue:
    """Requests of one model that wait for the device.

    Args:
        most: How many may wait.
        delay: Seconds that a request waits for others to join it.
    """

    def __init__(self, most: int, delay: float) -> None:
        self._most, self._delay = most, delay
        self._waiting: deque[Queued] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._why: str | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: Queued) -> None:
        """Let a request wait.

        Raises:
            Refusal: The queue is full, or closed.
        """
        with self._changed:
            if self._why is not None:
                raise Refusal(Why.UNAVAILABLE, self._why)
            if len(self._waiting) >= self._most:
                raise Refusal(
                    Why.BUSY,
                    f"{len(self._waiting)} requests wait already, which is the limit; try later",
                )
            self._waiting.append(one)
            self._changed.notify()

    def drop(self, one: Queued) -> None:
        """Let go of a request for which nobody waits any more, if it is still here."""
        with self._changed, suppress(ValueError):
            self._waiting.remove(one)

    def take(self, most: int) -> list[Queued]:
        """Wait for a batch of at most so many rows; empty: the queue is closed and has none."""
        with self._changed:
            while True:
                first = self._first()
                if first is None:
                    if self._why is not None:
                        return []
                    self._changed.wait()
                elif not first.rows:
                    return [first]
                else:
                    return self._joined(first, most)

    def _first(self) -> Queued | None:
        while self._waiting:
            one = self._waiting.popleft()
            if not one.gone:
                return one
        return None

    def _joined(self, first: Queued, most: int) -> list[Queued]:
        batch, rows = [first], first.rows
        while rows < most:
            while self._waiting and self._waiting[0].gone:
                self._waiting.popleft()
            if self._waiting:
                following = self._waiting[0]
                if not following.rows or rows + following.rows > most:
                    break
                batch.append(self._waiting.popleft())
                rows += following.rows
                continue
            left = first.arrived + self._delay - monotonic()
            if left <= 0 or self._why is not None:
                break
            self._changed.wait(left)
        if self._waiting:  # `put` woke this thread for it, and another one may have nothing to do
            self._changed.notify()
        return batch

    def close(self, why: str) -> list[Queued]:
        """Take no more and give back what waits; workers end when they come for the next."""
        with self._changed:
            self._why = why
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        return left
