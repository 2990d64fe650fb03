"""A stream of runs: an iterator over results, a few runs ahead of who iterates."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from acl_bundle._base.owner import Closing, Finalizer, check_process

Result = TypeVar("Result")


def _cancel(pending: deque[Future[Result] | Exception], process: int) -> list[Future[Result]]:
    """Cancel what has not begun; returns what has, and is not over.

    In a forked child there is nothing to cancel: all of it is the parent's.
    """
    if os.getpid() != process:
        return []
    futures = [one for one in pending if isinstance(one, Future)]
    pending.clear()
    return [future for future in futures if not future.cancel() and not future.done()]


class Stream(Closing, Iterator[Result]):
    """The results of `Graph.stream`, in the order of what went in.

    A failure is raised in its place, by the step that would have given the
    result; the next step goes on behind it. One thread at a time may iterate. A
    forked child that does is told by ClosedError.
    """

    def __init__(
        self, submit: Callable[[Any], Future[Result]], items: Iterable[Any], depth: int
    ) -> None:
        try:
            self._submit, self._items, self._depth = submit, iter(items), depth
        except TypeError as error:
            raise TypeError(f"items is {items!r}; give an iterable of inputs") from error
        self._pending: deque[Future[Result] | Exception] = deque()
        self._more = True
        self._process = os.getpid()
        self._drop = Finalizer(self, _cancel, self._pending, self._process)

    def _pull(self) -> bool:
        """Take one more item. False: there is none, or not before its error was told."""
        try:
            item = next(self._items)
        except StopIteration:
            self._more = False
            return False
        except Exception as error:
            self._pending.append(error)
            return False
        try:
            self._pending.append(self._submit(item))
        except Exception as error:
            self._pending.append(error)
        return True

    def __next__(self) -> Result:
        check_process(self, self._process)
        while self._more and len(self._pending) <= self._depth and self._pull():
            pass
        if not self._pending:
            raise StopIteration
        first = self._pending[0]
        if isinstance(first, Exception):
            self._pending.popleft()
            raise first
        try:
            return first.result()
        finally:
            if first.done() and self._pending:  # and it was no Ctrl-C that came
                self._pending.popleft()

    def close(self) -> None:
        """Take nothing more, cancel what has not begun, and wait for the rest."""
        self._more = False
        wait(_cancel(self._pending, self._process))
