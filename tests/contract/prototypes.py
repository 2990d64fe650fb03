"""What CANN's headers declare, read from a list that no file of the fake was made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

COMMENT = re.compile(r"/\*.*?\*/|^#[^\n]*$", re.DOTALL | re.MULTILINE)
ROW = re.compile(
    r"\s*(?P<result>\w[\w\s*]*?[\s*])(?P<name>acl\w+)\s*\((?P<parameters>.*)\)\s*", re.DOTALL
)
DIMS = re.compile(r"(\[\w*\])+$")
NAMED = re.compile(r"(?P<type>.*[ *])\w+")


class Prototype(NamedTuple):
    """Types without the parameters' names; an array is a pointer."""

    result: str
    parameters: tuple[str, ...]


def _squeezed(text: str) -> str:
    return re.sub(r"\s*\*\s*", "*", " ".join(text.split()))


def _type(parameter: str) -> str:
    bare = DIMS.sub("", parameter.strip())
    named = NAMED.fullmatch(bare)
    star = "*" if DIMS.search(parameter.strip()) else ""
    return _squeezed(named["type"] if named else bare) + star


def parse(text: str) -> dict[str, Prototype]:
    """The prototypes of a header or a list, by name."""
    found = {}
    for row in filter(None, map(ROW.fullmatch, COMMENT.sub("", text).split(";"))):
        listed = row["parameters"].strip()
        types = () if listed in ("", "void") else tuple(map(_type, listed.split(",")))
        found[row["name"]] = Prototype(_squeezed(row["result"]), types)
    return found


def declared() -> dict[str, Prototype]:
    """All that CANN's headers declare."""
    return parse(Path(__file__).with_name("cann_prototypes.txt").read_text(encoding="utf-8"))
