"""docs/profiling.md: its programs run, and its tables are what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .page import ROOT, Page


@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Page("docs/profiling.md")
    assert page.programs
    page.run({})
    page.check_links()


def test_every_field_of_a_record_is_on_the_page() -> None:
    """And those of aclfake.h."""
    page = (ROOT / "docs" / "profiling.md").read_text(encoding="utf-8")
    source = (ROOT / "fakes" / "call" / "record.c").read_text(encoding="utf-8")
    fields = {*re.findall(r'\\"(\w+)\\":', source)} | {"op", "mark"}
    assert len(fields) > 15
    assert {name for name in fields if f"`{name}`" not in page} == set()
