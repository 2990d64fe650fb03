"""Runs that wait for their turn at a runner, and the thread that sees to them.

`submit` looks at what it is given, notes a job and, if a slot is free,
starts its request right there, so that the device gets its work without a change of
threads. The worker, one thread per graph and started by the first job, waits
for the end of the oldest job, starts what waits, and then tells the future.

Jobs begin and end in the order they came. While the worker waits it is inside
one call of the library, without the GIL; it never waits for Python code, but
for the callbacks of the futures, which run in it.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from acl_bundle._async.request import Request, failed
from acl_bundle._async.runner import Runner
from acl_bundle._base.owner import OfProcess, uninterrupted
from acl_bundle._binding.failures import BUSY
from acl_bundle._binding.shim import lib
from acl_bundle._run.fit import Fit
from acl_bundle._run.signature import Signature
from acl_bundle.errors import ClosedError

Deliver = Callable[[Fit, int], Any]


class RunFuture(OfProcess, Future[Any]):
    """The future of a run."""


class Job:
    """A run that somebody waits for.

    Args:
        request: The run.
        deliver: Makes the result of the outputs' arrays and the epoch.
        timeout_ms: How long the device may take, once it is its turn; None for ever.
        keep: Must live until the end of it.
    """

    def __init__(
        self, request: Request, deliver: Deliver, timeout_ms: int | None, keep: Any
    ) -> None:
        self.future: Future[Any] = RunFuture()
        self.request, self.deliver, self.timeout_ms, self.keep = request, deliver, timeout_ms, keep
        self.awaited = False
        self.error: BaseException | None = None

    @property
    def waits(self) -> bool:
        """Whether it is yet to start."""
        return not self.awaited and self.error is None and not self.request.started

    def begin(self) -> bool:
        """Make it too late to cancel; False: it was cancelled."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def settle(self, result: Any) -> None:
        """Tell the future. Whatever a callback of it raises does not stop the worker."""
        self.keep, keep = None, self.keep
        try:
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(result)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        del keep


class Worker(threading.Thread):
    """The thread of one queue, in which the callbacks of their futures run.

    Attributes:
        variables: Those of the runner's bundle.
    """

    def __init__(self, runner: Runner, work: Callable[[], None]) -> None:
        super().__init__(target=work, name=f"acl_bundle {runner.label}", daemon=True)
        self.variables = runner.variables


class Queue:
    """The jobs of one runner.

    Args:
        runner: Where they run.
        signature: Makes the arrays for their outputs.
    """

    def __init__(self, runner: Runner, signature: Signature) -> None:
        self._runner, self._signature = runner, signature
        self._jobs: deque[Job] = deque()
        # Taken by itself: a Condition's `with` is Python, where Ctrl-C may come behind the lock.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread: Worker | None = None
        self._stopping = False

    def submit(self, fit: Fit, deliver: Deliver, timeout_ms: int | None, keep: Any) -> Future[Any]:
        """Run when it is its turn.

        Raises:
            BusyError: A run that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        self._runner.check()
        job = Job(Request(self._runner.pointer, fit), deliver, timeout_ms, keep)
        with self._lock:
            if self._stopping:
                raise _closed(self._runner.label)
            self._start_worker()
            self._jobs.append(job)
            self._start_what_can()
            self._changed.notify()
        return job.future

    def _start_worker(self) -> None:
        if self._thread is None:
            with uninterrupted():
                thread = Worker(self._runner, self._work)
                thread.start()
                self._thread = thread

    def _start_what_can(self) -> None:
        """Start what can start at once, in order; the lock is held."""
        if self._stopping:
            self._refuse_waiting()
        for job in list(self._jobs):
            if not job.waits:
                continue
            if not job.begin():
                self._jobs.remove(job)
                continue
            answer = job.request.ask(lib.ab_request_start, 0)
            if answer == BUSY:
                return
            if failed(answer):
                job.request.drop(self._runner.left)
                self._fail(job, answer)

    def _fail(self, job: Job, answer: int) -> None:
        """Note why a job failed, on the thread that made the call."""
        try:
            self._runner.explain(answer, job.timeout_ms)
        except Exception as error:
            job.error = error

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """See to the oldest job, or wait for one. False: there will be none."""
        with self._lock:
            while not self._jobs and not self._stopping:
                self._changed.wait()
            self._start_what_can()
            if not self._jobs:
                return not self._stopping
            job = self._jobs[0]
            job.awaited = not job.waits
        if not job.awaited:
            self._runner.wait()
            return True
        result = self._finish(job)
        with self._lock:
            self._jobs.popleft()
            self._start_what_can()
            if self._stopping:
                self._changed.notify_all()
        job.settle(result)
        return True

    def _refuse_waiting(self) -> None:
        for job in list(self._jobs):
            if job.waits and job.begin():
                job.error = _closed(self._runner.label)
            elif job.waits:
                self._jobs.remove(job)

    def _finish(self, job: Job) -> Any:
        """The result of a job that has started, or None and its error is noted."""
        if job.error is not None:
            return None
        try:
            fit = job.request.fit
            if not fit.targets:
                fit.write_to(self._signature.targets(fit))
            answer = job.request.wait(job.timeout_ms, self._is_wanted)
            if failed(answer) and not self._is_wanted():
                raise _closed(self._runner.label)
            epoch = self._runner.explain(answer, job.timeout_ms)
            return job.deliver(fit, epoch)
        except Exception as error:
            job.error = error
        finally:
            job.request.drop(self._runner.left)
            del job
        return None

    def _is_wanted(self) -> bool:
        """Whether to wait on: not for a device that hangs when the bundle closes."""
        return not self._stopping or not self._runner.hung

    def stop(self) -> Callable[[float], bool] | None:
        """Refuse what has not begun, and let the worker see the end of the rest.

        In the worker itself, in a future's callback, the rest is seen to here.

        Returns:
            What waits, seconds at most, for the end of the worker; for that of
            the jobs where a worker waits: two may wait for each other.
        """
        with self._lock:
            self._stopping = True
            self._changed.notify_all()
            thread = self._thread
        if thread is None:
            return None
        if thread is threading.current_thread():
            self._work()
            return None
        if isinstance(threading.current_thread(), Worker):
            return self._is_done
        return partial(_has_ended, thread)

    def _is_done(self, seconds: float) -> bool:
        with self._lock:
            return self._changed.wait_for(lambda: not self._jobs, seconds)


def _has_ended(thread: threading.Thread, seconds: float) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


def _closed(label: str) -> ClosedError:
    return ClosedError(f"the bundle of {label} was closed before this run was over")
