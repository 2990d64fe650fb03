"""Streams, events and pinned memory for one test, and tasks that take their time."""

from __future__ import annotations

import time
from typing import Any

from . import codes
from .face import Acl
from .programs import Tensor, model, onnx_program

X, Y = Tensor("x", (4,)), Tensor("y", (4,))
NEG = model(onnx_program([("Neg", "x", "y")], [X], [Y]), [X], [Y])
STREAM_BUSY, STREAM_DONE = 1, 0


def new_stream(acl: Acl) -> Any:
    """A stream of the current context."""
    stream = acl.new("aclrtStream *")
    assert acl.aclrtCreateStream(stream) == codes.SUCCESS
    return stream[0]


def new_event(acl: Acl, flag: int | None = None) -> Any:
    """An event, with a flag if one is given."""
    event = acl.new("aclrtEvent *")
    if flag is None:
        assert acl.aclrtCreateEvent(event) == codes.SUCCESS
    else:
        assert acl.aclrtCreateEventWithFlag(event, flag) == codes.SUCCESS
    return event[0]


def pinned(acl: Acl, data: bytes | int) -> Any:
    """Memory of aclrtMallocHost that holds these bytes, or so much as it comes."""
    size = data if isinstance(data, int) else len(data)
    pointer = acl.new("void **")
    assert acl.aclrtMallocHost(pointer, size) == codes.SUCCESS
    if isinstance(data, bytes):
        acl.ffi.memmove(pointer[0], data, size)
    return pointer[0]


def content(acl: Acl, pointer: Any, size: int) -> bytes:
    """The bytes of host memory."""
    return bytes(acl.ffi.buffer(pointer, size))


def slow(acl: Acl, function: str, milliseconds: int) -> None:
    """Let every call of a function, or the task it queues, take so long."""
    assert acl.aclfakeLatency(function.encode(), milliseconds * 1_000_000, 0.0) == 0


def stream_status(acl: Acl, stream: Any) -> int:
    """What aclrtStreamQuery answers."""
    status = acl.new("aclrtStreamStatus *")
    assert acl.aclrtStreamQuery(stream, status) == codes.SUCCESS
    return int(status[0])


def until_done(acl: Acl, stream: Any) -> None:
    """Poll until a stream has nothing more to do."""
    while stream_status(acl, stream) == STREAM_BUSY:
        time.sleep(0.001)


class Clock:
    """How long a block took, in milliseconds."""

    def __enter__(self) -> Clock:
        self._start = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.ms = (time.monotonic() - self._start) * 1000
