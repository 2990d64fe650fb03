"""The side of a pair that infers, and who is still at the other.

Which side is active is one attribute, and no inference waits for it to change.
T1 infers, T2 updates the pair:

1. T1 reads that side A is active
2. T2 makes B active; A is the shadow now
3. T2 would write new weights into A, and T1 would infer with weights that
   nobody let infer

So T1 notes its run at A, and then reads again which side is active: where that
is B, T1 takes its note back and begins anew. T2 writes into A when no run is
noted there. A run that was submitted is noted until its end.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from operator import index
from typing import Any, Literal, NamedTuple, SupportsIndex, overload

from acl_bundle._async.queue import Worker
from acl_bundle._async.stream import Stream
from acl_bundle._async.submits import Inputs, Submits
from acl_bundle._base.wait import POLL_MS, Wait
from acl_bundle._device.array import DeviceArray
from acl_bundle._run.fit import Array, HostOut, Out
from acl_bundle._run.run import Outputs
from acl_bundle._run.turn import Keeper
from acl_bundle.bundle import Bundle
from acl_bundle.errors import BusyError
from acl_bundle.spec import TensorSpec

Steps = tuple[Callable[..., object], ...]
LOOK_S = 0.001


class Sides(NamedTuple):
    """Who infers, and what the other lacks.

    Attributes:
        active: Infers.
        shadow: Is updated next.
        lag: What brings the shadow in line with the active bundle; None when
            nothing but an update of every weight does. Each step takes
            ``when_busy`` and ``timeout_ms``.
        reverse: What would, if they changed places.
        forward: Whether the active one is the newer.
        staged: Whether the shadow holds what was staged, and not committed.
    """

    active: Bundle
    shadow: Bundle
    lag: Steps | None = ()
    reverse: Steps | None = ()
    forward: bool = False
    staged: bool = False

    def exchanged(self) -> Sides:
        """The same with the two in each other's place."""
        return Sides(self.shadow, self.active, self.reverse, self.lag, not self.forward)


class _Run:
    """A run that is noted. Collected, it is none, even if Ctrl-C came between two steps."""

    __slots__ = ("__weakref__",)


class Turns:
    """Where the sides of a pair stand, and which runs are at each."""

    def __init__(self, sides: Sides) -> None:
        self.sides: Sides = sides
        self.hold: Keeper | None = None
        self._runs = {side: weakref.WeakSet[_Run]() for side in (sides.active, sides.shadow)}

    def enter(self, wait: Wait | None = None) -> tuple[Bundle, Callable[[], None]]:
        """Choose the active side for a run, when nobody holds the pair; returns what ends the run.

        Raises:
            BusyError: This thread holds it, or another one does for longer than `wait` allows.
        """
        run = _Run()
        while True:
            keeper = self._keeper()
            if keeper is not None:
                _let_pass(keeper, wait)
                continue
            active = self.sides.active
            runs = self._runs[active]
            runs.add(run)
            if self.sides.active is active and self._keeper() is None:
                return active, partial(runs.discard, run)
            runs.discard(run)

    def _keeper(self) -> Keeper | None:
        """The hold that a run waits for. One that has not begun waits for the runs before it.

        T1 holds the pair, T2 is a worker with a future's callback that infers:

        1. T1 waits for the runs that were submitted, of which T2 has the next one
        2. T2's callback infers: it would wait for T1's hold, and the next run for T2
        """
        hold = self.hold
        if hold is None or hold.begun:
            return hold
        here = threading.current_thread()
        ends_runs = isinstance(here, Worker) and any(
            here.variables is side._variables for side in self._runs
        )
        return None if ends_runs and any(self._runs.values()) else hold

    def clear(self, wait: Wait, what: str, *sides: Bundle) -> None:
        """Wait until no run is at some sides any more.

        Raises:
            BusyError: They take longer than `wait` allows; or this is the
                callback of a future for which others there wait.
        """
        thread = threading.current_thread()
        while any(self._runs[side] for side in sides):
            if isinstance(thread, Worker) and any(thread.variables is s._variables for s in sides):
                raise BusyError(
                    f"runs that began before wait for this callback to end, and {what} of the Pair"
                    " waits for them: call it from another thread"
                )
            if wait.left_ms == 0:
                raise BusyError(
                    f"{what} was given up ({wait.text}): inferences that began before still run;"
                    " nothing changed"
                )
            time.sleep(LOOK_S)


def _let_pass(hold: Keeper, wait: Wait | None) -> None:
    """Wait a little for the end of a hold.

    Raises:
        BusyError: It is this thread's, or the time is up.
    """
    if hold.is_own and hold.how is None:
        raise BusyError(
            "an inference is refused: this thread holds the pair (Pair.hold), and would wait for"
            " itself; release it first"
        )
    if wait is not None and wait.left_ms == 0:
        raise BusyError(f"an inference was given up ({wait.text}): {hold}; nothing was run")
    hold.ended.wait((POLL_MS if wait is None else wait.step_ms) / 1000)


def _left(wait: Wait | None) -> int | None:
    """What is left of a limit for the run, in milliseconds."""
    left = None if wait is None else wait.left_ms
    return None if left is None else max(left, 1)


class ActiveGraph(Submits):
    """The inference graph of whichever bundle of a pair is active when it is called."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes, in order."""
        return self._turns.sides.active.infer.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives, in order."""
        return self._turns.sides.active.infer.outputs

    @property
    def batches(self) -> tuple[int, ...]:
        """The sizes of its dynamic batch, in the file's order; empty without one."""
        return self._turns.sides.active.infer.batches

    @overload
    def __call__(self, *arrays: Any, out: HostOut = None, ready: Any = None) -> Array: ...

    @overload
    def __call__(self, *arrays: Any, out: Literal["device"], ready: Any = None) -> DeviceArray: ...

    @overload
    def __call__(self, *arrays: Any, out: Out, ready: Any = None) -> Array | DeviceArray: ...

    def __call__(self, *arrays: Any, out: Out = None, ready: Any = None) -> Any:
        """See `Graph`."""
        active, leave = self._turns.enter()
        try:
            return active.infer(*arrays, out=out, ready=ready)
        finally:
            leave()

    @overload
    def run(
        self,
        inputs: Inputs,
        out: HostOut = None,
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs: ...

    @overload
    def run(
        self,
        inputs: Inputs,
        out: Literal["device"],
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs[DeviceArray]: ...

    @overload
    def run(
        self,
        inputs: Inputs,
        out: Out,
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs[Array | DeviceArray]: ...

    def run(
        self,
        inputs: Inputs,
        out: Out = None,
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs[Any]:
        """See `Graph.run`."""
        wait = None if timeout_ms is None else Wait(timeout_ms=timeout_ms)
        active, leave = self._turns.enter(wait)
        try:
            return active.infer.run(inputs, out, timeout_ms=_left(wait), ready=ready)
        finally:
            leave()

    def _submit(
        self, inputs: tuple[Any, ...], timeout_ms: SupportsIndex | None, out: Out, ready: Any
    ) -> Future[Any]:
        active, leave = self._turns.enter()
        try:
            future = active.infer.submit(*inputs, timeout_ms=timeout_ms, out=out, ready=ready)
        except BaseException:
            leave()
            raise
        future.add_done_callback(lambda _: leave())
        return future

    def _stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex,
        timeout_ms: SupportsIndex | None,
        out: Literal["device"] | None,
        ready: Any,
    ) -> Stream[Any]:
        """Each item goes to the bundle that is active when it is taken."""
        options: dict[str, Any] = {"timeout_ms": timeout_ms, "out": out, "ready": ready}
        active, leave = self._turns.enter()
        try:
            active.infer.stream((), depth, **options)  # looks at the arguments
        finally:
            leave()
        return Stream(lambda item: self.submit(item, **options), items, index(depth))
