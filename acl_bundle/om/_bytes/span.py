"""A piece of a file that knows where in the file it lies.

Every parser in this package reads through a :class:`Span` and cuts smaller
spans from it. A cut or a read that would leave the span raises
:class:`BundleFormatError` with the file's name, the absolute offset, the
value at fault and what would be right, so no parser has bounds of its own to
get wrong. Nothing is copied: a span is a read-only ``memoryview`` and two
facts about it.
"""

from __future__ import annotations

import struct
from typing import Any

from acl_bundle.errors import BundleFormatError


class Span:
    """Bytes of a file: what they are, in which file, from which offset."""

    __slots__ = ("file", "offset", "view")

    def __init__(self, view: memoryview, file: str, offset: int = 0) -> None:
        """Describe bytes that start ``offset`` bytes into a file."""
        self.view: memoryview = view
        self.file: str = file
        self.offset: int = offset

    def __len__(self) -> int:
        return len(self.view)

    def cut(self, at: int, size: int, what: str) -> Span:
        """Return ``size`` bytes from ``at``, without copying.

        Raises:
            BundleFormatError: They reach past the end of this span.
        """
        view = self.view
        if size > len(view) - at:
            raise self.error(
                at, f"{what} needs {size} bytes, but {max(len(view) - at, 0)} are left"
            )
        return Span(view[at : at + size], self.file, self.offset + at)

    def rest(self, at: int) -> Span:
        """Return everything from ``at``, which must lie inside or at the end."""
        return self.cut(at, len(self.view) - at, "the rest")

    def unpack(self, layout: struct.Struct, at: int, what: str) -> tuple[Any, ...]:
        """Read fixed fields.

        Raises:
            BundleFormatError: They reach past the end of this span.
        """
        if layout.size > len(self.view) - at:
            self.cut(at, layout.size, what)
        return layout.unpack_from(self.view, at)

    def text(self, at: int, size: int, what: str) -> str:
        """Read UTF-8 text; bytes that are not UTF-8 are kept as escapes."""
        return bytes(self.cut(at, size, what).view).decode("utf-8", "backslashreplace")

    def error(self, at: int, message: str) -> BundleFormatError:
        """Make the exception that says what is wrong ``at`` bytes into this span."""
        return BundleFormatError(f"{self.file}: at byte {self.offset + at}: {message}")
