"""Threads for what would hold the loop, each kind with its own: one cannot starve another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of

Result = TypeVar("Result")


class Threads:
    """A few threads, and a bounded line of calls in front of them.

    Args:
        what: What the calls are, in a message: ``"posts of weights"``.
        count: How many threads.
        most: How many calls may run and wait, together.
    """

    def __init__(self, what: str, count: int, most: int) -> None:
        self._what, self._most, self._now = what, most, 0
        self._pool = ThreadPoolExecutor(count, f"acl_bundle.server {what}")
        self._lock = threading.Lock()

    async def run(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Make a call that blocks on one of the threads.

        Where the caller is cancelled, a call that has not begun is not made.

        Raises:
            Refusal: Too many run and wait already; or it raised, and this says what.
        """
        try:
            return await asyncio.wrap_future(self._begun(call, arguments))
        except OSError as error:
            raise Refusal(Why.INTERNAL, str(error)) from error
        except Exception as error:
            raise refusal_of(error) from error

    def _begun(self, call: Callable[..., Result], arguments: Any) -> Future[Result]:
        with self._lock:
            if self._now >= self._most:
                raise Refusal(
                    Why.BUSY, f"{self._now} {self._what} are under way, the limit; try later"
                )
            self._now += 1
        try:
            future = self._pool.submit(call, *arguments)
        except RuntimeError:  # after `close`
            self._ended()
            raise Refusal(Why.UNAVAILABLE, "the server ends: it takes no more requests") from None
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: object = None) -> None:
        with self._lock:
            self._now -= 1

    def close(self, *, wait: bool) -> None:
        """Begin nothing more.

        Args:
            wait: Whether to wait for what runs; if not, it goes on.
        """
        self._pool.shutdown(wait=wait, cancel_futures=True)
