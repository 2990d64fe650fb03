"""Events of other libraries, which say when arrays on the device are written."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

from acl_bundle._binding.library import need
from acl_bundle._binding.shim import NULL, ffi

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
