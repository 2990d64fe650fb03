"""Events of other libraries, which say when arrays on the device are written."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

from acl_bundle._base.wait import Wait
from acl_bundle._binding.calls import acl
from acl_bundle._binding.library import has, need
from acl_bundle._binding.shim import NULL, ffi
from acl_bundle.device import Activated
from acl_bundle.errors import AclTimeoutError, BusyError

WRONG = (
    "ready is {}; give the address of an aclrtEvent, a torch.npu.Event that was recorded, or a"
    " list of them"
)
TEXT = str | bytes | bytearray | memoryview


def events_of(ready: Any) -> list[Any]:
    """The ``aclrtEvent`` handles in what is given as ``ready``; they stay the caller's.

    Raises:
        TypeError: It is no event.
        ValueError: An event is NULL: torch's is, before it was recorded; or is no address.
        UnsupportedError: The library cannot wait for events.
    """
    if ready is None:
        return []
    need("ready=", ("aclrtSynchronizeEvent", "aclrtStreamWaitEvent"))
    given = list(ready) if isinstance(ready, Sequence) and not isinstance(ready, TEXT) else [ready]
    return [_handle(one) for one in given]


def _handle(event: Any) -> Any:
    address = getattr(event, "npu_event", event)
    if isinstance(address, type(NULL)):
        address = int(ffi.cast("uintptr_t", address))
    if not isinstance(address, SupportsIndex) or isinstance(address, bool):
        raise TypeError(WRONG.format(f"{event!r:.60}"))
    number = operator.index(address)
    if not 0 < number < 2**64:
        raise ValueError(WRONG.format(hex(number) if number else "NULL"))
    return ffi.cast("aclrtEvent", number)


def wait_for(
    events: Sequence[Any], activated: Activated, what: str, timeout_ms: SupportsIndex | None = None
) -> None:
    """Wait for events on this thread, in short steps where the library has a call for that.

    Args:
        events: Of `events_of`.
        activated: Makes the context of their device the thread's for a while.
        what: What waits, for the message.
        timeout_ms: The longest wait in milliseconds; None for ever.

    Raises:
        BusyError: The time is up.
        AclError: One could not be waited for.
    """
    wait = Wait(timeout_ms=timeout_ms)
    steps = has("aclrtSynchronizeEventWithTimeout")
    for event in events:
        while not _came(event, activated, wait.step_ms if steps else None):
            if wait.left_ms == 0:
                raise BusyError(
                    f"{what} was given up ({wait.text}): an event of ready= has not come. Nothing"
                    " was changed"
                )


def _came(event: Any, activated: Activated, step_ms: int | None) -> bool:
    """Whether it has, within so many milliseconds; None waits for ever."""
    with activated():
        if step_ms is None:
            acl.aclrtSynchronizeEvent(event)
            return True
        try:
            acl.aclrtSynchronizeEventWithTimeout(event, step_ms)
        except AclTimeoutError:
            return False
        return True
