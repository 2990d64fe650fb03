"""A second id of one graph, which runs behind its callers on streams of its own.

A lane has a few berths, each with a stream, an event, datasets, device memory
and page-locked host memory for one run; csrc/acl_lane.c says how runs follow
each other through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Any

from acl_bundle._async.request import Flight
from acl_bundle._async.runners import Lanes, need_streams
from acl_bundle._base.owner import Taken
from acl_bundle._base.wait import POLL_MS
from acl_bundle._binding.api import BUSY, NULL, RUNNING, acl, ffi, lib, pointed
from acl_bundle._run.engine import dataset
from acl_bundle._run.memory import HostBuffer
from acl_bundle._run.run import Array, Fit
from acl_bundle.errors import AclTimeoutError, BusyError

BERTHS_MAX = 64


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


class Lane:
    """The second id of one graph. Made by `open_lane`.

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
        with self._device.activated(), Taken() as own:
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
        pointed("aclrtCreateStream", stream[0])
        stack.callback(acl.aclrtDestroyStream, stream[0])
        acl.aclrtCreateEvent(event)
        pointed("aclrtCreateEvent", event[0])
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
                with self._device.activated(), Taken() as own:
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


def open_lane(
    lanes: Lanes,
    index: int,
    label: str,
    ends: Ends,
    names: tuple[list[str], list[str]],
    depth: int,
) -> Lane:
    """Load a graph's second id, with room for a run and `depth` more behind it.

    Args:
        lanes: The bundle's.
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
    need_streams(f"timeouts, submit and stream of {label}")
    with lanes.opening(label):
        lane = Lane(lanes, index, label, ends, names, depth)
        lanes.watch(label, lambda: lane.hung)
        return lane
