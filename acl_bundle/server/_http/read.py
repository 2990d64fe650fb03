"""Reading a request's body: bounded in bytes, and unpacked where it is packed.

How long it may take, the connection knows.
"""

from __future__ import annotations

import zlib

from starlette.requests import Request

from acl_bundle.server._bounds.bodies import HeldBody
from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._protocol.refusal import Refusal, Why

PACKED = {"gzip": 31, "deflate": 15}
"""The content encodings, and zlib's window bits for them."""


async def body_of(request: Request, most: int, held: HeldBody, threads: Threads) -> bytes:
    """Read the body.

    Args:
        request: Whose.
        most: Bytes, as they come and unpacked.
        held: Counts what is in memory.
        threads: Unpack it.

    Raises:
        Refusal: It is larger, or packed in another way, or there is no room for it.
        ClientDisconnect: The client has gone.
    """
    length = request.headers.get("content-length", "0")
    if length.isdigit() and (len(length) > 20 or int(length) > most):
        raise _too_large(length[:20], most)
    body = await _read(request, most, held)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    found = await threads.run(_unpacked, body, encoding, most)  # seconds, of a large one
    held.add(max(len(found) - len(body), 0))  # the packed bytes go
    return found


async def _read(request: Request, most: int, held: HeldBody) -> bytes:
    """A body that came in one piece is not copied."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(f"more than {most}", most)
        if part:
            held.add(len(part))
            parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(nbytes: str, most: int) -> Refusal:
    return Refusal(Why.TOO_LARGE, f"the body has {nbytes} bytes; at most {most} are taken")


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    bits = PACKED.get(encoding)
    if bits is None:
        known = ", ".join(PACKED)
        raise Refusal(
            Why.ENCODING, f"content-encoding is {encoding[:40]!r}; {known} or none is right"
        )
    unpack = zlib.decompressobj(bits)
    try:
        found = unpack.decompress(body, most + 1)
    except zlib.error as error:
        raise Refusal(Why.INVALID, f"the body is no {encoding}: {error}") from None
    if len(found) > most:
        raise _too_large(f"more than {most}", most)
    if not unpack.eof or unpack.unused_data:
        raise Refusal(Why.INVALID, f"the body is cut short, or has bytes behind its {encoding}")
    return found
