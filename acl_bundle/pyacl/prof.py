"""`acl.prof`: what no pattern says of it.

A subscription reads the pipe's descriptor later, and writes -1 there in the end, so the place of
each descriptor stays (pyACL's moves when there are more).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acl_bundle._binding.shim import ffi
from acl_bundle.pyacl.structs import address

__all__ = ["FUNCTIONS", "forget"]

Raw = Callable[..., Any]
LONGEST = 4096  # what pyACL takes for the length of a name or a type
INVALID = 100000

_descriptors: list[Any] = []


def forget() -> None:
    """Let go of all descriptors' places: the library has forgotten its subscriptions."""
    _descriptors.clear()


def init(raw: Raw, path: str) -> Any:
    """Begin with files below a folder."""
    return raw(path, len(path.encode()))


def create_config(raw: Raw, devices: list[Any], metrics: int, events: int, switches: int) -> Any:
    """Make a configuration of the devices in a list."""
    if not all(isinstance(one, int) for one in devices):
        raise TypeError("the first argument is not list of int")
    try:
        numbers = ffi.new("uint32_t[]", [*devices, 0])
    except OverflowError as error:
        raise ValueError(f"acl.prof.create_config: {devices} holds no device: {error}") from None
    return raw(address(numbers), len(devices), metrics, events, switches)


def set_config(raw: Raw, kind: int, value: str) -> Any:
    """Set one of the profiler's options."""
    return raw(kind, value, len(value.encode()))


def create_subscribe_config(raw: Raw, times: int, metrics: int, fd: int) -> Any:
    """Make a configuration of a subscription, with the pipe's end for writing."""
    place = ffi.new("int *", fd)
    made = raw(times, metrics, address(place))
    if made:
        _descriptors.append(place)
    return made


def _text(raw: Raw, where: int, size: int, index: int, room: int) -> tuple[str, int]:
    text = ffi.new("char[]", room + 1)
    ret = raw(where, size, index, address(text), room)
    return ffi.string(text).decode("utf-8", "replace"), ret


def get_text(raw: Raw, where: int, size: int, index: int, room: int) -> tuple[str, int]:
    """Return a name or a type, of at most so many bytes, and ret."""
    if room > LONGEST:
        return "", INVALID
    return _text(raw, where, size, index, room)


def get_text_v2(raw: Raw, where: int, size: int, index: int) -> tuple[str | None, int]:
    """Return a name or a type of any length, and ret."""
    text, ret = _text(raw, where, size, index, LONGEST)
    return (None if ret else text), ret


def mark_ex(raw: Raw, message: str, stream: int) -> Any:
    """Mark a place in the order of a stream."""
    return raw(message, len(message.encode()), stream)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "acl.prof.init": init,
    "acl.prof.create_config": create_config,
    "acl.prof.set_config": set_config,
    "acl.prof.create_subscribe_config": create_subscribe_config,
    "acl.prof.get_op_type": get_text,
    "acl.prof.get_op_name": get_text,
    "acl.prof.get_op_type_v2": get_text_v2,
    "acl.prof.get_op_name_v2": get_text_v2,
    "acl.prof.mark_ex": mark_ex,
}
