"""An HTTP server whose answers can be made to fail, one by one.

It serves the files of a folder, with ETags and ranges, or passes requests on to another server.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CUT = "cut"
"""The connection is closed in the middle of the body."""
SILENT = "silent"
"""Nothing more comes in the middle of the body, until the server ends."""
_HOP = {"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"}


class Request(NamedTuple):
    """One that came."""

    method: str
    path: str
    range: str | None


class Answer(NamedTuple):
    """What is sent."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


Fault = Callable[[Request], int | str | None]


class Web(ThreadingHTTPServer):
    """A server on a port of its own.

    Attributes:
        seen: The requests that came.
        fault: What is wrong with the answer to a request: a status, `CUT`, `SILENT` or None.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[_Handler], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.seen: list[Request] = []
        self.fault: Fault = lambda _: None
        self.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may close its connection whenever it likes."""

    def of(self, kind: str) -> list[Request]:
        """The requests for what ends so."""
        return [one for one in self.seen if one.path.endswith(kind)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def log_message(self, *_: object) -> None:
        """Not on stderr."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        request = Request(self.command, self.path, self.headers.get("Range"))
        self.server.seen.append(request)
        fault = self.server.fault(request)
        if isinstance(fault, int):
            answer = Answer(fault, {}, b"an answer that the test asked for")
        else:
            answer = self.server.answer(self)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD" or answer.status == 304:
            return
        if isinstance(fault, str):
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            if fault == SILENT:
                self.server.ended.wait()
            self.close_connection = True
        else:
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer


@contextmanager
def _serving(answer: Callable[[_Handler], Answer]) -> Iterator[Web]:
    with Web(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


@contextmanager
def files(folder: Path, *, ranges: bool = True) -> Iterator[Web]:
    """Serve the files of a folder; without ranges, whatever is asked for, all of a file."""

    def answer(handler: _Handler) -> Answer:
        path = folder / handler.path.lstrip("/")
        if not path.is_file():
            return Answer(404, {})
        body = path.read_bytes()
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        headers = {"ETag": etag, "Last-Modified": "Sun, 29 Nov 2026 10:00:00 GMT"}
        if handler.headers.get("If-None-Match") == etag:
            return Answer(304, headers)
        asked = handler.headers.get("Range")
        if asked is None or not ranges:
            return Answer(200, headers, body)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1]
        headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"
        return Answer(206, headers, part)

    with _serving(answer) as server:
        yield server


@contextmanager
def passing_on(port: int) -> Iterator[Web]:
    """Pass all requests on to the server at a port of this machine."""

    def answer(handler: _Handler) -> Answer:
        upstream = HTTPConnection("127.0.0.1", port)
        headers = dict(handler.headers.items())
        upstream.request(handler.command, handler.path, handler.body, headers)
        found = upstream.getresponse()
        kept = {name: value for name, value in found.getheaders() if name.lower() not in _HOP}
        if handler.command == "HEAD":
            kept["Content-Length"] = found.getheader("Content-Length") or "0"
        body = found.read()
        upstream.close()
        return Answer(found.status, kept, body)

    with _serving(answer) as server:
        yield server


def wide(version: int, nbytes: int = 20 << 20) -> dict[str, NDArray[Any]]:
    """Weights of several ranges, each element of them the version's number."""
    return {"w": np.full(nbytes // 4, version, np.float32)}
