"""What C sources know of each other, read from their text.

A house is a folder of rooms, a room a folder of sources, and a source is known by its room and
stem: ``runtime/stream`` is ``runtime/stream.c`` and ``runtime/stream.h``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

# Comments, literals, and directives but #include, with the lines that continue them.
NOT_CODE = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|^[ \t]*#(?!include|define)(?:\\\n|[^\n])*",
    re.DOTALL | re.MULTILINE,
)
INCLUDE = re.compile(r'^#include "([^"]+)\.h"', re.MULTILINE)
# A definition begins at the margin, and so does its brace.
FUNCTION = re.compile(
    r"^(static )?(?:[A-Za-z_][\w *]*?[ *])(\w+)\((?:[^;{}()]|\([^()]*\))*\)\n\{", re.MULTILINE
)
DECLARED = re.compile(
    r"^(?!static|typedef)[A-Za-z_][\w *]*?[ *](\w+)\((?:[^;{}()]|\([^()]*\))*\)[^;{}]*;",
    re.MULTILINE,
)
NAME = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")  # but a member's
DATA = re.compile(r"^extern [^;(]*?\b(\w+)(?:\[[^;]*)?;", re.MULTILINE)

Sources = Mapping[str, str]
"""Texts by their path in the house."""


def known(path: str) -> str:
    """The name that both files of a source have."""
    return path.rpartition(".")[0]


def room(source: str) -> str:
    return source.partition("/")[0]


def code(text: str) -> str:
    """A source without comments and literals."""
    return NOT_CODE.sub(" ", text)


def includes(text: str) -> set[str]:
    """The sources whose header a file includes, by its path in the house."""
    return {name for name in INCLUDE.findall(text) if "/" in name}


def definitions(text: str) -> dict[str, bool]:
    """The functions and data that a file defines; is each one for others?"""
    functions = {name: not static for static, name in FUNCTION.findall(code(text))}
    return functions | dict.fromkeys(DATA.findall(code(text)), True)


def owners(sources: Sources) -> dict[str, str]:
    """The source of every name that more than its own file may use."""
    return {
        name: known(path)
        for path, text in sources.items()
        for name, shared in definitions(text).items()
        if shared
    }


def uses(sources: Sources) -> Iterator[tuple[str, str, str]]:
    """Which file uses which source, and how: its header, or a name that it defines."""
    owner, here_lie = owners(sources), {*map(known, sources)}
    for path, text in sources.items():
        own = known(path)
        for other in sorted(includes(text) & here_lie - {own}):
            yield path, other, f"{other}.h"
        if path.endswith(".h"):
            continue  # it declares what others define
        here = definitions(text)
        for name in sorted({*NAME.findall(code(text))} - {*here}):
            if owner.get(name, own) != own:
                yield path, owner[name], name


def declares(sources: Sources) -> Iterator[tuple[str, str, str]]:
    """Which header declares a function of which other source."""
    owner = owners(sources)
    for path, text in sources.items():
        if path.endswith(".h"):
            for name in DECLARED.findall(code(text)):
                if owner.get(name, known(path)) != known(path):
                    yield path, owner[name], name


def upward(sources: Sources, rooms: list[str]) -> list[str]:
    """A line for each use, or declaration, of what a higher room defines."""
    rank = {name: i for i, name in enumerate(rooms)}
    return [
        f"{path} uses {how} of {other}, which lies higher"
        for path, other, how in [*uses(sources), *declares(sources)]
        if rank[room(other)] > rank[room(path)]
    ]


def circle(sources: Sources) -> list[str]:
    """Sources of which each uses the next, and the last the first; none: an empty list."""
    graph: dict[str, set[str]] = {known(path): set() for path in sources}
    how: dict[tuple[str, str], str] = {}
    for path, other, name in uses(sources):
        graph[known(path)].add(other)
        how[known(path), other] = name
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1][::-1]
        return [f"{one} uses {how[one, two]} of {two}" for one, two in pairwise(found)]
    return []
