"""How protobuf writes messages, as far as large ones are taken apart here.

A message is fields, one behind the other: a tag (the field's number, and how it is encoded), for
some a length, and the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acl_bundle.server._bounds.pieces import rest
from acl_bundle.server._protocol.refusal import Refusal, Why

PIECE: Final = 1 << 17
"""Bytes of numbers that are read at once."""
VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5
"""How a value is encoded."""


class WireField(NamedTuple):
    """Where a field of a message lies.

    Attributes:
        number: Its number.
        kind: How its value is encoded.
        begin: Where its tag begins.
        value: Where its value begins, behind the length.
        end: Where it ends.
    """

    number: int
    kind: int
    begin: int
    value: int
    end: int


def fields_of(view: memoryview, at: int, end: int) -> Iterator[WireField]:
    """Yield the fields of a message that lies there.

    Raises:
        Refusal: It is no message.
    """
    while at < end:
        tag, value = _varint(view, at, end)
        kind = tag & 7
        if kind == VARINT:
            _, stop = _varint(view, value, end)
        elif kind == LENGTH:
            nbytes, value = _varint(view, value, end)
            stop = value + nbytes
        elif kind in (FOUR, EIGHT):
            stop = value + (4 if kind == FOUR else 8)
        else:
            raise wrong(f"byte {at} is no tag of a field")
        if stop > end:
            raise wrong(f"the field at byte {at} ends behind the message")
        yield WireField(tag >> 3, kind, at, value, stop)
        at = stop


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    """Return a number, and where it ends: seven bits in each byte, the last one below 128."""
    found = 0
    for place in range(10):
        if at + place >= end:
            raise wrong(f"the number at byte {at} is cut short")
        byte = view[at + place]
        found |= (byte & 127) << 7 * place
        if byte < 128:
            return found, at + place + 1
    raise wrong(f"the number at byte {at} has more than ten bytes")


def varints(part: memoryview, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """Yield the numbers that lie one behind the other; between two pieces other threads run.

    Raises:
        Refusal: They are cut short.
    """
    at = 0
    while at < len(part):
        data = np.frombuffer(part[at : at + PIECE], np.uint8)
        ends = np.flatnonzero(data < 128) + 1
        if not len(ends):
            raise wrong("a number is cut short, or has more than ten bytes")
        yield _decoded(data, ends).astype(dtype)
        at += int(ends[-1])
        if at < len(part):
            rest()


def _decoded(data: NDArray[np.uint8], ends: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Return the numbers that end there; of each as many low bits as the type has are right."""
    begins = np.concatenate(([0], ends[:-1]))
    sizes = ends - begins
    most = int(sizes.max())
    if most > 10:
        raise wrong("a number has more than ten bytes")
    found = (data[begins] & 127).astype(np.uint64)
    for place in range(1, most):
        those = np.flatnonzero(sizes > place)
        bits = (data[begins[those] + place] & 127).astype(np.uint64)
        found[those] |= bits << np.uint64(7 * place)
    return found


def varint_of(number: int) -> bytes:
    """Return an encoded number."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes((*found, number))


def tag_of(number: int, kind: int) -> bytes:
    """Return the tag of a field."""
    return varint_of(number << 3 | kind)


def with_length(number: int, value: bytes) -> bytes:
    """Return a field whose value has a length."""
    return tag_of(number, LENGTH) + varint_of(len(value)) + value


def wrong(text: str) -> Refusal:
    """Return what is told of bytes that are no message."""
    return Refusal(Why.INVALID, f"the request is no message: {text}")
