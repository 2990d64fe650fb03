"""Events of other libraries, which say when arrays on the device are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

from acl_bundle._binding.library import need
from acl_bundle._binding.shim import NULL, ffi

WRONG = (
    "ready is {}; give the address of an aclrtEvent, a torch.npu.Event that was recorded, or a"
    " list of them"
)


def events_of(ready: Any) -> list[Any]:
    """The ``aclrtEvent`` handles in what is given as ``ready``; they stay the caller's.

    Raises:
        TypeError: It is no event.
        ValueError: An event is NULL: torch's is, before it was recorded.
        UnsupportedError: The library cannot wait for events.
    """
    if ready is None:
        return []
    need("ready=", ("aclrtSynchronizeEvent", "aclrtStreamWaitEvent"))
    given = list(ready) if isinstance(ready, Sequence) and not isinstance(ready, str) else [ready]
    return [_handle(one) for one in given]


def _handle(event: Any) -> Any:
    address = getattr(event, "npu_event", event)
    if isinstance(address, type(NULL)):
        address = int(ffi.cast("uintptr_t", address))
    if not isinstance(address, SupportsIndex) or isinstance(address, bool):
        raise TypeError(WRONG.format(f"a {type(event).__name__}"))
    if not address.__index__():
        raise ValueError(WRONG.format("NULL"))
    return ffi.cast("aclrtEvent", address.__index__())
