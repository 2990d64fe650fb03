"""Where a container's bytes come from: a file that is mapped, or a buffer.

Mapping costs nothing per byte, and the mapping lives as long as any view of
it, so there is nothing to close. The file must not be cut short meanwhile.
"""

from __future__ import annotations

import mmap
import os
from typing import TypeAlias

from acl_bundle._base.files import Path_, map_regular
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bytes.foreign import HEAD, foreign
from acl_bundle.om._bytes.span import Span

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
Source: TypeAlias = Path_ | Buffer

_LEAST = 264
_ZIP = b"PK\x03\x04"


def read(source: Source, name: str | None = None) -> Span:
    """Return all bytes of a file or buffer, mapped or borrowed, never copied.

    Args:
        source: A path or a buffer.
        name: What messages call a buffer.

    Raises:
        BundleFormatError: There are none, or they are an OM2 archive.
        OSError: The file cannot be opened, or is no regular file.
        TypeError: It is neither a path nor a buffer.
    """
    if isinstance(source, str | os.PathLike):
        span = Span(map_regular(source), os.fspath(source))
    else:
        span = _borrow(source, name)
    if isinstance(source, bytes | bytearray) and len(span) < _LEAST and b"\0" not in source:
        raise BundleFormatError(
            f"{bytes(source)!r}: bytes are taken as the file's content, which has at least {_LEAST}"
            " of them; a path is a str or a PathLike: os.fsdecode(path)"
        )
    if not len(span):
        raise BundleFormatError(f"{span.file}: the file is empty; a model has at least 264 bytes")
    kind = foreign(bytes(span.view[:HEAD]))
    if kind is not None:
        raise span.error(0, f"this is {kind}")
    if bytes(span.view[:4]) == _ZIP:
        raise span.error(
            0,
            "this is a ZIP archive ('PK'), so an OM2 model; OM2 has no bundles and is not read"
            " here: compile the model as .om",
        )
    return span


def _borrow(buffer: Buffer, name: str | None) -> Span:
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"give a path or the file's bytes, not {type(buffer).__name__}") from None
    if not view.c_contiguous:
        raise ValueError("the buffer is not contiguous; pass bytes or a contiguous copy")
    return Span(view.cast("B").toreadonly(), name or f"<{view.nbytes} bytes>")
