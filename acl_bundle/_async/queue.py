"""Runs that wait for their turn in a lane, and the thread that sees to them.

`submit` looks at what it is given, notes a job and, if there is a berth free,
launches it right there, so that the device gets its work without a change of
threads. The worker, one thread per graph and started by the first job, waits
for the end of the oldest job, launches what waits, and then tells the future.

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

from acl_bundle._async.request import Flight, failed
from acl_bundle._async.runner import Lane
from acl_bundle._base.owner import OfProcess, uninterrupted
from acl_bundle._binding.api import BUSY, lib
from acl_bundle._run.run import Fit, Fitter
from acl_bundle.errors import ClosedError

Deliver = Callable[[Fit, list[Any], int], Any]


class RunFuture(OfProcess, Future[Any]):
    """The future of a run."""


class Job:
    """A run that somebody waits for.

    Args:
        flight: The run.
        deliver: Makes the result of the outputs' arrays and the epoch.
        timeout_ms: How long the device may take, once it is its turn; None for ever.
        keep: Must live until the end of it.
    """

    def __init__(self, flight: Flight, deliver: Deliver, timeout_ms: int | None, keep: Any) -> None:
        self.future: Future[Any] = RunFuture()
        self.flight, self.deliver, self.timeout_ms, self.keep = flight, deliver, timeout_ms, keep
        self.landing = False
        self.error: BaseException | None = None

    @property
    def waits(self) -> bool:
        """Whether it is yet to be launched."""
        return not self.landing and self.error is None and not self.flight.launched

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
    """The thread of one lane's jobs, in which the callbacks of their futures run.

    Attributes:
        variables: Those of the lane's bundle.
    """

    def __init__(self, lane: Lane, work: Callable[[], None]) -> None:
        super().__init__(target=work, name=f"acl_bundle {lane.label}", daemon=True)
        self.variables = lane.variables


class Jobs:
    """The jobs of one lane.

    Args:
        lane: Where they run.
        fitter: Makes the arrays for their outputs.
    """

    def __init__(self, lane: Lane, fitter: Fitter) -> None:
        self._lane, self._fitter = lane, fitter
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._thread: Worker | None = None
        self._stopping = False

    def submit(self, fit: Fit, deliver: Deliver, timeout_ms: int | None, keep: Any) -> Future[Any]:
        """Run when it is its turn.

        Raises:
            BusyError: A run that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        self._lane.check()
        job = Job(Flight(self._lane.pointer, fit), deliver, timeout_ms, keep)
        with self._changed:
            if self._stopping:
                raise _closed(self._lane.label)
            self._start()
            self._jobs.append(job)
            self._launch()
            self._changed.notify()
        return job.future

    def _start(self) -> None:
        if self._thread is None:
            with uninterrupted():
                thread = Worker(self._lane, self._work)
                thread.start()
                self._thread = thread

    def _launch(self) -> None:
        """Launch what can be launched at once, in order; the lock is held."""
        if self._stopping:
            self._refuse_waiting()
        for job in list(self._jobs):
            if not job.waits:
                continue
            if not job.begin():
                self._jobs.remove(job)
                continue
            answer = job.flight.ask(lib.ab_flight_launch, 0)
            if answer == BUSY:
                return
            if failed(answer):
                job.flight.abandon()
                self._fail(job, answer)

    def _fail(self, job: Job, answer: int) -> None:
        """Note why a job failed, on the thread that made the call."""
        try:
            self._lane.explain(answer, job.timeout_ms)
        except Exception as error:
            job.error = error

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """See to the oldest job, or wait for one. False: there will be none."""
        with self._changed:
            while not self._jobs and not self._stopping:
                self._changed.wait()
            self._launch()
            if not self._jobs:
                return not self._stopping
            job = self._jobs[0]
            job.landing = not job.waits
        if not job.landing:
            self._lane.wait()
            return True
        result = self._land(job)
        with self._changed:
            self._jobs.popleft()
            self._launch()
            if self._stopping:
                self._changed.notify_all()
        job.settle(result)
        return True

    def _refuse_waiting(self) -> None:
        for job in list(self._jobs):
            if job.waits and job.begin():
                job.error = _closed(self._lane.label)
            elif job.waits:
                self._jobs.remove(job)

    def _land(self, job: Job) -> Any:
        """The result of a launched job, or None and its error is noted."""
        if job.error is not None:
            return None
        try:
            arrays = self._fitter.targets(job.flight.fit, None)
            job.flight.aim(arrays)
            answer = job.flight.land(job.timeout_ms, self._is_wanted)
            if failed(answer) and not self._is_wanted():
                raise _closed(self._lane.label)
            epoch = self._lane.explain(answer, job.timeout_ms)
            return job.deliver(job.flight.fit, arrays, epoch)
        except Exception as error:
            job.error = error
        finally:
            job.flight.abandon()
            del job
        return None

    def _is_wanted(self) -> bool:
        """Whether to wait on: not for a device that hangs when the bundle closes."""
        return not self._stopping or not self._lane.hung

    def stop(self) -> Callable[[float], bool] | None:
        """Refuse what has not begun, and let the worker see the end of the rest.

        In the worker itself, in a future's callback, the rest is seen to here.

        Returns:
            What waits, seconds at most, for the end of the worker; for that of
            the jobs where a worker waits: two may wait for each other.
        """
        with self._changed:
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
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs, seconds)


def _has_ended(thread: threading.Thread, seconds: float) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


def _closed(label: str) -> ClosedError:
    return ClosedError(f"the bundle of {label} was closed before this run was over")
