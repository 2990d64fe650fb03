"""Large JSON, read in pieces: between two of them other threads run.

The json module holds the interpreter from the begin of a text to its end: 64 MiB would stop every
other request for seconds, whichever thread reads them. So each list of numbers under ``"data"``
is cut out of the text first and read by itself, some KiB at a time; what is left is small.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any, Final

from numpy.typing import NDArray

from acl_bundle.server._bounds.pieces import joined, numbers, rest
from acl_bundle.server._protocol.messages import RANK_MAX

Array = NDArray[Any]
Shape = tuple[int, ...]
LARGE: Final = 1 << 16
"""Bytes of JSON that hold the loop for a millisecond."""
REST_MAX: Final = 1 << 20
"""Bytes of what is left of a large text."""
PIECE: Final = 1 << 15
_DATA = re.compile(rb'(?<!\\)"data"\s*:\s*\[')
"""In JSON a quote without a backslash begins or ends a text; behind an end no ``data`` stands."""
_BRACKET = re.compile(rb"[\[\]]")
_SPACE = re.compile(rb"[ \t\n\r]*")


class WrongDataError(ValueError):
    """A list holds something else than numbers, or unequal rows."""


def loads(text: bytes) -> Any:
    """Decode JSON in UTF-8; lists under ``"data"`` become arrays.

    Raises:
        WrongDataError: One of them has other things than numbers in equal rows.
        ValueError: It is no JSON, or is large beside those lists.
    """
    mark, lists, rest = secrets.token_hex(16), dict[str, Array](), list[bytes]()
    at, left = 0, 0
    for begin, end, found in _lists(text):
        name = f"{mark}{len(lists)}"
        lists[name] = found
        rest += (text[at:begin], b'"%s"' % name.encode())
        left += begin - at + len(rest[-1])
        _check_rest(left)
        at = end
    _check_rest(left + len(text) - at)

    def put_back(found: dict[str, Any]) -> dict[str, Any]:
        data = found.get("data")
        if isinstance(data, str) and data in lists:
            found["data"] = lists[data]
        return found

    return json.loads(b"".join((*rest, text[at:])).decode(), object_hook=put_back)


def _check_rest(nbytes: int) -> None:
    if nbytes > REST_MAX:
        raise ValueError(
            f"it has more than {REST_MAX} bytes beside the lists of data, or is no UTF-8"
        )


def _lists(text: bytes) -> Iterator[tuple[int, int, Array]]:
    at = 0
    while (found := _found(text, at)) is not None:
        parts: list[Array] = []
        at, shape = _read(text, found.end(), parts, 1)
        yield found.end() - 1, at, joined(parts).reshape(shape)


def _found(text: bytes, at: int) -> re.Match[bytes] | None:
    """Look for the next list, no further than what may be left of the text."""
    return _DATA.search(text, at, at + REST_MAX + PIECE)


def _read(text: bytes, at: int, parts: list[Array], depth: int) -> tuple[int, Shape]:
    """Read a list from behind its bracket; return where it ends, and its shape."""
    if depth > RANK_MAX:
        raise WrongDataError(f"lists lie more than {RANK_MAX} deep in each other")
    count, row = 0, None
    while True:
        rest()
        at = _after_space(text, at)
        if text[at : at + 1] == b"[":
            at, some, shape = _rows(text, at, parts, depth)
        else:
            at, some, shape = _values(text, at, parts)
        if not some and (count or text[at : at + 1] != b"]"):
            raise ValueError(f"a value is missing at byte {at}")
        if row not in (None, shape):
            raise WrongDataError("rows are unequal")
        row, count, at = shape, count + some, _after_space(text, at)
        end = text[at : at + 1]
        at += 1
        if end == b"]":
            return at, (count, *row)
        if end != b",":
            raise ValueError(f"',' or ']' is missing at byte {at - 1}")


def _after_space(text: bytes, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _values(text: bytes, at: int, parts: list[Array]) -> tuple[int, int, Shape]:
    """Read values that are no lists, as many as a piece has; end behind the last one."""
    most = at + PIECE
    found = _BRACKET.search(text, at, most)
    end = text.rfind(b",", at, most) if found is None else found.start()
    if end < 0 or (found is not None and found[0] == b"["):
        raise WrongDataError(f"a number or a list is missing before byte {most}")
    values = _array(text[at:end], at)
    if not values.size and found is None:
        raise ValueError(f"a value is missing at byte {at}")
    parts.append(values)
    return end, len(values), ()


def _rows(text: bytes, at: int, parts: list[Array], depth: int) -> tuple[int, int, Shape]:
    """Read lists, as many as a piece has, or one that is longer; end behind the last one."""
    piece = text[at : at + PIECE]
    for deep in range(1, RANK_MAX):
        end = piece.rfind(b"]" * deep + b",") + deep
        if end < deep:
            break
        if piece.count(b"[", 0, end) == piece.count(b"]", 0, end):
            try:
                rows = _array(piece[:end], at)
            except WrongDataError:
                raise
            except ValueError:  # the list ends within the piece, and another one begins
                break
            parts.append(rows.ravel())
            return at + end, len(rows), rows.shape[1:]
    at, shape = _read(text, at + 1, parts, depth + 1)
    return at, 1, shape


def _array(text: bytes, at: int) -> Array:
    try:
        values = json.loads(b"[%s]" % text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}: byte {at + error.pos - 1}") from None
    try:
        found = numbers(values)
    except (ValueError, OverflowError):
        raise WrongDataError("rows are unequal") from None
    if values and found.dtype.kind not in "biuf":
        raise WrongDataError(f"they read as {found.dtype}")
    return found
