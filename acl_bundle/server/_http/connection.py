"""A connection of uvicorn's that is bounded in what uvicorn bounds not: bytes of a head, and time.

A client that sends a header for ever, or one byte a minute, would keep memory and a connection.
The head of a request, and then each MiB of its body, must come in within some seconds; and a
client must read each MiB of its answer in as long. What uvicorn says in plain text, this says in
JSON. A client that goes ends what is done for it.
"""

from __future__ import annotations

import json
from asyncio import CancelledError, Task, TimerHandle, current_task
from collections.abc import Callable, Mapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from acl_bundle.server._protocol.refusal import Refusal, Why

HEAD_MAX: Final = 64 << 10
PIECE: Final = 1 << 20
_KEY: Final = "acl_bundle.connection"


class WhileThere:
    """Around what is done for a client: cancels this task when the client goes.

    Raises:
        Refusal: The client has gone.
    """

    __slots__ = ("_connection",)

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._connection: Any = scope["extensions"][_KEY]

    def __enter__(self) -> None:
        if self._connection.gone:
            raise _gone()
        self._connection.task = current_task()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.task = None
        if kind is CancelledError and self._connection.gone:
            raise _gone() from None


def _gone() -> Refusal:
    return Refusal(Why.GONE, "the client has gone")


def connection(seconds: float, most: int) -> type[HttpToolsProtocol]:
    """Return the class of connections.

    Args:
        seconds: In which a client sends, and reads, so much.
        most: How many connections are served; requests on one more are refused.
    """

    class Connection(HttpToolsProtocol):
        gone = False
        task: Task[Any] | None = None
        """What the client waits for."""
        _head: int | None = 0
        """Bytes of the head so far; None while none comes in."""
        _piece = 0
        _unread = 0
        _timer: TimerHandle | None = None
        _due = 0.0
        _then: Callable[[], None] | None = None
        """What is to be done at that time; a timer that fires before it waits on."""

        def _within(self, then: Callable[[], None]) -> None:
            """Do something in so many seconds, unless this or `_end` is called before."""
            self._due, self._then = self.loop.time() + seconds, then
            if self._timer is None:
                self._timer = self.loop.call_at(self._due, self._fire)

        def _fire(self) -> None:
            self._timer, then = None, self._then
            if then is not None and self.loop.time() < self._due:
                self._timer = self.loop.call_at(self._due, self._fire)
            elif then is not None:
                self._then = None
                then()

        def _begin(self) -> None:
            self._piece = 0
            self._within(self._late)

        def _end(self) -> None:
            self._then = None

        def _late(self) -> None:
            text = (
                f"the request did not come in: {seconds} seconds, the limit of this server, passed"
            )
            self._refuse(b"408 Request Timeout", text)

        def send_400_response(self, msg: str) -> None:
            self._refuse(b"400 Bad Request", msg)

        def _refuse(self, status: bytes, text: str) -> None:
            if not self.transport.is_closing():
                body = json.dumps({"error": text}).encode()
                self.transport.write(
                    b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                    b"connection: close\r\n\r\n%s" % (status, len(body), body)
                )
                self.transport.close()

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._begin()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end()
            if self._timer is not None:
                self._timer.cancel()
            self.gone = True
            if self.task is not None:
                self.task.cancel()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._head is not None:
                self._head += len(data)
            super().data_received(data)
            if self._head is not None and self._head > HEAD_MAX:
                self._end()
                text = f"the head is larger than {HEAD_MAX} bytes"
                self._refuse(b"431 Request Header Fields Too Large", text)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            scope: Any = self.scope
            scope["extensions"] = {_KEY: self}
            self._head = 0 if self._head is None else self._head
            self._begin()

        def on_headers_complete(self) -> None:
            self._head = None
            self._begin()
            ours = self.app
            if len(self.connections) > most:
                self.app = _overloaded
            super().on_headers_complete()
            self.app = ours

        def on_body(self, body: bytes) -> None:
            self._piece += len(body)
            if self._piece >= PIECE:
                self._begin()
            super().on_body(body)

        def pause_writing(self) -> None:
            """The client does not read its answer, of which more waits than a buffer holds."""
            super().pause_writing()
            self._watch()

        def _watch(self) -> None:
            self._unread = self.transport.get_write_buffer_size()
            self._within(self._look)

        def _look(self) -> None:
            if self._unread - self.transport.get_write_buffer_size() < PIECE:
                self.transport.abort()
            else:
                self._watch()

        def resume_writing(self) -> None:
            self._end()
            super().resume_writing()

        def on_message_complete(self) -> None:
            self._end()
            super().on_message_complete()
            if not self.pipeline:  # a large body stopped reading, which tells that a client goes
                self.flow.resume_reading()

    return Connection


async def _overloaded(_: Any, __: Any, send: Any) -> None:
    text = "as many connections are open as this server takes; try later"
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"), (b"retry-after", b"1"),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
