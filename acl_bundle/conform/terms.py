"""The calls of the rows, as text and as data: ``aclrtMalloc(&p, 64, 0) = 0``.

A line is a call and what it answers, or a value and what it is:

    aclrtMalloc(&p, 64, 0) = 0                an argument of type T * is made: memory for one T
    aclrtMemcpy(p, 8, float[1, 2], 8, 1) = 0  p is what lies there; float[...] are bytes of the host
    d := aclmdlCreateDesc()                   keeps the answer, which may not be NULL
    dims.dims[0] = 4                          a value without a call
    T2: aclrtFree(p) = 100000                 on another thread; T2 is the same one in a whole row
    aclmdlUnload(7) = 145003 | 145000         either is right
    aclrtFree(p) != 0                         anything else is right

Other arguments: numbers, ``NULL``, ``"text"``, ``[1, 2]`` (of the type that the function takes),
``&y:float[4]`` (memory of the host for four, all 0), ``p+32``, ``path:bundle``, ``data:bundle`` and
``size:bundle`` (of a file of the kit).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "AnswerPlace",
    "Name",
    "Number",
    "NumberList",
    "OfFile",
    "RowCall",
    "RowLine",
    "Term",
    "Text",
    "parse",
]


@dataclass(frozen=True)
class Number:
    """A number as it stands."""

    value: int | float


@dataclass(frozen=True)
class Text:
    """A string of C's."""

    value: bytes


@dataclass(frozen=True)
class Name:
    """What a name of the row holds: a path of fields and places, and so many bytes further."""

    name: str
    path: tuple[str | int, ...] = ()
    offset: int = 0


@dataclass(frozen=True)
class AnswerPlace:
    """Memory for an answer, under a name; of the type that the function wants, or of this one."""

    name: str
    ctype: str | None = None


@dataclass(frozen=True)
class NumberList:
    """Numbers one after the other, of the type that the function wants, or of this one."""

    values: tuple[int | float, ...]
    ctype: str | None = None


@dataclass(frozen=True)
class OfFile:
    """The path, the bytes or the size of a file of the kit."""

    what: str
    file: str


Term: TypeAlias = Number | Text | Name | AnswerPlace | NumberList | OfFile


@dataclass(frozen=True)
class RowCall:
    """A function and its arguments."""

    function: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True)
class RowLine:
    """One line of a row.

    Attributes:
        text: As it is written.
        what: The call, or the value.
        thread: Which thread, "" for the row's own.
        into: The name that keeps the answer, "" for none.
        right: The answers that are right, or with `inverted` those that are wrong.
        inverted: See `right`.
    """

    text: str
    what: RowCall | Term
    thread: str = ""
    into: str = ""
    right: tuple[Term, ...] = ()
    inverted: bool = False

    @property
    def functions(self) -> tuple[str, ...]:
        """What the line calls."""
        return (self.what.function,) if isinstance(self.what, RowCall) else ()


_TOKEN = re.compile(
    r'\s*(?:(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|(?P<text>"[^"]*")|(?P<word>\w+)'
    r"|(?P<sign>:=|!=|[()\[\],&:=|+.*]))"
)
_FILES = ("path", "data", "size")


class _Tokens:
    """The tokens of one line, taken from the left."""

    def __init__(self, line: str) -> None:
        self.line, self._found, end = line, [], 0
        while line[end:].strip():
            match = _TOKEN.match(line, end)
            if match is None:
                raise ValueError(f"{line!r}: {line[end:].strip()!r} is no number, text or sign")
            self._found.append((str(match.lastgroup), match[str(match.lastgroup)]))
            end = match.end()

    @property
    def next(self) -> str:
        """The next token, "" at the end."""
        return self._found[0][1] if self._found else ""

    @property
    def kind(self) -> str:
        """Which kind it is."""
        return self._found[0][0] if self._found else "end"

    def take(self, wanted: str = "") -> str:
        """Take the next token, which must be the wanted one."""
        if not self._found or (wanted and self.next != wanted):
            found = self.next or "the end"
            raise ValueError(f"{self.line!r}: {found} stands where {wanted or 'more'} is wanted")
        return self._found.pop(0)[1]

    def has(self, sign: str) -> bool:
        """Whether the next token is this sign; it is taken then."""
        if self.kind == "sign" and self.next == sign:
            self.take()
            return True
        return False


def _number(word: str) -> int | float:
    return float(word) if "." in word else int(word, 0)


def _list(tokens: _Tokens) -> tuple[int | float, ...]:
    """What stands behind an opening bracket, to the closing one."""
    values: list[int | float] = []
    while not tokens.has("]"):
        values.append(_number(tokens.take()))
        if tokens.next != "]":
            tokens.take(",")
    return tuple(values)


def _ctype(tokens: _Tokens) -> str:
    """A type behind a colon: float[4], void *."""
    words = [tokens.take()]
    if tokens.has("["):
        words.append(f"[{tokens.take()}]")
        tokens.take("]")
    while tokens.has("*"):
        words.append(" *")
    return "".join(words)


def _name(tokens: _Tokens, word: str) -> Term:
    path: list[str | int] = []
    while True:
        if tokens.has("."):
            path.append(tokens.take())
        elif tokens.has("["):
            path.append(int(tokens.take()))
            tokens.take("]")
        else:
            break
    return Name(word, tuple(path), int(tokens.take(), 0) if tokens.has("+") else 0)


_LISTS = {"float", "int32_t", "int64_t", "uint8_t"}


def _term(tokens: _Tokens) -> Term:
    if tokens.has("&"):
        name = tokens.take()
        return AnswerPlace(name, _ctype(tokens) if tokens.has(":") else None)
    if tokens.has("["):
        return NumberList(_list(tokens))
    kind, word = tokens.kind, tokens.take()
    if kind == "word":
        return _of_word(tokens, word)
    if kind == "sign":
        raise ValueError(f"{tokens.line!r}: {word} stands where an argument is wanted")
    return Number(_number(word)) if kind == "number" else Text(_unescaped(word[1:-1]))


def _unescaped(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")


def _of_word(tokens: _Tokens, word: str) -> Term:
    """What begins with a word: a file of the kit, typed numbers, a name."""
    if word in _FILES and tokens.has(":"):
        return OfFile(word, tokens.take())
    if word in _LISTS and tokens.has("["):
        return NumberList(_list(tokens), word)
    return _name(tokens, word)


def _arguments(tokens: _Tokens) -> tuple[Term, ...]:
    found: list[Term] = []
    while not tokens.has(")"):
        found.append(_term(tokens))
        if tokens.next != ")":
            tokens.take(",")
    return tuple(found)


def _what(tokens: _Tokens) -> RowCall | Term:
    if tokens.next.startswith("acl"):
        function = tokens.take()
        tokens.take("(")
        return RowCall(function, _arguments(tokens))
    return _term(tokens)


_THREAD = re.compile(r"(T\d+): ")
_INTO = re.compile(r"(\w+) := ")


def parse(line: str) -> RowLine:
    """Read one line.

    Raises:
        ValueError: It is none; the message has the line and the place.
    """
    thread = _THREAD.match(line)
    rest = line[thread.end() :] if thread else line
    into = _INTO.match(rest)
    tokens = _Tokens(rest[into.end() :] if into else rest)
    what = _what(tokens)
    right: list[Term] = []
    inverted = tokens.has("!=")
    if inverted or tokens.has("="):
        right.append(_term(tokens))
        while tokens.has("|"):
            right.append(_term(tokens))
    if tokens.next:
        raise ValueError(f"{line!r}: nothing may stand behind it, but {tokens.next!r} does")
    if not right and not (into or isinstance(what, RowCall)):
        raise ValueError(f"{line!r}: a value alone says nothing; write what it is")
    name, at = into[1] if into else "", thread[1] if thread else ""
    return RowLine(line, what, at, name, tuple(right), inverted)
