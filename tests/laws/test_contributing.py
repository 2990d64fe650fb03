"""CONTRIBUTING.md: what its recipes name is there, and what they are to make is not."""

from __future__ import annotations

import re
from pathlib import Path

from .page import Page

ROOT = Path(__file__).parents[2]
PAGE = Page("CONTRIBUTING.md")
PLACE = re.compile(r"\b(?:acl_bundle|csrc|docs|fakes|tests)/[\w./]*\w")
MADE = re.compile(r"/(?:_|test_)?mine\.py$")


def test_every_place_that_is_named_exists() -> None:
    PAGE.check_links()
    places = {*PLACE.findall(PAGE.text)}
    assert len(places) > 15
    made = {one for one in places if MADE.search(one)}
    assert len(made) == 4
    assert [one for one in places if (ROOT / one).exists() == (one in made)] == []


def test_the_function_of_the_recipe_is_yet_to_be_simulated() -> None:
    rows = (ROOT / "fakes/call/unsimulated.h").read_text(encoding="utf-8")
    assert "FUNCTION(aclrtGetEventAvailNum, ERROR)" in rows
    neighbour = (ROOT / "fakes/call/functions.h").read_text(encoding="utf-8")
    assert "FUNCTION(aclrtEventElapsedTime, STATUS, RT)" in neighbour
