"""The rows: which calls are made, what each answers, and which fact says so.

They are data, in `rows` beside this file, and this is the one place that says what is expected:
``acl-bundle conform`` runs them on a device, tests/contract on the fake.

    [nowhere to answer] facts 1.5, context
    function: aclrtMalloc aclrtMallocCached
    {function}(NULL, 16, 0) = 100000

A row needs ``nothing``, ``init`` (aclInit was called) or ``context`` (and aclrtSetDevice).
``alone`` says that it changes what later rows would see, so it gets a process of its own. A list of
words stands for one row each. DEVICE and NO_DEVICE are a device's number and the first that is
none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from acl_bundle.conform.terms import OfFile, RowCall, RowLine, parse

__all__ = ["STATES", "CallRow", "rows"]

STATES = ("nothing", "init", "context")
_HEAD = re.compile(r"\[(?P<title>[^\]]+)\] facts (?P<facts>[\d., ]+), (?P<needs>[\w ]+)")
_AXIS = re.compile(r"(\w+): (.+)")


@dataclass(frozen=True)
class CallRow:
    """One row.

    Attributes:
        id: Unique: file, title, and the words that stand in it.
        facts: The numbers of its facts.
        state: What was called before, of `STATES`.
        is_alone: Whether it gets a process of its own.
        lines: What is done, in order.
    """

    id: str
    facts: tuple[str, ...]
    state: str
    is_alone: bool
    lines: tuple[RowLine, ...]

    @property
    def functions(self) -> tuple[str, ...]:
        """Every function that it calls, once."""
        return tuple(dict.fromkeys(name for line in self.lines for name in line.functions))

    @property
    def files(self) -> frozenset[str]:
        """Every file of the kit that it names."""
        calls = [line.what for line in self.lines if isinstance(line.what, RowCall)]
        terms = (term for call in calls for term in call.arguments)
        return frozenset(term.file for term in terms if isinstance(term, OfFile))

    @property
    def digest(self) -> str:
        """Short, of all that it does and expects: two rows of one digest are the same row."""
        text = "\n".join([self.state, str(self.is_alone), *(line.text for line in self.lines)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _blocks(text: str) -> Iterator[list[str]]:
    """What stands between empty lines, without comments."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines += [] if line.startswith("#") else [line.rstrip()]
        elif lines:
            yield lines
            lines = []


def _rows_of(block: list[str], file: str) -> Iterator[CallRow]:
    head = _HEAD.fullmatch(block[0])
    if head is None:
        raise ValueError(f"{file}: {block[0]!r} is no head of a row: [title] facts 1.1, context")
    axes: dict[str, list[str]] = {}
    body = block[1:]
    while body and (axis := _AXIS.fullmatch(body[0])) and not axis[1].startswith("T"):
        axes[axis[1]] = axis[2].split()
        body = body[1:]
    needs = head["needs"].split()
    state = needs[0]
    if state not in STATES or needs[1:] not in ([], ["alone"]):
        raise ValueError(f"{file}: {block[0]!r} needs {head['needs']}; right are {STATES}, alone")
    for words in product(*axes.values()):
        named = dict(zip(axes, words, strict=True))
        lines = tuple(parse(_filled(line, named)) for line in body)
        name = " ".join([f"{file}: {head['title']}", *words])
        yield CallRow(name, tuple(head["facts"].split(", ")), state, "alone" in needs, lines)


def _filled(line: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        line = line.replace(f"{{{name}}}", word)
    return line


def read(text: str, file: str) -> list[CallRow]:
    """Read the rows of one file.

    Raises:
        ValueError: It says something that is no row.
    """
    return [row for block in _blocks(text) for row in _rows_of(block, file)]


@cache
def rows() -> tuple[CallRow, ...]:
    """Every row, in the order of the files."""
    files = sorted((Path(__file__).parent / "rows").glob("*.txt"))
    return tuple(row for path in files for row in read(path.read_text("utf-8"), path.stem))
