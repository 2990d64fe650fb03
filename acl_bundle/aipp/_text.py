"""The text of a configuration: protobuf's text format, as far as ATC's files go.

``aipp_op { name: value ... }`` once for each input, ``#`` to the end of a line. ais_bench's files
of dynamic parameters, ``[aipp_op]`` and the same lines, are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<skip>[\s,;]+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>[A-Za-z0-9_.+\-]+)
    |(?P<mark>[{}:\[\]])""",
    re.VERBOSE,
)
_TOO_LONG: Final = 1 << 20  # characters; a configuration of 55 fields has some 2,000


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(
                f"line {line} of the AIPP configuration has {text[at]!r}; 'name: value' is right"
            )
        if found.lastgroup != "skip":
            yield _Token(str(found.lastgroup), found[0], line)
        line += found[0].count("\n")
        at = found.end()
    yield _Token("end", "", line)


class _Reader:
    """The tokens, one after the other."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self.next = next(self._tokens)

    def take(self) -> _Token:
        taken = self.next
        if taken.kind != "end":
            self.next = next(self._tokens)
        return taken

    def mark(self, text: str, behind: str) -> None:
        taken = self.take()
        if taken.text != text or taken.kind != "mark":
            raise ValueError(
                f"line {taken.line} of the AIPP configuration has {taken.text or 'nothing'!r}"
                f" behind {behind}; {text!r} is right"
            )

    def is_mark(self, text: str) -> bool:
        return self.next.kind == "mark" and self.next.text == text


def _value(token: _Token, name: str) -> Any:
    """A value as Python has it: a text, a number, a bool, or a name as a text."""
    if token.kind == "text":
        return token.text[1:-1]
    if token.kind != "word":
        raise ValueError(
            f"line {token.line} of the AIPP configuration has {token.text or 'nothing'!r} for"
            f" {name}; a value is right"
        )
    if token.text in ("true", "false"):
        return token.text == "true"
    for kind in (int, float):
        try:
            return kind(token.text)
        except ValueError:
            continue
    return token.text


def _fields(reader: _Reader, end: str) -> dict[str, Any]:
    """The fields up to a closing brace, or to the end of an ais_bench file."""
    found: dict[str, Any] = {}
    while not (reader.is_mark(end) or (not end and reader.next.kind == "end")):
        name = reader.take()
        if name.kind != "word":
            raise ValueError(
                f"line {name.line} of the AIPP configuration has {name.text or 'its end'!r}; the"
                f" name of a field{', or ' + repr(end) if end else ''} is right"
            )
        reader.mark(":", name.text)
        value = _value(reader.take(), name.text)
        if end and name.text in found:
            raise ValueError(f"line {name.line} of the AIPP configuration has {name.text} again")
        found[name.text] = value
    reader.take()
    return found


def _aipp_op(reader: _Reader, right: str) -> None:
    name = reader.take()
    if name.text != "aipp_op":
        raise ValueError(
            f"line {name.line} of the AIPP configuration has {name.text!r}; {right} is right"
        )


def parse(text: str) -> list[dict[str, Any]]:
    """Return the fields of each ``aipp_op``.

    Raises:
        ValueError: The text is something else; the message has the line.
    """
    if len(text) > _TOO_LONG:
        raise ValueError(
            f"the AIPP configuration has {len(text)} characters; {_TOO_LONG} are the most"
        )
    reader, found = _Reader(text), []
    while reader.next.kind != "end":
        if reader.is_mark("["):
            reader.take()
            _aipp_op(reader, "'[aipp_op]'")
            reader.mark("]", "[aipp_op")
            found.append(_fields(reader, ""))
            continue
        _aipp_op(reader, "'aipp_op {'")
        if reader.is_mark(":"):
            reader.take()
        reader.mark("{", "aipp_op")
        found.append(_fields(reader, "}"))
    if not found:
        raise ValueError("the AIPP configuration has no 'aipp_op { ... }'")
    return found
