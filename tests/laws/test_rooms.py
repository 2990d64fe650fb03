"""Rooms: what lies in one knows that room and those below it, and none above (layers.toml)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .rooms import circle, definitions, room, upward, uses

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[2]
HOUSES: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "layers.toml").read_text(encoding="utf-8")
)
ELSEWHERE = {"ge"}  # C++: a stand-in for libraries of their own
OF_C = pytest.mark.parametrize("house", ["csrc", "fakes"])


def texts(house: str) -> dict[str, str]:
    """The sources of a house of C, by their path in it."""
    return {
        str(path.relative_to(ROOT / house)): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / house).glob("*/*.[ch]"))
        if path.parent.name not in ELSEWHERE
    }


@OF_C
def test_every_source_lies_in_a_room(house: str) -> None:
    assert {room(path) for path in texts(house)} == {*HOUSES[house]}


@OF_C
def test_what_is_used_lies_in_the_same_room_or_lower(house: str) -> None:
    assert upward(texts(house), [*HOUSES[house]]) == []


@OF_C
def test_no_sources_use_each_other_in_a_circle(house: str) -> None:
    assert circle(texts(house)) == []


@OF_C
def test_the_table_of_rooms_is_that_of_the_documentation(house: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = "".join(f"| `{name}` | {keeps} |\n" for name, keeps in reversed(HOUSES[house].items()))
    assert f"| room | keeps |\n|---|---|\n{rows}\n" in page


HOUSE = {
    "low/a.h": "int a_one(void);\nextern int a_many[2];\n",
    "low/a.c": '#include "low/a.h"\nint a_many[2];\nint a_one(void)\n{\n    return 1;\n}\n',
    "high/b.h": '#include "low/a.h"\n',
    "high/b.c": '#include "high/b.h"\nstatic int one(int (*f)(void))\n{\n    return f();\n}\n'
    "int b_two(void)\n{\n    return one(a_one) + a_many[0];\n}\n",
}  # fmt: skip


def test_functions_and_data_are_found_where_they_are_defined() -> None:
    assert definitions(HOUSE["high/b.c"]) == {"one": False, "b_two": True}
    assert definitions(HOUSE["low/a.h"]) == {"a_many": True}
    assert [*uses(HOUSE)] == [
        ("high/b.h", "low/a", "low/a.h"),
        ("high/b.c", "low/a", "a_many"),
        ("high/b.c", "low/a", "a_one"),
    ]


def test_a_good_house_has_no_complaints() -> None:
    assert upward(HOUSE, ["low", "high"]) == []
    assert circle(HOUSE) == []


@pytest.mark.parametrize(
    ("path", "use"),
    [
        ("low/c.c", '#include "high/b.h"\n'),
        ("low/c.c", "int c = b_two();\n"),
        ("low/c.h", "int b_two(void);\n"),
    ],
)
def test_a_use_of_a_higher_room_is_told(path: str, use: str) -> None:
    house = {**HOUSE, path: use}
    assert len(upward(house, ["low", "high"])) == 1
    assert circle(house) == []


def test_a_comment_or_a_text_uses_nothing() -> None:
    house = {**HOUSE, "low/c.c": '/* b_two() */ const char *t = "b_two()";\n#if b_two\n#endif\n'}
    assert upward(house, ["low", "high"]) == []


def test_a_circle_is_told_inside_a_room() -> None:
    house = {**HOUSE, "low/a.c": HOUSE["low/a.c"] + "int a_two(void)\n{\n    return c();\n}\n"}
    house["low/c.c"] = "int c(void)\n{\n    return a_one();\n}\n"
    assert upward(house, ["low", "high"]) == []
    assert sorted(circle(house)) == ["low/a uses c of low/c", "low/c uses a_one of low/a"]
