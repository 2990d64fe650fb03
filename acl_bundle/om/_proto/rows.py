"""Many messages of one file, asked the same at once.

A graph has ten thousands of nodes, and an object for each of them and for each
question takes seconds. :class:`Rows` are places in the file, in an array; a
question walks over all of them in C (csrc/wire/wire.c) and gives places again,
and objects are made of what is wanted in the end. What is damaged is asked for
anew by :class:`Message`, so it is told in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle._acl import ffi, lib
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._proto.wire import Message, text

_FIELD: Final = np.dtype([("number", "u4"), ("kind", "u4"), ("at", "u8"), ("size", "u8")])
_VARINT, _BYTES = 0, 2
NUMBER_BYTES, PAIR_BYTES = 8, 32
"""Tensors that are read at once may list a number for each so many bytes, and a pair; and 1,024."""


class Rows:
    """Fields that lie in one span; some may be absent."""

    __slots__ = ("_fields", "_span")

    def __init__(self, span: Span, fields: NDArray[Any]) -> None:
        self._span = span
        self._fields = fields

    @classmethod
    def of(cls, message: Message, number: int) -> Rows:
        """Return the messages of a repeated field, as `Message.messages` does."""
        fields = np.empty(message.check_spans(number), _FIELD)
        at = ffi.new("uint64_t *")
        view = message.span.view
        lib.ab_wire_fields(_pointer(view), len(view), 1 << number, at, _array(fields), len(fields))
        return cls(message.span, fields)

    def __len__(self) -> int:
        return len(self._fields)

    @property
    def nbytes(self) -> int:
        """Bytes of the span that they lie in."""
        return len(self._span)

    @property
    def numbers(self) -> NDArray[np.uint32]:
        """Which field each is, 0 where it is absent."""
        found: NDArray[np.uint32] = self._fields["number"]
        return found

    def take(self, which: NDArray[Any] | list[int]) -> Rows:
        """Return some of them, by index or by a mask."""
        chosen = which if isinstance(which, np.ndarray) else np.array(which, int)
        return Rows(self._span, self._fields[chosen])

    def otherwise(self, others: Rows) -> Rows:
        """Return these, and others of the same span in the place of those that are absent."""
        there = self._fields["number"] != 0
        return Rows(self._span, np.where(there, self._fields, others._fields))

    def last(self, number: int) -> Rows:
        """Return a field of each, the last one where there are several."""
        return self._inner(1 << number, False, None, number)

    def first(self, *numbers: int) -> Rows:
        """Return which of some fields stands first in each."""
        return self._inner(sum(1 << one for one in numbers), True, None, numbers[0])

    def entry(self, number: int, key: str) -> Rows:
        """Return the value of a map's entry in each, as `Message.entry` does."""
        return self._inner(1 << number, False, key.encode(), number)

    def _inner(self, sought: int, is_first: bool, key: bytes | None, number: int) -> Rows:
        found = np.empty(len(self), _FIELD)
        name = ffi.NULL if key is None else ffi.from_buffer(key)
        walked = lib.ab_wire_inner(
            _pointer(self._span.view), _array(self._fields), len(self), sought, is_first,
            name, len(key or b""), _array(found),
        )  # fmt: skip
        if walked < len(self):
            self._refuse(walked, number, key)
        return Rows(self._span, found)

    def _refuse(self, index: int, number: int, key: bytes | None) -> None:
        message = self.message(index)
        if key is not None:
            message.entry(number, key.decode())
        message.check_spans(number)
        raise message.span.error(0, f"field {number} cannot be read")

    def message(self, index: int) -> Message:
        """Return one of them, an empty message where it is absent."""
        number, kind, at, size = self._fields[index].item()
        if not number:
            return Message(self._span.cut(0, 0, "nothing"))
        if kind != _BYTES:
            raise Message(self._span).wrong(number, kind, "bytes")
        return Message(self._span.cut(at, size, f"field {number}"))

    def messages(self) -> Iterator[Message]:
        """Yield each."""
        return map(self.message, range(len(self)))

    def places(self) -> list[tuple[int, int]]:
        """Return where each starts in the span, and its bytes; nothing where it is absent."""
        self._check_bytes()
        there = self._fields["number"] != 0
        at, size = (np.where(there, self._fields[name], 0) for name in ("at", "size"))
        return list(zip(at.tolist(), size.tolist(), strict=True))

    def texts(self) -> list[str]:
        """Decode each as `Message.text` does."""
        view, found = self._span.view, []
        for at, size in self.places():
            try:
                found.append(str(view[at : at + size], "utf-8"))
            except UnicodeDecodeError:
                found.append(text(self._span.cut(at, size, "a text")))
        return found

    def values(self, number: int) -> list[int]:
        """Return a number of each message, as `Message.value` does."""
        fields = self.last(number)._fields
        odd = (fields["number"] != 0) & (fields["kind"] != _VARINT)
        values = np.where(fields["number"] != 0, fields["at"], 0).view("i8").tolist()
        for index in np.flatnonzero(odd).tolist():
            values[index] = self.message(index).value(number)
        return values  # type: ignore[no-any-return]

    def lists(self, number: int) -> list[tuple[int, ...]]:
        """Return the numbers of a repeated field of each, as `Message.values` does.

        Raises:
            BundleFormatError: All of them are more than their bytes pay for.
        """
        counts = np.zeros(len(self), np.uint64)
        walk = partial(lib.ab_wire_lists, _pointer(self._span.view), _array(self._fields))
        for room in (0, 1):
            numbers = np.empty(room and int(counts.sum()), np.int64)
            known = walk(len(self), number, _whole(counts), _whole(numbers), len(numbers))
            if known < len(self):
                self.message(known).values(number)
                raise self._span.error(0, f"field {number} cannot be read")
            self._check_paid(counts, NUMBER_BYTES, "numbers")
        return list(map(tuple, _parted(numbers.tolist(), counts)))

    def pairs(self, number: int, inner: int) -> list[tuple[tuple[int, int], ...]]:
        """Return the lists of two numbers each that stand in a repeated message of each.

        Raises:
            BundleFormatError: All of them are more than their bytes pay for.
        """
        counts = np.zeros(len(self), np.uint64)
        walk = partial(lib.ab_wire_pairs, _pointer(self._span.view), _array(self._fields))
        for room in (0, 1):
            numbers = np.empty(room and 2 * int(counts.sum()), np.int64)
            known = walk(
                len(self), number, inner, _whole(counts), _whole(numbers), len(numbers) // 2
            )
            if known < len(self):
                raise self.message(known).span.error(0, f"field {number} holds no lists of numbers")
            self._check_paid(counts, PAIR_BYTES, "pairs of numbers")
        flat = numbers.tolist()
        return list(map(tuple, _parted(list(zip(flat[::2], flat[1::2], strict=True)), counts)))

    def _check_paid(self, counts: NDArray[np.uint64], nbytes: int, what: str) -> None:
        """Refuse more objects than the bytes of the span pay for."""
        most = 1024 + self.nbytes // nbytes
        if counts.sum() > most:
            raise self._span.error(
                0,
                f"tensors list more than {most} {what} in {self.nbytes} bytes; no file that a"
                " compiler wrote has so many",
            )

    def _check_bytes(self) -> None:
        odd = (self._fields["number"] != 0) & (self._fields["kind"] != _BYTES)
        if odd.any():
            self.message(int(np.flatnonzero(odd)[0]))


def _parted(flat: list[Any], counts: NDArray[np.uint64]) -> Iterator[list[Any]]:
    """Cut a list into pieces of so many."""
    ends = np.cumsum(counts).tolist()
    return (flat[start:end] for start, end in zip([0, *ends], ends, strict=False))


def _pointer(view: memoryview) -> Any:
    return ffi.from_buffer("uint8_t[]", view) + 0


def _array(fields: NDArray[Any]) -> Any:
    return ffi.from_buffer("ab_field[]", np.ascontiguousarray(fields))


def _whole(numbers: NDArray[Any]) -> Any:
    return ffi.from_buffer("uint64_t[]" if numbers.dtype == np.uint64 else "int64_t[]", numbers)
