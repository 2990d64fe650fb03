"""The parent's handle on a replica in a child process.

A thread reads what the child answers. When the child ends, everything that was asked of it fails
with ReplicaLostError, and the thread starts another one, which is closed to inference until the
fleet has brought it the committed version.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any
from weakref import WeakMethod

from acl_bundle._base.owner import Closing, check_process
from acl_bundle._run.run import Outputs
from acl_bundle.errors import ClosedError
from acl_bundle.fleet._messages.errors import ReplicaClosedError, ReplicaLostError
from acl_bundle.fleet._process.child import main
from acl_bundle.fleet._process.plan import CLOSE, INFER, READY, ChildPlan, pickled, received, sent

SPAWN = multiprocessing.get_context("spawn")
TRIES = 3
"""Starts in a row that end before the model is loaded; then it is left."""
END_S = 10.0
"""Seconds that a child has to end, until it is killed."""


class ProcessReplica(Closing):
    """A replica in a child process; see `Replica`. Returns when the process was started, and not
    yet loaded: `wait` does that.

    Args:
        plan: What the child is.

    Attributes:
        restarted: Called, in a thread of its own, when a child that came after another one is
            there; a method of something that may be collected.
        process: The id of the child's process; None where there is none.
    """

    def __init__(self, plan: ChildPlan) -> None:
        self._plan = plan
        self._owner = os.getpid()
        self._lock, self._sending = Lock(), Lock()
        self._asked: dict[int, Future[Any]] = {}
        self._count = READY
        self._messages: SimpleQueue[tuple[Connection, tuple[int, str, Any]] | None] = SimpleQueue()
        self._pipe: Connection | None = None
        self._reason: str = "it is being loaded"
        self._closing, self._there = Event(), Event()
        self._failed: BaseException | None = None
        self.restarted: WeakMethod[Callable[[], None]] | None = None
        self.process: int | None = None
        self._thread = Thread(target=self._work, name=f"acl_bundle fleet {plan.name}", daemon=True)
        self._thread.start()
        self._sender = Thread(target=self._send, name=f"{self._thread.name} sends", daemon=True)
        self._sender.start()

    @property
    def name(self) -> str:
        """The replica's."""
        return self._plan.name

    def wait(self) -> None:
        """Wait until the child has loaded the model.

        Raises:
            ReplicaLostError: It ended before.
            As `Bundle.load`.
        """
        self._there.wait()
        if self._failed is not None:
            raise self._failed

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        """See `Replica`."""
        check_process(self, self._owner)
        future: Future[Any] = Future()
        with self._lock:
            if self._pipe is None:
                future.set_exception(self._gone())
                return future
            self._count += 1
            self._asked[self._count] = future
            self._messages.put((self._pipe, (self._count, step, arguments)))
        return future

    def _send(self) -> None:
        """A thread of its own sends: it may wait for the child, and no Ctrl-C cuts a message."""
        while (job := self._messages.get()) is not None:
            pipe, (number, step, arguments) = job
            try:
                body = pickled(arguments)
            except Exception as error:
                self._answer(number, False, error)
            else:
                with self._sending, suppress(OSError):  # the thread that reads fails the future
                    sent(pipe, (number, step), body)
                del body
            del job, pipe, arguments

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """See `Replica`; the arrays go through a pipe."""
        if self._pipe is None and not self._closing.is_set():
            raise ReplicaClosedError(self.name, self._reason)  # nothing was asked of it
        outputs: Outputs = self.start(INFER, inputs, timeout_ms).result()
        return outputs

    def _gone(self) -> Exception:
        if self._closing.is_set():
            return ClosedError(f"replica {self.name!r} is closed")
        return ReplicaLostError(self.name, self._reason)

    def _work(self) -> None:
        failures = 0
        while failures < TRIES and not self._closing.is_set():
            ready = self._live()
            failures = 0 if ready else failures + 1
            if self._failed is not None:
                return  # the first one could not be loaded: `wait` says why

    def _live(self) -> bool:
        """Start a child, and read until it ends; returns whether it was loaded."""
        ours, its = SPAWN.Pipe()
        child = SPAWN.Process(target=main, args=(its, self._plan), name=self.name, daemon=True)
        ready = False
        try:
            child.start()
        except Exception as error:  # the plan cannot be pickled, or there is no process to be had
            ours.close()
            self._not_loaded(error)
            return False
        finally:
            its.close()
        try:
            ready = self._ready(ours, child.pid)
            while ready:
                number, good, made = received(ours)
                self._answer(number, *_opened(good, made))
                del made
        except (EOFError, OSError):
            pass
        finally:
            self._ended(child, ours)
        return ready

    def _ready(self, pipe: Connection, process: int | None) -> bool:
        _, good, made = received(pipe)
        if not good:
            self._not_loaded(_opened(good, made)[1])
            return False
        with self._lock:
            self._pipe, self.process = pipe, process
            if self._closing.is_set():  # it was asked while there was no pipe
                self._messages.put((pipe, (READY, CLOSE, ())))
        again = self._there.is_set()
        self._there.set()
        call = None if self.restarted is None else self.restarted()
        if again and call is not None:
            Thread(target=call, name="acl_bundle fleet catch-up", daemon=True).start()
        return True

    def _not_loaded(self, error: BaseException) -> None:
        self._reason = str(error)
        if not self._there.is_set():
            self._failed = error
            self._there.set()

    def _answer(self, number: int, good: bool, value: Any) -> None:
        with self._lock:
            future = self._asked.pop(number, None)
        if future is None:  # the child has ended meanwhile
            return
        if good:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _ended(self, child: Any, pipe: Connection) -> None:
        with self._lock:
            self._pipe = None
            if self.process == child.pid:
                self._reason = f"its process {child.pid} has ended"
            asked, self._asked = self._asked, {}
        if not self._sending.acquire(timeout=END_S):  # somebody sends, and nobody reads
            child.kill()
            self._sending.acquire()
        pipe.close()
        self._sending.release()
        child.join(END_S)
        if child.exitcode is None:
            child.kill()
            child.join()
        code = child.exitcode
        how = f"signal {-code}" if code < 0 else f"status {code}"
        if self.process == child.pid:
            self._reason = f"its process {child.pid} ended with {how}"
        self.process = None
        for future in asked.values():
            future.set_exception(self._gone())
        if not self._there.is_set():
            self._failed = self._failed or ReplicaLostError(
                self.name, f"its process {child.pid} ended with {how} before it was loaded"
            )
            self._there.set()
        child.close()

    def close(self) -> None:
        """See `Replica`; ends the child, which is killed where it takes too long."""
        if os.getpid() != self._owner:
            return
        self._closing.set()
        with self._lock:
            if self._pipe is not None:
                self._messages.put((self._pipe, (READY, CLOSE, ())))
        self._thread.join(END_S)
        process = self.process
        if self._thread.is_alive() and process is not None:
            os.kill(process, signal.SIGKILL)
        self._thread.join()
        self._messages.put(None)
        self._sender.join()


def _opened(good: bool, made: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return good, made()
    except Exception as error:  # a class that is not here, say
        return False, error
