"""docs/design.md: its life lines name the calls that an inference and an update make."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

import acl_bundle as ab
from acl_bundle.testing import FakeAcl

from .page import Page, small_policy
from .test_contributing import PLACE

ROOT = Path(__file__).parents[3]
X = np.ones((1, 4), np.float32)
CALL = re.compile(r"\bacl(?:rt|mdl)?[A-Z]\w+")


def named(section: str) -> set[str]:
    """The functions that a section names."""
    text = Page("docs/design.md").text.partition(f"\n### {section} ")[2]
    return set(CALL.findall(re.split(r"\n##", text)[0]))


def traced(fake_acl: FakeAcl, call: Callable[[], object]) -> set[str]:
    """The functions that a call calls."""
    fake_acl.set("trace", "on")
    before = len(fake_acl.trace)
    call()
    return {row["function"] for row in fake_acl.trace[before:]}


def test_the_life_lines_are_what_is_called(fake_acl: FakeAcl, tmp_path: Path) -> None:
    small_policy(tmp_path / "policy.om")
    with ab.Bundle.load(tmp_path / "policy.om") as bundle:
        bundle.init()
        bundle.update({"w": np.ones((4, 2), np.float32)})
        bundle.infer(X)
        assert traced(fake_acl, lambda: bundle.infer(X)) == named("5.1")
        new = {"b": np.ones(2, np.float32)}
        calls = traced(fake_acl, lambda: bundle.update(new, version=7))
        assert calls - {"aclrtGetCurrentContext"} == named("5.2")


def test_its_rooms_are_there() -> None:
    rooms = {*re.findall(r"`(_[a-z]+|[a-z]+\.py)`", Page("docs/design.md").text)}
    assert len(rooms) > 4
    assert [one for one in rooms if not (ROOT / "acl_bundle" / one).exists()] == []


def test_links_and_places_of_design_and_facts_are_there() -> None:
    pages = [*(ROOT / "docs" / "facts").glob("*.md"), ROOT / "docs/facts.md"]
    for path in [*pages, ROOT / "docs/design.md"]:
        page = Page(str(path.relative_to(ROOT)))
        page.check_links()
        assert [one for one in PLACE.findall(page.text) if not (ROOT / one).exists()] == []
