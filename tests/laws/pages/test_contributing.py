"""CONTRIBUTING.md: the places that its recipes name are there."""

from __future__ import annotations

import re
from pathlib import Path

from .page import Page

ROOT = Path(__file__).parents[3]
PAGE = Page("CONTRIBUTING.md")
PLACE = re.compile(r"\b(?:acl_bundle|csrc|docs|fakes|tests)/[\w./]*\w")
MADE = re.compile(r"/(?:mine/\w+|(?:_|test_)?mine)\.py$")  # by whoever follows a recipe


def test_every_place_that_is_named_exists() -> None:
    PAGE.check_links()
    places = {one for one in PLACE.findall(PAGE.text) if not MADE.search(one)}
    assert len(places) > 15
    assert [one for one in places if not (ROOT / one).exists()] == []
