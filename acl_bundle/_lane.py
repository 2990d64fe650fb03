"""Second ids of graphs, which run behind their callers on streams of their own.

A loaded id keeps for life to the way it was first executed (facts 1.11), so
runs with a timeout and runs in the background have an id of their own, loaded
by `Lanes.load` when the first of them comes. A `Lane` has a few berths, each
with a stream, an event, datasets, device memory and page-locked host memory
for one run; csrc/acl_lane.c says how runs follow each other through them.

What a lane holds belongs to the bundle. A bundle that closes while a run that
was given up is still on the device gives nothing back: the device may yet read
and write all of it.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Any

from acl_bundle._api import (
    BUSY,
    LOWEST_EPOCH,
    NULL,
    RUNNING,
    acl,
    ffi,
    has,
    lib,
    library,
)  # fmt: skip
from acl_bundle._engine import Dataset, dataset, new_engine
from acl_bundle._owner import uninterrupted
from acl_bundle._run import Array, Fit
from acl_bundle._variables import POLL_MS, Variables, Wait
from acl_bundle.device import Device
from acl_bundle.errors import AclTimeoutError, BusyError, ClosedError, UnsupportedError
from acl_bundle.memory import HostBuffer

NEEDS = (
    "aclmdlExecuteAsync",
    "aclrtCreateStream",
    "aclrtCreateEvent",
    "aclrtMallocHost",
    "aclrtMemcpyAsync",
    "aclrtRecordEvent",
    "aclrtStreamQuery",
    "aclrtStreamWaitEvent",
    "aclrtSynchronizeStreamWithTimeout",
)
Stop = Callable[[], Callable[[float], bool] | None]
"""Begins the end of something; returns what waits for it, seconds at most: is it over?"""
NO_BERTH = 2**64 - 1
BERTHS_MAX = 64

_left: list[ExitStack] = []
"""What bundles left to the end of the process, because the device was using it."""


@dataclass(frozen=True)
class Ends:
    """What a berth holds of one graph.

    Attributes:
        inputs: Bytes of each input, in the dataset's order.
        outputs: Bytes of each output.
        gear: Which input takes the gear, and is the library's to fill; or None.
    """

    inputs: Sequence[int]
    outputs: Sequence[int]
    gear: int | None = None


def check_timeout(timeout_ms: int | None) -> None:
    """Refuse what is no time to wait.

    Raises:
        ValueError, TypeError: It is no int of milliseconds above 0.
    """
    Wait("wait", timeout_ms)


def need(symbols: Sequence[str], label: str) -> None:
    """Refuse a library that cannot run a graph behind its callers.

    Raises:
        UnsupportedError: It lacks one of these functions.
    """
    missing = [name for name in symbols if not has(name)]
    if missing:
        raise UnsupportedError(
            f"{label}: {library()} has no {', '.join(missing)}, so this CANN is too old for it"
        )


class Flight:
    """One run of a lane.

    Args:
        lane: The shim's.
        fit: What it is given; kept until it is launched.
    """

    def __init__(self, lane: Any, fit: Fit) -> None:
        self._sources = [ffi.from_buffer(array) for array in fit.sources]
        self._in = ffi.new("void *[]", self._sources)
        self._gear = fit.gear
        self.fit = fit
        self.pointer = ffi.new(
            "ab_flight *", {"lane": lane, "gear": fit.gear, "in": self._in, "berth": NO_BERTH}
        )

    def aim(self, arrays: Sequence[Array]) -> None:
        """Say where the outputs go; the arrays are kept."""
        self._targets = [ffi.from_buffer(array) for array in arrays]
        self._out = ffi.new("void *[]", self._targets)
        self.pointer.out = self._out

    def ask(self, call: Callable[[Any], int], wait_ms: int, last: bool = False) -> int:
        """Make one of the shim's calls."""
        self.pointer.waitMs, self.pointer.last = wait_ms, last
        return int(call(self.pointer))

    @property
    def launched(self) -> bool:
        """Whether it is in a berth."""
        return bool(self.pointer.berth != NO_BERTH)

    def land(self, timeout_ms: int | None, goes_on: Callable[[], bool]) -> int:
        """Wait for the end of the run, and fetch the outputs.

        Args:
            timeout_ms: The longest wait; None for ever.
            goes_on: Asked now and then whether the result is still wanted; if
                not, the run is given up.

        Returns:
            The shim's answer.
        """
        wait = Wait("wait", timeout_ms)
        while True:
            left = wait.left_ms
            last = left is not None and left <= POLL_MS
            answer = self.ask(lib.ab_flight_land, wait.step_ms, last)
            if answer != RUNNING:
                return answer
            if not goes_on():
                return self.ask(lib.ab_flight_land, 0, True)

    def abandon(self) -> None:
        """Let its berth be used again when the run is over, whatever came out of it."""
        lib.ab_flight_abandon(self.pointer)


class Lane:
    """The second id of one graph. Made by `Lanes.lane`.

    Attributes:
        label: The graph, for messages.
        variables: The bundle's.
        pointer: The shim's lane.
    """

    def __init__(
        self,
        owner: Lanes,
        index: int,
        label: str,
        ends: Ends,
        names: tuple[list[str], list[str]],
        depth: int,
    ) -> None:
        self.label, self.variables = label, owner.variables
        self._owner, self._ends, self._names = owner, ends, names
        self._device = owner.device
        with self._device.activated(), ExitStack() as own:
            model = owner.load(own, index)
            berths = [self._berth(own) for _ in range(depth + 1)]
            counts = len(ends.inputs) - (ends.gear is not None), len(ends.outputs)
            self.pointer = lib.ab_lane_new(
                owner.variables.gate, index, model, self._device.context,
                self._device.on_host, *counts,
            )  # fmt: skip
            if self.pointer == NULL:
                raise MemoryError(f"no memory for the lane of {label}")
            for berth in berths:
                lib.ab_lane_add(self.pointer, berth)
            owner.stack.callback(own.pop_all().close)
        self.depth = depth

    def _berth(self, stack: ExitStack) -> Any:
        """Make an ``ab_berth``; it and all it points at are the stack's."""
        stream, event = ffi.new("aclrtStream *"), ffi.new("aclrtEvent *")
        acl.aclrtCreateStream(stream)
        stack.callback(acl.aclrtDestroyStream, stream[0])
        acl.aclrtCreateEvent(event)
        stack.callback(acl.aclrtDestroyEvent, event[0])
        given = dataset(stack, self._ends.inputs)
        taken = dataset(stack, self._ends.outputs)
        slots = [slot for at, slot in enumerate(given.slots) if at != self._ends.gear]
        slots += taken.slots
        tensors = ffi.new("ab_slot[]", slots)
        host = ffi.new("void *[]", [self._pinned(stack, nbytes) for _, nbytes in slots])
        berth = ffi.new(
            "ab_berth *",
            {"stream": stream[0], "executed": event[0], "input": given.handle,
             "output": taken.handle, "tensors": tensors, "host": host},
        )  # fmt: skip
        stack.callback([tensors, host, berth].clear)  # which keeps them until then
        return berth

    def _pinned(self, stack: ExitStack, nbytes: int) -> Any:
        buffer = HostBuffer(max(nbytes, 1))
        stack.callback(buffer.close)
        return buffer.pointer

    def deepen(self, depth: int) -> None:
        """Have room for a run and `depth` more behind it.

        Raises:
            AclError: There is no memory for it; what there was stays.
        """
        if depth <= self.depth:
            return
        with self._owner.opening(self.label):
            while self.depth < depth:
                with self._device.activated(), ExitStack() as own:
                    berth = self._berth(own)
                    lib.ab_lane_add(self.pointer, berth)
                    self._owner.stack.callback(own.pop_all().close)
                self.depth += 1

    @property
    def hung(self) -> bool:
        """Whether a run that was given up is still on the device."""
        return bool(lib.ab_lane_hung(self.pointer))

    def check(self) -> None:
        """Refuse to begin anything while a run that was given up is still on the device.

        Raises:
            BusyError: It is.
            ClosedError: The bundle is closed, or was loaded before a fork.
            PoisonedError: The weights are in an unknown state.
        """
        self.variables.check(self.label)
        if self.hung:
            result = lib.ab_lane_wait(self.pointer, 0)
            if result not in (0, BUSY):
                self.explain(result, None)

    def wait(self) -> int:
        """Wait a little until a run could be launched; the shim's answer."""
        return int(lib.ab_lane_wait(self.pointer, POLL_MS))

    def run(self, fit: Fit, arrays: Sequence[Array], timeout_ms: int) -> int:
        """Run once, and return the epoch that was read.

        Raises:
            AclTimeoutError: It was begun, and was not over in time.
            BusyError: It could not be begun in time, or a run before was given up.
            AclError: Another call failed.
        """
        flight, end = Flight(self.pointer, fit), monotonic() + timeout_ms / 1000
        flight.aim(arrays)
        answer = BUSY
        try:
            while answer in (BUSY, RUNNING):
                left = ceil((end - monotonic()) * 1000)
                if answer == BUSY and left <= 0:
                    raise BusyError(
                        f"{self.label} was not begun in {timeout_ms} ms: an update or other runs"
                        " use it. Nothing runs on, and it can be run again"
                    )
                call = lib.ab_flight_run if answer == BUSY else lib.ab_flight_land
                answer = flight.ask(call, max(min(left, POLL_MS), 0), left <= POLL_MS)
        finally:
            flight.abandon()
        return self.explain(answer, timeout_ms)

    def explain(self, answer: int, timeout_ms: int | None) -> int:
        """Turn an answer into the epoch it stands for, or raise; see `Variables.explain`."""
        if answer >= 0:
            return answer
        try:
            return self.variables.explain(answer, self.label, *self._names)
        except AclTimeoutError as error:
            error.where += (
                f", given up after {timeout_ms} ms: it may be on the device still. Until it is"
                " over, timeouts, submit and stream of this graph and all updates raise BusyError;"
                " runs without timeout_ms and other graphs go on"
            )
            raise


class Lanes:
    """The second ids of one bundle.

    Args:
        stack: The bundle's.
        again: Loads a graph of it once more; see `_load.Loaded`.
        device: Its device.
        variables: Its variables.
        keep: What is kept from being collected while runs wait: the bundle.

    Attributes:
        stack: Gives back what lanes hold.
    """

    def __init__(
        self,
        stack: ExitStack,
        again: Callable[[ExitStack, int], int],
        device: Device,
        variables: Variables,
        keep: weakref.ref[Any],
    ) -> None:
        self.stack = ExitStack()
        self.device, self.variables, self.keep = device, variables, keep
        self._again, self._all = again, stack
        self._lanes: list[Lane] = []
        self._timed: list[tuple[str, Any]] = []
        self._stops: list[Stop] = []
        self._stopped = False
        self._lock = threading.Lock()
        stack.callback(self.stack.close)

    @contextmanager
    def opening(self, label: str) -> Iterator[None]:
        """Be the only one to open something, of a bundle that stays open meanwhile.

        Updates go on: nothing of them is touched.

        Raises:
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        self.variables.check(label)
        kept = self.keep()
        with self._lock, uninterrupted():
            if self._stopped or kept is None:
                raise ClosedError(f"the bundle of {label} was closed, or collected: keep it")
            yield

    def load(self, stack: ExitStack, index: int) -> int:
        """Load a graph of the bundle once more; the context is current.

        Returns:
            The model's id.

        Raises:
            AclError: The device has no room, or the file is not there any more.
        """
        return self._again(stack, index)

    def lane(
        self,
        index: int,
        label: str,
        ends: Ends,
        names: tuple[list[str], list[str]],
        depth: int,
    ) -> Lane:
        """Load a graph's second id, with room for a run and `depth` more behind it.

        Args:
            index: The graph's place in the file.
            label: The graph, for messages.
            ends: What it takes and gives.
            names: Of its inputs and outputs.
            depth: How many.

        Raises:
            UnsupportedError: This CANN lacks what it takes.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: The device has no room.
        """
        need(NEEDS, f"timeouts, submit and stream of {label}")
        with self.opening(label):
            lane = Lane(self, index, label, ends, names, depth)
            self._lanes.append(lane)
            return lane

    def open_timed(self, index: int, label: str, given: Dataset) -> Timed:
        """Load an init or update graph's second id, which can be given up.

        The caller is `Variables.alone`.

        Args:
            index: The graph's place in the file.
            label: The graph, for messages.
            given: Its inputs; shared with the first id.

        Raises:
            UnsupportedError: This CANN lacks what it takes.
            AclError: The device has no room.
        """
        need(NEEDS, f"a timeout of {label}")
        with self.device.activated(), ExitStack() as own:
            model = self.load(own, index)
            stream = ffi.new("aclrtStream *")
            acl.aclrtCreateStream(stream)
            own.callback(acl.aclrtDestroyStream, stream[0])
            taken = dataset(own, [])
            engine = new_engine(self.variables.gate, False, model, self.device, given, taken)
            self.stack.callback(own.pop_all().close)
        timed = Timed(engine, stream[0], self.on_stop)
        self._timed.append((label, timed))
        return timed

    def on_stop(self, stop: Stop) -> None:
        """Have something called when the bundle begins to close, by whoever closes it.

        So it may be called twice, and at once. What it returns is then waited for.
        """
        self._stops.append(stop)
        if self._stopped:
            self.stop()

    def stop(self, deliver: Callable[[], None] = lambda: None) -> None:
        """Begin nothing new, and see the end of what has begun. May be called twice.

        Everybody who closes waits here, a future's callback too. Nobody waits
        before all has been told to stop.

        Args:
            deliver: Called while it waits; raises where it shall not any more.
        """
        with self._lock:
            self._stopped = True
        waits = [stop() for stop in list(self._stops)]
        for over in waits:
            while over is not None and not over(POLL_MS / 1000):
                deliver()
        self._stops.clear()

    def leave_what_hangs(self) -> None:
        """Give nothing of the bundle back if the device still uses it; the gate is closed."""
        hung = [lane.label for lane in self._lanes if lane.hung]
        hung += [label for label, timed in self._timed if not timed.drained]
        if not hung:
            return
        _left.append(self._all.pop_all())
        warnings.warn(
            f"{', '.join(hung)} was given up and is still on the device: what the bundle holds"
            " there, and its count of the device, are left to the end of the process",
            ResourceWarning,
            stacklevel=2,
        )


class Timed:
    """An engine that writes, on a stream, and can be given up. Made by `Lanes.open_timed`.

    Attributes:
        engine: For `Writer.commit` and `Writer.write`.
        on_stop: As that of `Lanes`.
    """

    def __init__(self, engine: Any, stream: Any, on_stop: Callable[[Stop], None]) -> None:
        self.engine, self._stream, self.on_stop = engine, stream, on_stop
        self._used = False

    def within(self, timeout_ms: int) -> Any:
        """Return the engine, whose executes are given up after so many milliseconds.

        Given up: 507046 of aclrtSynchronizeStreamWithTimeout, the gate is left
        poisoned and nothing was undone, as the device may be writing still.
        """
        self._used = True
        lib.ab_engine_time(self.engine, self._stream, timeout_ms)
        return self.engine

    @property
    def drained(self) -> bool:
        """Whether the device has come to the end of all that was begun."""
        return not self._used or bool(lib.ab_engine_drained(self.engine))


def failed(answer: int) -> bool:
    """Whether an answer of the shim is a failure, and no epoch."""
    return answer < LOWEST_EPOCH
