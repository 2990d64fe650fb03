"""Protobuf's wire format, read: as much of it as a model definition needs.

Reading keeps nothing: a :class:`Message` is a piece of the file, and each
question walks over its fields in C (csrc/wire/wire.c), steps over their content,
and hands out views. A megabyte inside a message therefore costs nothing until
somebody wants it, a field costs nothing unless it is asked for, and nothing is
ever recursed into on its own. Where an answer is a Python object per field,
there may be only as many as the bytes of the message pay for; a file that
claims more is refused, whoever wrote it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

from acl_bundle._acl import ffi, lib
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._proto.encode import varint

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5
_GROUP: Final = 3
_GROUP_END: Final = 4
_SHORT: Final = 5  # bytes of a tag or a size at most
_WIDTH: Final = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}  # bytes behind the key and the varint
_KIND_OF: Final = {0: _VARINT, 4: _FIXED32, 8: _FIXED64}  # of a number, by its width
_KINDS: Final = {
    _VARINT: "a number",
    _FIXED64: "8 bytes",
    _LENGTH: "bytes",
    _FIXED32: "4 bytes",
}
_FIELD: Final = struct.Struct("=IIQQ")  # ab_field
_ROOM: Final = 32  # fields that one walk brings
_ESCAPED_MAX: Final = 1 << 16
NUMBERS_MAX: Final = 1 << 14
"""How many numbers one attribute, or one shape, may list."""
SPANS_FREE, SPAN_BYTES = 1024, 32
"""A repeated field may be there so often, and once more for each so many bytes of its message."""


class Message:
    """The fields of one message, by number, from 1 to 63."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span: Span = span

    def value(self, number: int) -> int:
        """Return a signed number, 0 when the field is absent; the last one wins."""
        last = self._last(number)
        if last is None:
            return 0
        kind, start, size = last
        if kind == _VARINT:
            return _signed(start)
        return (0, *self._packed(kind, start, size, number))[-1]

    def values(self, number: int) -> tuple[int, ...]:
        """Return all numbers of a repeated field, packed or not.

        Raises:
            BundleFormatError: There are more than `NUMBERS_MAX`.
        """
        found: list[int] = []
        for kind, start, size in self._of(number):
            if kind == _VARINT:
                found.append(_signed(start))
            else:
                found.extend(self._packed(kind, start, size, number))
            self._check_count(number, len(found), NUMBERS_MAX)
        return tuple(found)

    def floats(self, number: int) -> tuple[float, ...]:
        """Return all 32-bit floats of a repeated field, packed or not.

        Raises:
            BundleFormatError: There are more than `NUMBERS_MAX`.
        """
        found: list[float] = []
        for kind, start, size in self._of(number):
            if kind not in (_FIXED32, _LENGTH) or size % 4:
                raise self.wrong(number, kind, "32-bit floats")
            self._check_count(number, len(found) + size // 4, NUMBERS_MAX)
            found.extend(struct.unpack_from(f"<{size // 4}f", self.span.view, start))
        return tuple(found)

    def run(self, number: int, width: int = 0) -> memoryview | bytes:
        """Return a repeated field of numbers in its packed form, however it was written.

        A field that was written in one piece is a view.

        Args:
            number: Of the field.
            width: Bytes of each number, 4 or 8; 0 for varints.
        """
        single, joined = _KIND_OF[width], bytearray()
        part: memoryview | bytes = b""
        for kind, start, size in self._of(number):
            if kind not in (single, _LENGTH) or (width and size % width):
                raise self.wrong(number, kind, f"packed numbers or {_KINDS[single]} each")
            joined += part
            alone = kind == _VARINT
            part = varint(_signed(start)) if alone else self.span.view[start : start + size]
        return bytes(joined + part) if joined else part

    def text(self, number: int) -> str:
        """Return a string, empty when the field is absent; the last one wins."""
        span = self.span_of(number)
        return "" if span is None else text(span)

    def texts(self, number: int) -> tuple[str, ...]:
        """Return all strings of a repeated field."""
        return tuple(map(text, self.spans(number)))

    def spans(self, number: int) -> Iterator[Span]:
        """Yield where the bytes of a repeated field lie.

        Raises:
            BundleFormatError: There are more than the message's bytes pay for.
        """
        self.check_spans(number)
        for field in self._of(number):
            yield self._bytes(*field, number)

    def check_spans(self, number: int) -> int:
        """Return how often a field is there, as `count` does.

        Raises:
            BundleFormatError: There are more than the message's bytes pay for.
        """
        count = self.count(number)
        self._check_count(number, count, SPANS_FREE + len(self.span) // SPAN_BYTES)
        return count

    def span_of(self, number: int) -> Span | None:
        """Return where the bytes of a field lie, None when it is absent; the last one wins."""
        last = self._last(number)
        return None if last is None else self._bytes(*last, number)

    def message(self, number: int) -> Message | None:
        """Return an embedded message, None when it is absent."""
        span = self.span_of(number)
        return None if span is None else Message(span)

    def head(self, number: int) -> Message | None:
        """Return the first message of a repeated field, None when there is none."""
        at, room = ffi.new("uint64_t *"), ffi.new("ab_field *")
        found = lib.ab_wire_fields(*self._data(), 1 << number, at, room, 1)
        self._check(found, at[0])
        return Message(self._bytes(room.kind, room.at, room.size, number)) if found else None

    def messages(self, number: int) -> Iterator[Message]:
        """Yield the messages of a repeated field, as `spans` does."""
        return map(Message, self.spans(number))

    def count(self, number: int) -> int:
        """Return how often a field is there."""
        return self._walk_all(number)[0]

    def first(self, numbers: Iterable[int]) -> int:
        """Return which of these fields stands first, 0 when none does."""
        at, room = ffi.new("uint64_t *"), ffi.new("ab_field *")
        found = lib.ab_wire_fields(*self._data(), sum(1 << one for one in numbers), at, room, 1)
        self._check(found, at[0])
        return int(room.number) if found else 0

    def entry(self, number: int, key: str) -> Message | None:
        """Return the value of a map's entry, None when the key is absent; the last one wins."""
        at, value, raw = ffi.new("uint64_t *"), ffi.new("ab_field *"), key.encode()
        found = lib.ab_wire_entry(*self._data(), number, at, raw, len(raw), value)
        self._check(found, at[0])
        return Message(self._bytes(value.kind, value.at, value.size, number)) if found else None

    def _of(self, number: int) -> Iterator[tuple[int, int, int]]:
        """Yield kind, start and size of each; a varint's start is its value."""
        data, at = self._data(), ffi.new("uint64_t *")
        fields = ffi.new("ab_field[]", _ROOM)
        while at[0] < data[1]:
            count = lib.ab_wire_fields(*data, 1 << number, at, fields, _ROOM)
            self._check(count, at[0])
            raw = ffi.buffer(fields, count * _FIELD.size)
            yield from [(kind, start, size) for _, kind, start, size in _FIELD.iter_unpack(raw)]

    def _last(self, number: int) -> tuple[int, int, int] | None:
        count, field = self._walk_all(number)
        return (field.kind, field.at, field.size) if count else None

    def _walk_all(self, number: int) -> tuple[int, Any]:
        at, field = ffi.new("uint64_t *"), ffi.new("ab_field *")
        count = lib.ab_wire_last(*self._data(), 1 << number, at, field)
        self._check(count, at[0])
        return int(count), field

    def _data(self) -> tuple[Any, int]:
        return ffi.from_buffer(self.span.view), len(self.span.view)

    def _check(self, count: int, at: int) -> None:
        if count < 0:
            raise damage(self.span, at)

    def _check_count(self, number: int, count: int, most: int) -> None:
        if count > most:
            raise self.span.error(
                0,
                f"field {number} is there more than {most} times in {len(self.span)} bytes; no"
                " file that a compiler wrote has so many",
            )

    def _bytes(self, kind: int, start: int, size: int, number: int) -> Span:
        if kind != _LENGTH:
            raise self.wrong(number, kind, "bytes")
        return self.span.cut(start, size, f"field {number}")

    def _packed(self, kind: int, start: int, size: int, number: int) -> list[int]:
        span = self._bytes(kind, start, size, number)
        found, at = [], 0
        while at < len(span):
            value, at = _varint(span, at)
            found.append(_signed(value))
            self._check_count(number, len(found), NUMBERS_MAX)
        return found

    def wrong(self, number: int, kind: int, right: str) -> Exception:
        """Make the exception that says what a field holds and should not."""
        return self.span.error(0, f"field {number} holds {_KINDS[kind]}, where {right} belong")


def text(span: Span) -> str:
    """Decode a text; a short one that is not UTF-8 keeps its bytes as escapes."""
    try:
        return str(span.view, "utf-8")
    except UnicodeDecodeError as error:
        if len(span) > _ESCAPED_MAX:
            raise span.error(error.start, f"a text of {len(span)} bytes is not UTF-8") from None
        return str(span.view, "utf-8", "backslashreplace")


def damage(span: Span, at: int) -> Exception:
    """Say what is wrong with the field at ``at``."""
    key, behind = _varint(span, at)
    if behind - at > _SHORT or key >> 32:
        return span.error(at, f"a field's tag takes more than {_SHORT} bytes, or 32 bits")
    number, kind = key >> 3, key & 7
    if not number:
        return span.error(at, "a field has number 0; they start at 1")
    return span.error(at, f"field {number} {_damage(span, behind, kind)}")


def _damage(span: Span, start: int, kind: int) -> str:
    """The same, of what follows the tag."""
    if kind in (_GROUP, _GROUP_END):
        return "is a group that does not end, or did not start"
    if kind not in _KINDS:
        return f"has wire type {kind}; 0 to 5 exist"
    numbered = kind in (_VARINT, _LENGTH)
    value, behind = _varint(span, start) if numbered else (0, start)
    size = value if kind == _LENGTH else _WIDTH[kind]
    if kind == _LENGTH and behind - start > _SHORT:
        return f"has a size that takes more than {_SHORT} bytes"
    left = len(span) - behind
    if size > left:
        return f"claims {size} bytes, but {left} are left"
    return "does not hold what belongs there"


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
