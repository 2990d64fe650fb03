"""Engines that write and can be given up: the second ids of init and update graphs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from acl_bundle._async.second_ids import SecondIds, Stop, need_streams
from acl_bundle._base.owner import Taken
from acl_bundle._base.wait import Wait
from acl_bundle._binding.calls import acl, pointed
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run.engine import Dataset, dataset, new_engine

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_engine


class Timed:
    """An engine that writes, on a stream, and can be given up. Made by `open_timed`.

    Attributes:
        engine: For `Writer.commit` and `Writer.write`.
        on_stop: As that of `SecondIds`.
    """

    def __init__(self, engine: ab_engine, stream: Any, on_stop: Callable[[Stop], None]) -> None:
        self.engine = engine
        self.on_stop: Callable[[Stop], None] = on_stop
        self._stream = stream
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


def open_timed(second_ids: SecondIds, index: int, label: str, given: Dataset) -> Timed:
    """Load an init or update graph's second id, which can be given up.

    The caller is `Variables.alone`.

    Args:
        second_ids: The bundle's.
        index: The graph's place in the file.
        label: The graph, for messages.
        given: Its inputs; shared with the first id.

    Raises:
        UnsupportedError: This CANN lacks what it takes.
        AclError: The device has no room.
    """
    need_streams(f"a timeout of {label}")
    device = second_ids.device
    with device.activated(), Taken() as own:
        model = second_ids.load(own, index)
        stream = ffi.new("aclrtStream *")
        acl.aclrtCreateStream(stream)
        pointed("aclrtCreateStream", stream[0])
        own.callback(acl.aclrtDestroyStream, stream[0])
        taken = dataset(own, [])
        engine = new_engine(second_ids.variables.gate, False, model, device, given, taken)
        second_ids.stack.callback(own.pop_all().close)
    timed = Timed(engine, stream[0], second_ids.on_stop)
    second_ids.watch(label, lambda: not timed.drained)
    return timed


class Stopwatch:
    """The engine of one graph that can be given up, loaded when the first limit is set."""

    def __init__(self, second_ids: SecondIds, index: int, label: str, given: Dataset) -> None:
        self._open = partial(open_timed, second_ids, index, label, given)
        self._timed: Timed | None = None

    def __call__(self, wait: Wait) -> Timed | None:
        """The engine, where there is a limit; raises UnsupportedError where it cannot be had."""
        if wait.device_ms is None:
            return None
        if self._timed is None:
            self._timed = self._open()
        return self._timed


def engine_for(usual: ab_engine, timed: Timed | None, wait: Wait) -> ab_engine:
    """The engine of a run: one that can be given up where there is a time limit."""
    return usual if timed is None or wait.device_ms is None else timed.within(wait.device_ms)
