"""Protobuf's wire format, as much of it as a model definition needs.

Reading is lazy: a :class:`Message` notes where its fields lie the first time
one is asked for, steps over their content, and hands out views. A megabyte
inside a message therefore costs nothing until somebody wants it, and nothing
is ever recursed into on its own. Writing is a handful of functions that
return bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from acl_bundle.om._span import Span

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5
_WIDTH: Final = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}  # bytes behind the key and the varint
_KIND_OF: Final = {0: _VARINT, 4: _FIXED32, 8: _FIXED64}  # of a number, by its width
_KINDS: Final = {
    _VARINT: "a number",
    _FIXED64: "8 bytes",
    _LENGTH: "bytes",
    _FIXED32: "4 bytes",
}


class Message:
    """The fields of one message, by number."""

    __slots__ = ("_fields", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self._fields: dict[int, list[tuple[int, int, int]]] | None = None

    def value(self, number: int) -> int:
        """Return a signed number, 0 when the field is absent; the last one wins."""
        found = self.values(number)
        return found[-1] if found else 0

    def values(self, number: int) -> tuple[int, ...]:
        """Return all numbers of a repeated field, packed or not."""
        found: list[int] = []
        for kind, start, size in self._of(number):
            if kind == _VARINT:
                found.append(_signed(start))
            else:
                found.extend(_packed(self._bytes(kind, start, size, number)))
        return tuple(found)

    def floats(self, number: int) -> tuple[float, ...]:
        """Return all 32-bit floats of a repeated field, packed or not."""
        found: list[float] = []
        for kind, start, size in self._of(number):
            if kind not in (_FIXED32, _LENGTH) or size % 4:
                raise self._wrong(number, kind, "32-bit floats")
            found.extend(struct.unpack_from(f"<{size // 4}f", self.span.view, start))
        return tuple(found)

    def run(self, number: int, width: int = 0) -> memoryview | bytes:
        """Return a repeated field of numbers in its packed form, however it was written.

        A field that was written in one piece is a view.

        Args:
            number: Of the field.
            width: Bytes of each number, 4 or 8; 0 for varints.
        """
        single = _KIND_OF[width]
        parts: list[memoryview | bytes] = []
        for kind, start, size in self._of(number):
            if kind not in (single, _LENGTH) or (width and size % width):
                raise self._wrong(number, kind, f"packed numbers or {_KINDS[single]} each")
            alone = kind == _VARINT
            parts.append(varint(start) if alone else self.span.view[start : start + size])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def text(self, number: int) -> str:
        """Return a string, empty when the field is absent."""
        texts = self.texts(number)
        return texts[-1] if texts else ""

    def texts(self, number: int) -> tuple[str, ...]:
        """Return all strings of a repeated field."""
        found = []
        for kind, start, size in self._of(number):
            if kind != _LENGTH:
                raise self._wrong(number, kind, "bytes")
            raw = bytes(self.span.view[start : start + size])
            found.append(raw.decode("utf-8", "backslashreplace"))
        return tuple(found)

    def spans(self, number: int) -> tuple[Span, ...]:
        """Return where the bytes of a repeated field lie."""
        return tuple(self._bytes(*field, number) for field in self._of(number))

    def span_of(self, number: int) -> Span | None:
        """Return where the bytes of a field lie, None when it is absent."""
        spans = self.spans(number)
        return spans[-1] if spans else None

    def message(self, number: int) -> Message | None:
        """Return an embedded message, None when it is absent."""
        span = self.span_of(number)
        return None if span is None else Message(span)

    def messages(self, number: int) -> Iterator[Message]:
        """Yield the messages of a repeated field."""
        return map(Message, self.spans(number))

    def numbers(self) -> tuple[int, ...]:
        """Return which fields are there, in order of first appearance."""
        return tuple(self._index())

    def _of(self, number: int) -> list[tuple[int, int, int]]:
        return self._index().get(number, [])

    def _bytes(self, kind: int, start: int, size: int, number: int) -> Span:
        if kind != _LENGTH:
            raise self._wrong(number, kind, "bytes")
        return self.span.cut(start, size, f"field {number}")

    def _wrong(self, number: int, kind: int, right: str) -> Exception:
        return self.span.error(0, f"field {number} holds {_KINDS[kind]}, where {right} belong")

    def _index(self) -> dict[int, list[tuple[int, int, int]]]:
        if self._fields is None:
            self._fields = _walk(self.span)
        return self._fields


def _walk(span: Span) -> dict[int, list[tuple[int, int, int]]]:
    """Return number -> [(kind, start, size)]; a varint's start is its value."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    view, at = span.view, 0
    end = len(view)
    while at < end:
        key_at, key = at, view[at]
        at += 1
        if key > 0x7F:
            key, at = _varint(span, key_at)
        if key < 1 << 3:
            raise span.error(key_at, f"a field has number {key >> 3}; they start at 1")
        kind, value = key & 7, 0
        if kind in (_VARINT, _LENGTH):
            value, at = _varint(span, at)
        size = _size(span, key_at, kind, value)
        if size > end - at:
            raise span.error(
                key_at, f"field {key >> 3} claims {size} bytes, but {end - at} are left"
            )
        found.setdefault(key >> 3, []).append((kind, value if kind == _VARINT else at, size))
        at += size
    return found


def _size(span: Span, at: int, kind: int, value: int) -> int:
    if kind == _LENGTH:
        return value
    size = _WIDTH.get(kind)
    if size is None:
        key, _ = _varint(span, at)
        raise span.error(at, f"field {key >> 3} has wire type {kind}; 0, 1, 2 and 5 exist")
    return size


def _varint(span: Span, at: int) -> tuple[int, int]:
    view, value = span.view, 0
    if at < len(view) and view[at] < 0x80:
        return view[at], at + 1
    for index in range(min(10, len(view) - at)):
        byte = view[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + index + 1
    raise span.error(at, "a number does not end within 10 bytes")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _packed(span: Span) -> Iterator[int]:
    at = 0
    while at < len(span):
        value, at = _varint(span, at)
        yield _signed(value)


def varint(value: int) -> bytes:
    """Return a number as a varint; a negative one takes ten bytes."""
    if 0 <= value < len(_SMALL):
        return _SMALL[value]
    value &= 0xFFFFFFFFFFFFFFFF
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


# Nearly every key and length is below 1024.
_SMALL: Final = [bytes([n]) if n < 128 else bytes([n & 0x7F | 0x80, n >> 7]) for n in range(1024)]


def number(field: int, value: int) -> bytes:
    """Return a number field; zero is written too."""
    return varint(field << 3 | _VARINT) + varint(value)


def chunk(field: int, value: bytes | str) -> bytes:
    """Return a field of bytes, a string, or an embedded message."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | _LENGTH) + varint(len(raw)) + raw


def float32(field: int, value: float) -> bytes:
    """Return a 32-bit float field."""
    return varint(field << 3 | _FIXED32) + struct.pack("<f", value)


def packed(field: int, values: Iterable[int]) -> bytes:
    """Return a packed field of numbers."""
    return chunk(field, b"".join(map(varint, values)))
