"""A second id of one graph, which runs behind its callers on streams of its own.

A runner has a few slots, each with a stream, an event, datasets, device memory
and page-locked host memory for one run; csrc/serve/runner.c says how runs follow
each other through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Any

from acl_bundle._async.request import Request
from acl_bundle._async.second_ids import SecondIds, need_streams
from acl_bundle._base.owner import Taken
from acl_bundle._base.wait import POLL_MS
from acl_bundle._binding.calls import acl, pointed
from acl_bundle._binding.failures import BUSY, RUNNING
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._device.memory import HostBuffer
from acl_bundle._run.engine import dataset
from acl_bundle._run.fit import Fit
from acl_bundle.errors import AclTimeoutError, BusyError

SLOTS_MAX = lib.AB_SLOTS_MAX


@dataclass(frozen=True)
class SlotSizes:
    """What a slot holds of one graph.

    Attributes:
        inputs: Bytes of each input, in the dataset's order.
        outputs: Bytes of each output.
        gear: Which input takes the gear, and is the library's to fill; or None.
    """

    inputs: Sequence[int]
    outputs: Sequence[int]
    gear: int | None = None


class Runner:
    """The second id of one graph. Made by `open_runner`.

    Attributes:
        label: The graph, for messages.
        variables: The bundle's.
        pointer: The shim's runner.
        left: What runs that nobody waits for were given of the device, until they are over.
    """

    def __init__(
        self,
        owner: SecondIds,
        index: int,
        label: str,
        sizes: SlotSizes,
        names: tuple[list[str], list[str]],
        depth: int,
    ) -> None:
        self.label, self.variables = label, owner.variables
        self.left: list[Fit] = []
        self._owner, self._sizes, self._names = owner, sizes, names
        self._device = owner.device
        with self._device.activated(), Taken() as own:
            model = owner.load(own, index)
            slots = [self._slot(own) for _ in range(depth + 1)]
            counts = len(sizes.inputs) - (sizes.gear is not None), len(sizes.outputs)
            self.pointer = lib.ab_runner_new(
                owner.variables.gate, index, model, self._device.context,
                self._device.on_host, *counts,
            )  # fmt: skip
            if self.pointer == NULL:
                raise MemoryError(f"no memory for the runner of {label}")
            for slot in slots:
                lib.ab_runner_add(self.pointer, slot)
            owner.stack.callback(own.pop_all().close)
            owner.stack.callback(self.left.clear)
        self.depth = depth

    def _slot(self, stack: ExitStack) -> Any:
        """Make an ``ab_slot``; it and all it points at are the stack's."""
        stream, event = ffi.new("aclrtStream *"), ffi.new("aclrtEvent *")
        acl.aclrtCreateStream(stream)
        pointed("aclrtCreateStream", stream[0])
        stack.callback(acl.aclrtDestroyStream, stream[0])
        acl.aclrtCreateEvent(event)
        pointed("aclrtCreateEvent", event[0])
        stack.callback(acl.aclrtDestroyEvent, event[0])
        inputs = dataset(stack, self._sizes.inputs)
        outputs = dataset(stack, self._sizes.outputs)
        tensors = [one for at, one in enumerate(inputs.tensors) if at != self._sizes.gear]
        tensors += outputs.tensors
        places = ffi.new("ab_tensor[]", tensors)
        host = ffi.new("void *[]", [self._pinned(stack, nbytes) for _, nbytes, _ in tensors])
        slot = ffi.new(
            "ab_slot *",
            {"stream": stream[0], "executed": event[0], "input": inputs.handle,
             "output": outputs.handle, "tensors": places, "host": host},
        )  # fmt: skip
        stack.callback([places, host, slot].clear)  # which keeps them until then
        return slot

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
                    slot = self._slot(own)
                    lib.ab_runner_add(self.pointer, slot)
                    self._owner.stack.callback(own.pop_all().close)
                self.depth += 1

    @property
    def hung(self) -> bool:
        """Whether a run that was given up is still on the device."""
        return bool(lib.ab_runner_hung(self.pointer))

    def check(self) -> None:
        """Refuse to begin anything while a run that was given up is still on the device.

        Raises:
            BusyError: It is.
            ClosedError: The bundle is closed, or was loaded before a fork.
            PoisonedError: The weights are in an unknown state.
        """
        self.variables.check(self.label)
        self._forget()
        if self.hung:
            result = lib.ab_runner_wait(self.pointer, 0)
            if result not in (0, BUSY):
                self.explain(result, None)

    def _forget(self) -> None:
        """Let go what runs were given that nobody waits for and that are over."""
        if self.left and lib.ab_runner_idle(self.pointer):
            self.left.clear()

    def wait(self) -> int:
        """Wait a little until a run could start; the shim's answer."""
        return int(lib.ab_runner_wait(self.pointer, POLL_MS))

    def run(self, fit: Fit, timeout_ms: int) -> int:
        """Run once, and return the epoch that was read.

        Raises:
            AclTimeoutError: It was begun, and was not over in time.
            BusyError: It could not be begun in time, or a run before was given up.
            AclError: Another call failed.
        """
        self._forget()
        request, end = Request(self.pointer, fit), monotonic() + timeout_ms / 1000
        answer = BUSY
        try:
            while answer in (BUSY, RUNNING):
                left = ceil((end - monotonic()) * 1000)
                if answer == BUSY and left <= 0:
                    raise BusyError(
                        f"{self.label} was not begun in {timeout_ms} ms: an update or other runs"
                        " use it. Nothing runs on, and it can be run again"
                    )
                call = lib.ab_request_run if answer == BUSY else lib.ab_request_wait
                answer = request.ask(call, max(min(left, POLL_MS), 0), left <= POLL_MS)
        finally:
            request.drop(self.left)
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


def open_runner(
    second_ids: SecondIds,
    index: int,
    label: str,
    sizes: SlotSizes,
    names: tuple[list[str], list[str]],
    depth: int,
) -> Runner:
    """Load a graph's second id, with room for a run and `depth` more behind it.

    Args:
        second_ids: The bundle's.
        index: The graph's place in the file.
        label: The graph, for messages.
        sizes: Of its inputs and outputs in bytes.
        names: Of its inputs and outputs.
        depth: How many.

    Raises:
        UnsupportedError: This CANN lacks what it takes.
        ClosedError: The bundle is closed, or was loaded before a fork.
        AclError: The device has no room.
    """
    need_streams(f"timeouts, submit and stream of {label}")
    with second_ids.opening(label):
        runner = Runner(second_ids, index, label, sizes, names, depth)
        second_ids.watch(label, lambda: runner.hung)
        return runner
